/**
 * Is one tenant whose quality falls found, and nobody else? `node bench/quality/run.ts [runs] [seed]`: 50 tenants of
 * unequal traffic (Zipf), each looked at after every score. In half of the runs one of them falls by 10 points, which
 * moves the mean of all by less than 0.3; in the other half nothing changes. Figures go to bench/results/quality.json.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { seededRng, type Rng } from '#kernel/rng.ts';
import { eBenjaminiHochberg, FallDetector } from '#math/fall-detector.ts';
import { commitOf } from '../gateway/targets.ts';

const [runs = 200, seed = 20261127] = process.argv.slice(2).map(Number);
const TENANTS = 50;
const ALPHA = 0.05;
/** Share of bad scores of each, and what it rises to for the one that falls. */
const [USUAL, FALL] = [0.05, 0.1];
/** Scored calls of all tenants together, and how many of them are over when one falls. */
const [CALLS, BEFORE] = [120_000, 60_000];
/** Of Zipf's ranks: 2.5 % of the traffic. */
const FALLS = 8;
const weights = Array.from({ length: TENANTS }, (_, i) => 1 / (i + 1));
const total = weights.reduce((a, b) => a + b, 0);
const upTo = weights.map((_, i) => weights.slice(0, i + 1).reduce((a, b) => a + b, 0) / total);

interface Run {
  /** Who was named first, and after how many scores of its own since it fell. */
  readonly named: readonly number[];
  readonly after: number | null;
  readonly pooled: boolean;
}

/** Until somebody is named, or all scores are in. */
function run(rng: Rng, falls: boolean): Run {
  const tenants = Array.from({ length: TENANTS }, () => new FallDetector());
  const logEs = new Float64Array(TENANTS);
  const all = new FallDetector();
  let since = 0;
  for (let call = 0; call < CALLS; call++) {
    const draw = rng.next();
    const tenant = upTo.findIndex((edge) => draw < edge);
    const isDown = falls && tenant === FALLS && call >= BEFORE;
    if (isDown) since++;
    const outcome = Number(rng.next() < USUAL + (isDown ? FALL : 0));
    tenants[tenant]!.push(outcome);
    all.push(outcome);
    if (all.logE >= Math.log(1 / ALPHA)) return { named: [], after: null, pooled: true };
    logEs[tenant] = tenants[tenant]!.logE;
    // Nobody is named while nobody has 1/α.
    if (logEs[tenant]! < Math.log(1 / ALPHA)) continue;
    const named = eBenjaminiHochberg([...logEs], ALPHA);
    if (named.length > 0) return { named, after: since, pooled: false };
  }
  return { named: [], after: null, pooled: false };
}

const results = { changed: [] as Run[], null: [] as Run[] };
for (let i = 0; i < runs; i++) {
  results.changed.push(run(seededRng(seed + i), true));
  results.null.push(run(seededRng(seed + runs + i), false));
  if (i % 10 === 9) console.error(`${i + 1} of ${runs}`);
}
const found = results.changed.filter(({ named }) => named.length === 1 && named[0] === FALLS);
const took = found.map(({ after }) => after!).sort((a, b) => a - b);
const quantile = (q: number): number | null => took[Math.min(took.length - 1, Math.floor(q * took.length))] ?? null;
const share = weights[FALLS]! / total;
const result = {
  ...{ date: new Date().toISOString(), commit: commitOf(), node: process.version, cpu: cpus()[0]?.model },
  ...{ seed, runs, tenants: TENANTS, alpha: ALPHA, usual: USUAL, fall: FALL, scoredCalls: CALLS },
  meanMoves: share * FALL,
  ownCalls: { before: Math.round(BEFORE * share), after: Math.round((CALLS - BEFORE) * share) },
  found: found.length,
  othersNamed: results.changed.filter(({ named }) => named.some((one) => one !== FALLS)).length,
  scoresItTook: { p10: quantile(0.1), p50: quantile(0.5), p90: quantile(0.9) },
  nullRunsThatNamed: results.null.filter(({ named }) => named.length > 0).length,
  pooledAlarms: [...results.changed, ...results.null].filter(({ pooled }) => pooled).length,
};
console.log(JSON.stringify(result, null, 2));
const folder = join(import.meta.dirname, '..', 'results');
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, 'quality.json'), `${JSON.stringify(result, null, 2)}\n`);
process.exit(found.length < 0.9 * runs || result.nullRunsThatNamed > 0.05 * runs ? 1 : 0);
