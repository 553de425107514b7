/**
 * Does time tell whether an id is another tenant's or never was? `node bench/isolation/run.ts [--quick] [--overlaps]
 * [seed]`: each way to name an id is tried 1,000 times with ids of another tenant and 1,000 times with ids of the same
 * form that never were, in one random order; so is each question that another tenant has the answer of, or is just
 * asking, beside ones that nobody asks. The two-sample Kolmogorov-Smirnov test says whether their times are told apart.
 * One way in a hundred falls below p = 0.01 by accident, so such a one is tried again with fresh times, and counts when
 * it does so twice. Figures go to bench/results/isolation.json with seed, date and commit.
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
import { newQuestion, OVERLAPS, type Overlap } from '../../test/isolation/questions.ts';
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

/** What is asked for in one way: by turns of each kind. */
interface Asking {
  readonly name: string;
  readonly ask: (key: string, id: string) => Promise<unknown>;
  readonly of: (whose: 'foreign' | 'never', turn: number) => string;
  close?(): Promise<void>;
}

async function timed({ ask, of, close }: Asking): Promise<Figures> {
  const times = { foreign: [] as number[], never: [] as number[] };
  const order = shuffled(
    rng,
    Array.from({ length: EACH * 2 }, (_, i) => (i % 2 ? 'foreign' : 'never') as keyof typeof times),
  );
  const turns = { foreign: 0, never: 0 };
  for (let i = 0; i < WARM; i++) {
    const whose = i % 2 ? 'foreign' : 'never';
    await ask(houses.bob, of(whose, turns[whose]++));
  }
  for (const whose of order) {
    const id = of(whose, turns[whose]++);
    const started = performance.now();
    await ask(houses.bob, id);
    times[whose].push((performance.now() - started) * 1_000);
  }
  await close?.();
  const { d, p } = ksTwoSample(times.foreign, times.never);
  return { d, p, medianUs: { foreign: Math.round(median(times.foreign)), never: Math.round(median(times.never)) } };
}

const pools = { foreign, never };
const trespassing = ({ name, things, ask }: Trespass): Asking => ({
  name,
  ask: (key, id) => ask(houses, key, id),
  of: (whose, turn) => pools[whose][turn % POOL]![things[Math.floor(turn / POOL) % things.length]!],
});

/** Fresh questions for each run: one that was asked before is the asker's own. */
async function overlapping({ name, once, open, ask }: Overlap): Promise<Asking> {
  const asked = await open(houses, houses.ann, once ? EACH + WARM : POOL);
  const own = Array.from(asked.questions, newQuestion);
  const of = { foreign: asked.questions, never: own };
  return {
    ...{ name, close: asked.close },
    ask: (key, question) => ask(houses, key, question),
    of: (whose, turn) => of[whose][turn % of[whose].length]!,
  };
}

const ways: Record<string, readonly Figures[]> = {};
async function look(open: () => Asking | Promise<Asking>): Promise<void> {
  const asking = await open();
  const runs = [await timed(asking)];
  if (runs[0]!.p < BOUND) runs.push(await timed(await open()));
  ways[asking.name] = runs;
  console.error(
    `${asking.name}: ${runs.map(({ p, medianUs }) => `p ${p.toPrecision(2)}, ${medianUs.foreign} and ${medianUs.never} µs`).join('; again ')}`,
  );
}

const only = process.argv.includes('--overlaps');
for (const trespass of only ? [] : TRESPASSES) await look(() => trespassing(trespass));
for (const overlap of OVERLAPS) await look(() => overlapping(overlap));
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
if (!quick && !only) writeFileSync(join(folder, 'isolation.json'), `${JSON.stringify(result, null, 2)}\n`);
process.exit(told.length > 0 ? 1 : 0);
