/**
 * Are turns fair, and what do they cost? `npm run bench -- fairness`. Two figures: what an operation of the queue costs
 * with 10,000 tenants, most of them idle (bar 5 µs), and a seeded contention of 50 tenants at one account of which one
 * floods, with turns and without, in virtual time: Jain's index, each share against its weight (bar 5 %), and the worst
 * other tenant's p99. Figures go to bench/results/fairness.json with date and commit.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { intBetween, seededRng } from '#kernel/rng.ts';
import { FairQueue } from '#capabilities/tenants/fairness/core/fair-queue.ts';
import { commitOf } from '../gateway/targets.ts';
import { contend, type Contention, type Outcome } from './contention.ts';
import { median } from '../median.ts';

const SEED = 20261126;
const [TENANTS, WAITING, STEPS, ROUNDS] = [10_000, 1_000, 1_000_000, 5];

/** Push, pop and charge are an operation each. A tenth of the tenants waits. */
function microsecondsAnOperation(seed: number): number {
  const rng = seededRng(seed);
  const queue = new FairQueue<number>();
  const names = Array.from({ length: TENANTS }, (_, i) => `tenant-${i}`);
  const ask = (): void => void queue.push(names[intBetween(rng, 0, TENANTS - 1)]!, 1 + intBetween(rng, 0, 3), 1);
  for (let i = 0; i < WAITING * 3; i++) ask();
  const started = performance.now();
  for (let i = 0; i < STEPS; i++) {
    const { client } = queue.pop()!;
    queue.charge(client, 1, intBetween(rng, 50, 2_000));
    ask();
  }
  return ((performance.now() - started) * 1_000) / (STEPS * 3);
}

const setup: Contention = {
  ...{ tenants: 50, tokensPerMinute: 3_000_000, seconds: 600 },
  ...{ callsPerSecond: 3, flood: 30, weights: 4 },
};
const shown = ({ shares, jain, worstP99Ms }: Outcome) => ({
  jain: Math.round(jain * 10_000) / 10_000,
  least: Math.round(Math.min(...shares) * 1_000) / 1_000,
  most: Math.round(Math.max(...shares) * 1_000) / 1_000,
  worstP99Ms,
});

const costs = Array.from({ length: ROUNDS }, (_, i) => Math.round(microsecondsAnOperation(SEED + i) * 1_000) / 1_000);
console.log(`an operation with ${TENANTS} tenants: ${median(costs)} µs (bar 5; ${costs.join(', ')})`);

/** Backlogged: all ask for more than their share. Light: the others ask for half of it, and only the flood for more. */
const settings = { backlogged: setup, light: { ...setup, callsPerSecond: 0.4, flood: 225 } };
const results = Object.entries(settings).flatMap(([name, one]) =>
  [true, false].map((fair) => {
    const result = { name, turns: fair, seed: SEED, ...shown(contend(one, fair, seededRng(SEED))) };
    console.log(JSON.stringify(result));
    return result;
  }),
);

const folder = join(import.meta.dirname, '../results');
mkdirSync(folder, { recursive: true });
const report = {
  at: new Date().toISOString(),
  commit: commitOf(),
  usAnOperation: { median: median(costs), all: costs },
  results,
};
writeFileSync(join(folder, 'fairness.json'), `${JSON.stringify(report, null, 2)}\n`);
