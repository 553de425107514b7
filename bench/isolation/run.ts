/**
 * Does time tell whether an id is another tenant's or never was? `node bench/isolation/run.ts [--quick] [seed]`: each way
 * to name an id is tried 1,000 times with ids of another tenant and 1,000 times with ids of the same form that never
 * were, in one random order; the two-sample Kolmogorov-Smirnov test says whether their times are told apart. One way in
 * a hundred falls below p = 0.01 by accident, so such a one is tried again with fresh times, and counts when it does so
 * twice. Figures go to bench/results/isolation.json with seed, date and commit.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { seededRng, shuffled } from '#kernel/rng.ts';
import { ksTwoSample } from '#math/kolmogorov-smirnov.ts';
import {
  makeThings,
  neverWas,
  openHouses,
  TRESPASSES,
  type Thing,
  type Trespass,
} from '../../test/isolation/trespass.ts';
import { median } from '../median.ts';
import { commitOf } from '../gateway/targets.ts';

const quick = process.argv.includes('--quick');
const seed = Number(process.argv.slice(2).find((word) => /^\d+$/.test(word)) ?? 20261127);
const EACH = quick ? 100 : 1_000;
/** Ids of another tenant, and as many that never were: neither is asked for more often than the other. */
const POOL = quick ? 5 : 20;
const WARM = 40;
const BOUND = 0.01;
const rng = seededRng(seed);

const houses = await openHouses();
const foreign: Record<Thing, string>[] = [];
for (let i = 0; i < POOL; i++) foreign.push(await makeThings(houses, houses.ann));
const never = foreign.map(
  (things) => Object.fromEntries(Object.entries(things).map(([kind, id]) => [kind, neverWas(id)])) as typeof things,
);

interface Figures {
  readonly d: number;
  readonly p: number;
  readonly medianUs: { readonly foreign: number; readonly never: number };
}

async function timed({ things, ask }: Trespass): Promise<Figures> {
  const times = { foreign: [] as number[], never: [] as number[] };
  const order = shuffled(
    rng,
    Array.from({ length: EACH * 2 }, (_, i) => (i % 2 ? 'foreign' : 'never') as keyof typeof times),
  );
  const pools = { foreign, never };
  const turns = { foreign: 0, never: 0 };
  for (let i = 0; i < WARM; i++)
    await ask(houses, houses.bob, pools[i % 2 ? 'foreign' : 'never'][i % POOL]![things[0]!]);
  for (const whose of order) {
    const turn = turns[whose]++;
    const id = pools[whose][turn % POOL]![things[Math.floor(turn / POOL) % things.length]!];
    const started = performance.now();
    await ask(houses, houses.bob, id);
    times[whose].push((performance.now() - started) * 1_000);
  }
  const { d, p } = ksTwoSample(times.foreign, times.never);
  return { d, p, medianUs: { foreign: Math.round(median(times.foreign)), never: Math.round(median(times.never)) } };
}

const ways: Record<string, readonly Figures[]> = {};
for (const trespass of TRESPASSES) {
  const runs = [await timed(trespass)];
  if (runs[0]!.p < BOUND) runs.push(await timed(trespass));
  ways[trespass.name] = runs;
  console.error(
    `${trespass.name}: ${runs.map(({ p, medianUs }) => `p ${p.toPrecision(2)}, ${medianUs.foreign} and ${medianUs.never} µs`).join('; again ')}`,
  );
}
await houses.close();

const told = Object.entries(ways).filter(([, runs]) => runs.every(({ p }) => p < BOUND));
const result = {
  date: new Date().toISOString(),
  ...{ commit: commitOf(), node: process.version, cpu: cpus()[0]?.model, load: loadavg()[0], seed, each: EACH },
  ways: Object.keys(ways).length,
  once: Object.entries(ways).filter(([, runs]) => runs.length > 1).length,
  told: told.map(([name]) => name),
  figures: ways,
};
console.log(JSON.stringify(result, null, 2));
const folder = join(import.meta.dirname, '..', 'results');
mkdirSync(folder, { recursive: true });
if (!quick) writeFileSync(join(folder, 'isolation.json'), `${JSON.stringify(result, null, 2)}\n`);
process.exit(told.length > 0 ? 1 : 0);
