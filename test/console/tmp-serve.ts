import { writeFileSync } from 'node:fs';
import { tenantsWorld } from './tenants-world.ts';
const w = await tenantsWorld();
writeFileSync('/tmp/tp/gate.json', JSON.stringify({ url: w.gate.url, adminToken: w.gate.adminToken }));
console.log('ready', w.gate.url);
setTimeout(async () => {
  await w.stop();
  process.exit(0);
}, 40 * 60_000);
