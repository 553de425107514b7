/**
 * What does the cache of answers cost a call, and what does a hit cost? `node bench/pipeline/cache.ts [--calls n]`. The
 * real pipeline in process, in turns, with bodies of 500 bytes and of 20 KB: a file in which no feature has a cache, a
 * feature without one beside others that have it, misses that are kept (with and without single flight), hits, and
 * calls of which 16 ask the same at once. Microseconds of CPU of this thread a call, the median of the rounds; `look` is
 * what a call without a cache pays for that, in nanoseconds. Figures go to bench/results/response-cache.json.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { answeredFromCache } from '#gateway/cache/hit.ts';
import { takeOff } from '#gateway/cache/flight/take-off.ts';
import type { Call } from '#gateway/call.ts';
import { seededRng, shuffled } from '#kernel/rng.ts';
import { bodyOf } from '../gateway/load.ts';
import { commitOf } from '../gateway/targets.ts';
import { median } from '../median.ts';
import { calls, collapsed, hits, memoryTransport } from './drive.ts';
import { CACHED, openWorld, UNCACHED, type World } from './world.ts';

const CALLS = Number(process.argv[process.argv.indexOf('--calls') + 1]) || 4_000;
const ROUNDS = 11;
/** What ran before a way is another one each round. */
const SEED = 20261127;
const rng = seededRng(SEED);
const of = (feature: string) => ({ 'x-headgate-feature': feature });
const dir = mkdtempSync(join(tmpdir(), 'headgate-cache-'));
const world = await openWorld(join(dir, 'with'), memoryTransport, CACHED);
const without = await openWorld(join(dir, 'without'), memoryTransport, UNCACHED);

async function measured(run: () => Promise<void>): Promise<number> {
  const before = process.threadCpuUsage();
  await run();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / CALLS;
}

let asked = 0;
/** No two are the same: a number stands where the text begins. */
function bodies(bytes: number): () => Buffer {
  const text = bodyOf(bytes);
  const at = text.indexOf('"content":"') + '"content":"'.length;
  return () => Buffer.from(text.slice(0, at) + String(asked++).padStart(9, '0') + text.slice(at + 9));
}

/** The two looks that every call takes on its way, with a feature that has no cache. */
function lookNs({ gate }: World): number {
  const call = { facts: { attribution: { feature: 'search' } }, exchange: gate, cache: null } as unknown as Call;
  const samples = Array.from({ length: ROUNDS }, () => {
    const started = process.hrtime.bigint();
    for (let i = 0; i < 1_000_000; i++)
      if (answeredFromCache(gate, call) || takeOff(gate, call)) throw new Error('hit');
    return Number(process.hrtime.bigint() - started) / 1_000_000;
  });
  return Math.round(median(samples) * 10) / 10;
}

const sizes: Record<string, object> = {};
for (const bytes of [500, 20_000]) {
  const fresh = bodies(bytes);
  const kept = fresh();
  const ways = {
    noFeatureHasOne: () => calls(without, fresh, CALLS, of('search')),
    off: () => calls(world, fresh, CALLS, of('search')),
    missAlone: () => calls(world, fresh, CALLS, of('alone')),
    miss: () => calls(world, fresh, CALLS, of('again')),
    hit: () => hits(world, kept, CALLS, of('again')),
    collapsed: () => collapsed(world, fresh, CALLS, of('again')),
  };
  // Each tenant has its answer, so that every key gets a hit. Who asks anew waits for no other key of its tenant.
  await calls(world, kept, world.keys.length, { ...of('again'), 'cache-control': 'no-cache' });
  const rounds: Record<string, number[]> = {};
  for (const run of Object.values(ways)) await run();
  for (let i = 0; i < ROUNDS; i++)
    for (const [name, run] of shuffled(rng, Object.entries(ways))) (rounds[name] ??= []).push(await measured(run));
  const rounded = (us: number): number => Math.round(us * 10) / 10;
  const medians = Object.fromEntries(Object.entries(rounds).map(([name, all]) => [name, rounded(median(all))]));
  // Ways of one round ran one after the other: their differences are less noisy than those of medians.
  const against = (name: string) => rounded(median(rounds[name]!.map((us, i) => us - rounds['off']![i]!)));
  sizes[`${fresh().length} bytes`] = {
    medianUs: medians,
    moreThanOffUs: Object.fromEntries(Object.keys(ways).map((name) => [name, against(name)])),
    rounds: Object.fromEntries(Object.entries(rounds).map(([name, all]) => [name, all.map(rounded)])),
  };
}
const result = {
  date: new Date().toISOString(),
  ...{ commit: commitOf(), node: process.version, cpu: cpus()[0]?.model, load: loadavg()[0], calls: CALLS, seed: SEED },
  lookNs: lookNs(world),
  sizes,
};
console.log(JSON.stringify(result, null, 2));
writeFileSync(
  join(import.meta.dirname, '..', 'results', 'response-cache.json'),
  `${JSON.stringify(result, null, 2)}\n`,
);
await Promise.all([world.close(), without.close()]);
rmSync(dir, { recursive: true, force: true });
process.exit(0);
