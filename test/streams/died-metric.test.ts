import assert from 'node:assert/strict';
import { cpSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startProvider, type Provider } from '#lab/provider/provider.ts';
import { startGate, temporaryFolder, type GateProcess } from '../harness/gate-process.ts';
import { scrapeOf } from '../operate/exposition.ts';
import { openSocket } from './socket-client.ts';
import { openWith } from './stream-client.ts';

let lab: Provider;
before(async () => (lab = await startProvider({ seed: 20261127 })));
after(() => lab?.close());

const BODY = { model: 'm', stream: true, messages: [{ role: 'user', content: '[[lab output=400 fault=stall@4]] hi' }] };
const SHORT = { ...BODY, messages: [{ role: 'user', content: '[[lab output=4]] hi' }] };

async function ends(gate: GateProcess): Promise<Record<string, number>> {
  const { samples } = (await scrapeOf(gate)).family('headgate_streams_total');
  return Object.fromEntries(samples.map(({ labels, value }) => [`${labels['protocol']} ${labels['ending']}`, value]));
}

test('streams that died with their process are counted once, by the process that settles them', async () => {
  const dataDir = temporaryFolder('died');
  const start = (): Promise<GateProcess> =>
    startGate({
      dataDir,
      config: `
providers: { up: { kind: lab, baseUrl: "${lab.url}/v1" } }
models: { m: { deployments: [{ provider: up, model: lab-small }] } }
prices: [{ provider: "*", model: "*", perMillion: { input: "1", output: "1" } }]
`,
    });
  const first = await start();
  const call = (body: object, headers = {}) =>
    openWith(first, { method: 'POST', path: '/v1/chat/completions', body, headers });
  await (
    await call(SHORT)
  ).ended;
  const readings = [await call(BODY), await call(BODY, { 'x-headgate-resume': 'true' }), await call(BODY)];
  for (const reading of readings) await first.until('its events', () => reading.text().includes('data: '));
  const socket = await openSocket(first);
  socket.send({ type: 'start', stream: 'a', path: '/v1/chat/completions', body: BODY });
  await socket.frame(({ type }) => type === 'delta');
  // An answer in one piece dies as well, and is no stream.
  call({ ...BODY, stream: false, messages: [{ role: 'user', content: '[[lab fault=hang]] hi' }] }).catch(() => null);
  await first.until('it is under way', () => lab.log.length === 6);
  assert.deepEqual(await ends(first), { 'sse ok': 1 });
  await first.kill();

  const spool = join(dataDir, 'state', 'spool');
  const left = readdirSync(spool);
  const copy = temporaryFolder('died-spool');
  cpSync(spool, copy, { recursive: true });
  const second = await start();
  const died = { 'sse interrupted': 3, 'ws interrupted': 1 };
  await second.until('they are settled', async () => Object.keys(await ends(second)).length > 0);
  assert.deepEqual(await ends(second), died);
  const { calls } = await second.admin('GET', '/calls?limit=100');
  assert.equal(calls.filter(({ status }: { status: string }) => status === 'interrupted').length, 5);
  assert.equal(await second.stop(), 0);

  // As if the second had died between the store and the folder: what it counted is not counted again.
  for (const folder of left) cpSync(join(copy, folder), join(spool, folder), { recursive: true });
  const third = await start();
  await third.until('the folder is taken up', () => left.every((folder) => !readdirSync(spool).includes(folder)));
  assert.deepEqual(await ends(third), {});
  await third.stop();
});
