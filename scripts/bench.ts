/** `npm run bench [-- name]`: one bench after the other, alone on the machine. Without a name it lists them. */
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

const root = join(import.meta.dirname, '..');
const benches = globSync('bench/*/run.ts', { cwd: root }).map((file) => ({ name: basename(dirname(file)), file }));
const [wanted, ...rest] = process.argv.slice(2);
const chosen = benches.filter(({ name }) => name === wanted || wanted === 'all');

if (chosen.length === 0) {
  console.log(`benches: ${benches.map(({ name }) => name).join(', ')}, all`);
  console.log('hint: npm run bench -- gateway');
  process.exit(wanted === undefined ? 0 : 2);
}
for (const { file } of chosen) {
  const { status } = spawnSync(process.execPath, [join(root, file), ...rest], { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
