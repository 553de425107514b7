/**
 * What do limits cost a call in process? `node bench/limits/run.ts [--quick]`. Admission and settlement of the tenants'
 * side alone, first without a limit, then with all that there may be: requests, input, output and all tokens a minute
 * and a day and calls in flight on all six levels, 54 counters a call, the last two levels with a counter for each of
 * 500 keys and 2,000 end users. The bar is 10 µs a call for what limits add, taking and settling and headers together.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { seededRng } from '#kernel/rng.ts';
import { sampleAdmission, sampleEntry } from '#ledger/entry/samples.ts';
import { systemClock } from '../../src/up/system.ts';
import type { Reservation, Tenants } from '#capabilities/tenants/index.ts';
import type { Limit } from '#ports/state-store.ts';
import { commitOf } from '../gateway/targets.ts';
import { callOf, EVERY_KIND, limitsOf, openWorld, USUAL_KINDS } from './world.ts';
import { median } from '../median.ts';

const BAR_US = 10;
const quick = process.argv.includes('--quick');
const CALLS = quick ? 5_000 : 50_000;
const ROUNDS = quick ? 3 : 15;
/** Calls that are open at once. */
const OPEN = 200;
const [KEYS, END_USERS] = [500, 2_000];

const round = (value: number): number => Math.round(value * 100) / 100;
const rng = seededRng(17);
const entries = Array.from({ length: 256 }, (_, i) => sampleEntry(sampleAdmission(rng, i + 1), rng));
const users = Array.from({ length: END_USERS }, (_, i) => i.toString(16).padStart(32, '0'));

/** Admits and settles so many calls, {@link OPEN} of them open at any time; CPU time of this thread a call. */
function usPerCall(tenants: Tenants, count: number): number {
  const open: Reservation[] = [];
  const before = process.threadCpuUsage();
  for (let i = 0; i < count; i++) {
    const call = callOf(Math.floor(rng.next() * KEYS), users[Math.floor(rng.next() * END_USERS)]!);
    const result = tenants.admit(call);
    if (result instanceof Promise || !result.ok) throw new Error('each call has room');
    result.value.limitHeaders(systemClock.now());
    open.push(result.value);
    if (open.length > OPEN) tenants.settle(open.shift()!, entries[i & 255]!);
  }
  for (const one of open) tenants.settle(one, entries[0]!);
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / count;
}

async function measured(worlds: Readonly<Record<string, readonly Limit[]>>) {
  const dir = mkdtempSync(join(tmpdir(), 'headgate-limits-'));
  const tenants = new Map<string, Tenants>();
  for (const [name, limits] of Object.entries(worlds)) {
    tenants.set(name, await openWorld(dir, limits));
    usPerCall(tenants.get(name)!, CALLS);
  }
  const rounds = new Map<string, number[]>([...tenants.keys()].map((name) => [name, []]));
  // In turns: what else the machine does is in all of them.
  for (let i = 0; i < ROUNDS; i++)
    for (const [name, one] of tenants) rounds.get(name)!.push(round(usPerCall(one, CALLS)));
  rmSync(dir, { recursive: true, force: true });
  return rounds;
}

const every = limitsOf(EVERY_KIND);
const usual = limitsOf(USUAL_KINDS);
const rounds = await measured({ none: [], usual, every });
const base = median(rounds.get('none')!);
const report = (name: string, counters: number) => {
  const all = rounds.get(name)!;
  return { counters, usPerCall: median(all), addedUs: round(median(all) - base), best: Math.min(...all), spread: all };
};
const result = {
  date: new Date().toISOString(),
  commit: commitOf(),
  node: process.version,
  cpu: cpus()[0]!.model,
  barUs: BAR_US,
  none: report('none', 0),
  usual: report('usual', usual.length),
  every: report('every', every.length),
};
const text = JSON.stringify(result, null, 2);
console.log(text);
if (!quick) {
  const folder = join(import.meta.dirname, '..', 'results');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'limits.json'), `${text}\n`);
}
process.exit(result.every.addedUs <= BAR_US ? 0 : 1);
