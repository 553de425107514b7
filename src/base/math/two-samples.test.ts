import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { seededRng } from '#kernel/rng.ts';
import { fisherGreater } from './fisher.ts';
import { ksOneSided, ksTwoSample } from './kolmogorov-smirnov.ts';

const DATA = join(import.meta.dirname, '../../../../shared/data/prefix-cache-audits');
const absent = existsSync(DATA) ? false : 'the published audits are not here: ../shared/data/prefix-cache-audits';
const rows = (file: string): string[][] =>
  readFileSync(join(DATA, file), 'utf8')
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split(','));

function* choices(all: readonly number[], size: number, from = 0): Generator<number[]> {
  if (size === 0) yield [];
  for (let i = from; size > 0 && i <= all.length - size; i++)
    for (const rest of choices(all, size - 1, i + 1)) yield [all[i]!, ...rest];
}
/** The share of all ways to cut the pooled values in two that come to at least the distance: what p means. */
function byEveryCut(a: readonly number[], b: readonly number[], d: typeof ksOneSided): number {
  const all = [...a, ...b].toSorted((x, y) => x - y);
  const seen = d(a, b).d;
  let [cuts, reached] = [0, 0];
  for (const left of choices(all, a.length)) {
    cuts++;
    if (
      d(
        left,
        all.filter((value) => !left.includes(value)),
      ).d >=
      seen - 1e-12
    )
      reached++;
  }
  return reached / cuts;
}

describe('tests of two samples', () => {
  test('the p-value is the share of cuts that are as far apart, for equal and unequal sizes', () => {
    const rng = seededRng(41);
    const sample = (n: number, shift: number): number[] => Array.from({ length: n }, () => rng.next() + shift);
    for (const [n, m] of [
      [5, 5],
      [4, 7],
      [8, 3],
      [6, 6],
    ] as const)
      for (const shift of [-0.4, 0, 0.3]) {
        const [a, b] = [sample(n, shift), sample(m, 0)];
        for (const ks of [ksOneSided, ksTwoSample])
          assert.ok(Math.abs(ks(a, b).p - byEveryCut(a, b, ks)) < 1e-9, `${ks.name} ${n} ${m} ${shift}`);
      }
  });

  test('unequal sizes come to what equal ones do by formula', () => {
    const a = Array.from({ length: 40 }, (_, i) => i);
    const b = a.map((value) => value + 9.5);
    const { p } = ksOneSided(a, b);
    // C(80, 40-h) / C(80, 40) with h = 10.
    assert.ok(Math.abs(p - [...Array(10).keys()].reduce((sum, i) => (sum * (40 - i)) / (50 - i), 1)) < 1e-12);
    const uneven = ksOneSided([...a, 39.5], b);
    assert.ok(uneven.p < p * 2 && uneven.p > p / 2, `${uneven.p} beside ${p}`);
  });

  test('the published audits come to their published statistics and p-values', { skip: absent }, () => {
    const times = new Map<string, { hit: number[]; miss: number[] }>();
    for (const [audit = '', sample, time] of rows('samples.csv')) {
      if (!times.has(audit)) times.set(audit, { hit: [], miss: [] });
      times.get(audit)![sample as 'hit' | 'miss'].push(Number(time));
    }
    const verdicts = rows('verdicts.csv');
    assert.equal(verdicts.length, 21);
    for (const [audit = '', , , , , , , statistic, published] of verdicts) {
      const { hit, miss } = times.get(audit)!;
      const { d, p } = ksOneSided(hit, miss);
      assert.ok(Math.abs(d - Number(statistic)) < 1e-9, `${audit}: ${d} where ${statistic} is published`);
      assert.ok(Math.abs(Math.log(p / Number(published))) < 1e-6, `${audit}: ${p} where ${published} is published`);
    }
  });

  test('of 200 audits of nothing, drawn from the data’s own misses, 0 to 6 are below 0.01', { skip: absent }, (t) => {
    const SEED = 20_260;
    const rng = seededRng(SEED);
    const misses = new Map<string, number[]>();
    for (const [audit = '', sample, time] of rows('samples.csv')) {
      if (!misses.has(audit)) misses.set(audit, []);
      if (sample === 'miss') misses.get(audit)!.push(Number(time));
    }
    const pools = [...misses.values()];
    let below = 0;
    for (let i = 0; i < 200; i++) {
      const pool = [...pools[i % pools.length]!];
      for (let at = pool.length - 1; at > 0; at--) {
        const other = Math.floor(rng.next() * (at + 1));
        [pool[at], pool[other]] = [pool[other]!, pool[at]!];
      }
      const half = Math.floor(pool.length / 2);
      if (ksOneSided(pool.slice(0, half), pool.slice(half)).p < 0.01) below++;
    }
    t.diagnostic(`seed ${SEED}: ${below} of 200 below 0.01`);
    assert.ok(below <= 6, `${below} of 200, seed ${SEED}`);
  });

  test('Fisher’s exact test: the lady tasting tea, a certain leak, and seven of 250', () => {
    assert.ok(Math.abs(fisherGreater(3, 4, 1, 4) - 17 / 70) < 1e-12);
    assert.ok(Math.abs(fisherGreater(4, 4, 0, 4) - 1 / 70) < 1e-12);
    assert.ok(fisherGreater(250, 250, 0, 250) < 1e-140);
    assert.ok(Math.abs(fisherGreater(7, 250, 0, 250) - 0.0075) < 5e-4, String(fisherGreater(7, 250, 0, 250)));
    assert.equal(fisherGreater(0, 10, 3, 10), 1);
    assert.throws(() => fisherGreater(3, 2, 0, 1), RangeError);
    assert.throws(() => ksOneSided([], [1]), RangeError);
    assert.throws(() => ksTwoSample([Number.NaN], [1]), RangeError);
  });
});
