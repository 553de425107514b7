/**
 * Is a call lost while the store is away for an hour? `node bench/store-away/run.ts [--minutes 60] [--rate 3]`. A real
 * gate serves real calls while another process holds both SQLite files; half-way the gate is killed and started
 * anew. Afterwards the logs of provider and client judge: each call exactly one entry. Figures go to
 * bench/results/store-away.json.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startProvider } from '#lab/provider/provider.ts';
import { burst, tally } from '../../test/conservation/burst.ts';
import { judge, type ClientSaw } from '../../test/conservation/judge.ts';
import { readLedger } from '../../test/conservation/ledger-file.ts';
import { lockFile } from '../../test/conservation/locker.ts';
import { makeTenant, worldConfig } from '../../test/conservation/world.ts';
import { startGate, temporaryFolder } from '../../test/harness/gate-process.ts';

const argument = (name: string, otherwise: number): number =>
  Number(process.argv[process.argv.indexOf(`--${name}`) + 1]) || otherwise;
const MINUTES = argument('minutes', 60);
const RATE = argument('rate', 3);
const SEED = 60;
const body = JSON.stringify({ model: 'via-chat', messages: [{ role: 'user', content: 'Hello. [[lab output=5]]' }] });
const note = (text: string): void => void process.stderr.write(`${text}\n`);

const folder = temporaryFolder('hour');
const state = join(folder, 'state');
const provider = await startProvider({ seed: SEED });
const start = () => startGate({ config: worldConfig(provider.url), dataDir: folder });
let gate = await start();
const [key] = await makeTenant(gate, 'acme', 1);
await gate.admin('POST', '/budgets', { level: 'tenant', tenant: 'acme', limitUsd: '1000', mode: 'bounded' });
const clients: ClientSaw[] = [];
const callsFor = async (ms: number): Promise<void> => {
  for (const end = Date.now() + ms; Date.now() < end; await sleep(1_000))
    clients.push(...(await burst({ url: gate.url, key: key!, body }, RATE)));
};

await callsFor(3_000);
const files = ['ledger.db', 'state.db'].map((name) => join(state, name));
let locks = await Promise.all(files.map((file) => lockFile(file)));
const awayFrom = Date.now();
note(`seed ${SEED}: the store is away for ${MINUTES} minutes`);
await callsFor((MINUTES * 60_000) / 2);
await gate.kill();
// A file that is merely locked for writing can be read at a start; now nobody gets in.
for (const letGo of locks) await letGo();
locks = await Promise.all(files.map((file) => lockFile(file, 'whole')));
gate = await start();
note(`killed and started without a store; ${clients.length} calls so far`);
await callsFor((MINUTES * 60_000) / 2);
const awayMs = Date.now() - awayFrom;
for (const letGo of locks) await letGo();
const backAt = Date.now();
await gate.until('every call is in the store', async () => {
  const { rows } = await gate.admin('GET', '/spend?by=tenant').catch(() => ({ rows: [] }));
  return rows.reduce((sum: number, row: { calls: number }) => sum + row.calls, 0) >= clients.length;
});
const caughtUpMs = Date.now() - backAt;
await gate.stop();
const { entries, rollupFaults, spendFaults } = await readLedger(join(state, 'ledger.db'));
const verdict = judge({ provider: provider.log, clients, entries });
const result = {
  date: new Date().toISOString(),
  commit: execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim(),
  seed: SEED,
  awayMinutes: Math.round(awayMs / 6_000) / 10,
  calls: clients.length,
  complete: tally(clients),
  entries: entries.length,
  broken: [...verdict.broken, ...rollupFaults, ...spendFaults],
  caughtUpMs,
};
console.log(JSON.stringify(result, null, 2));
if (MINUTES >= 60) {
  mkdirSync(join(import.meta.dirname, '..', 'results'), { recursive: true });
  writeFileSync(join(import.meta.dirname, '..', 'results', 'store-away.json'), `${JSON.stringify(result, null, 2)}\n`);
}
await provider.close();
rmSync(folder, { recursive: true, force: true });
process.exit(result.broken.length === 0 && entries.length === clients.length ? 0 : 1);
