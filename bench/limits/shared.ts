/**
 * What do limits cost a call that are counted in Valkey for all gates? `node bench/limits/shared.ts [--quick]`. Admission
 * of the tenants' side by an open loop, each call two limits on each of six levels (one round trip), against the same
 * limits in process: milliseconds until a call is admitted, CPU of the gate's thread and of the server a call (the thread's
 * with the loop's own timers: what counts is the difference).
 * Figures go to bench/results/limits-shared.json.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { seededRng } from '#kernel/rng.ts';
import { sampleAdmission, sampleEntry } from '#ledger/entry/samples.ts';
import type { Tenants } from '#capabilities/tenants/index.ts';
import type { LimitCounters } from '#ports/shared-state.ts';
import { memorySharedState } from '#stores/memory/shared-state.ts';
import { valkeyLimitCounters } from '#stores/valkey/limit-counters.ts';
import { redisSkip, startRedis } from '../../test/harness/redis-server.ts';
import { quantiles } from '../gateway/load.ts';
import { commitOf, usageOf } from '../gateway/targets.ts';
import { nameOf } from '../../src/up/limit-counters.ts';
import { callOf, limitsOf, openWorld, USUAL_KINDS } from './world.ts';

if (redisSkip) {
  console.error(redisSkip);
  process.exit(2);
}
const quick = process.argv.includes('--quick');
const SECONDS = quick ? 2 : 10;
const RATES = [400, 2_000];
const [KEYS, END_USERS] = [500, 2_000];
const rng = seededRng(19);
const entries = Array.from({ length: 256 }, (_, i) => sampleEntry(sampleAdmission(rng, i + 1), rng));
const user = (): string =>
  Math.floor(rng.next() * END_USERS)
    .toString(16)
    .padStart(32, '0');
const round = (value: number): number => Math.round(value * 100) / 100;

const folder = mkdtempSync(join(tmpdir(), 'headgate-limits-'));
const server = await startRedis();
const shared = valkeyLimitCounters({
  url: server.url,
  gate: 'bench',
  time: 'server',
  nameOf,
  local: null,
  leastGates: 1,
});
while (!shared.up) await sleep(10);

/** Calls that come when they are due, whatever became of those before; each is settled once it is admitted. */
async function openLoop(tenants: Tenants, rate: number, seconds: number) {
  const waits: number[] = [];
  const open: Promise<void>[] = [];
  const before = { own: process.threadCpuUsage(), server: usageOf(server.child.pid!).allUs };
  const start = performance.now();
  for (let i = 0; i < rate * seconds; i++) {
    const due = start + (i * 1_000) / rate;
    while (performance.now() < due) await sleep(Math.max(0, due - performance.now()));
    open.push(
      (async () => {
        const admitted = await tenants.admit(callOf(Math.floor(rng.next() * KEYS), user()));
        if (!admitted.ok) throw admitted.error;
        waits.push(performance.now() - due);
        await tenants.settle(admitted.value, entries[i & 255]!);
      })(),
    );
  }
  await Promise.all(open);
  const own = process.threadCpuUsage(before.own);
  const served = usageOf(server.child.pid!).allUs - before.server;
  return {
    ...{ perSecond: rate, admittedMs: quantiles(waits) },
    gateUsPerCall: round((own.user + own.system) / waits.length),
    serverUsPerCall: round(served / waits.length),
  };
}

async function measured(counters: LimitCounters) {
  const tenants = await openWorld(folder, limitsOf(USUAL_KINDS), counters);
  await openLoop(tenants, 2_000, quick ? 1 : 4);
  const rows = [];
  for (const rate of RATES) rows.push(await openLoop(tenants, rate, SECONDS));
  return rows;
}

const [inProcess, inValkey] = [await measured(memorySharedState().limits), await measured(shared)];
const result = {
  ...{ date: new Date().toISOString(), commit: commitOf(), node: process.version, cpu: cpus()[0]!.model },
  ...{ load: round(loadavg()[0]!), limitsACall: limitsOf(USUAL_KINDS).length, inProcess, inValkey },
};
const text = JSON.stringify(result, null, 2);
console.log(text);
if (!quick) writeFileSync(join(import.meta.dirname, '..', 'results', 'limits-shared.json'), `${text}\n`);
await shared.close();
await server.kill();
rmSync(folder, { recursive: true, force: true });
process.exit(0);
