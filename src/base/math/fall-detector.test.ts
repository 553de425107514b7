import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { seededRng } from '#kernel/rng.ts';
import { eBenjaminiHochberg, FallDetector, LEAST_PAST } from './fall-detector.ts';

const SEED = 20261127;

/** The most evidence that anybody sees who looks after each of so many outcomes. */
function highest(detector: FallDetector, outcomes: number, isBad: (i: number) => boolean): number {
  let most = 0;
  for (let i = 0; i < outcomes; i++) {
    detector.push(Number(isBad(i)));
    most = Math.max(most, detector.logE);
  }
  return most;
}

describe('evidence that a rate has risen', () => {
  test('it is an expectation: while nothing changes its mean is at most one, for outcomes of any shape', (t) => {
    const rng = seededRng(SEED);
    const shapes: Record<string, () => number> = {
      'one in twenty': () => Number(rng.next() < 0.05),
      'one in two': () => Number(rng.next() < 0.5),
      'in between': () => rng.next() ** 3,
      'a half or nothing': () => (rng.next() < 0.2 ? 0.5 : 0),
    };
    for (const [name, draw] of Object.entries(shapes)) {
      const runs = 2_000;
      let sum = 0;
      for (let run = 0; run < runs; run++) {
        const detector = new FallDetector();
        for (let i = 0; i < 300; i++) detector.push(draw());
        sum += Math.exp(detector.state.logE);
      }
      t.diagnostic(`${name}: mean evidence ${(sum / runs).toFixed(3)}, seed ${SEED}`);
      assert.ok(sum / runs <= 1.05, `${name}: ${sum / runs}`);
    }
  });

  test('looked at after every outcome, at most one in twenty null streams ever reaches 20', (t) => {
    const rng = seededRng(SEED + 1);
    const runs = 1_000;
    let alarms = 0;
    for (let run = 0; run < runs; run++) {
      const detector = new FallDetector();
      const rate = 0.02 + 0.3 * rng.next();
      if (highest(detector, 1_500, () => rng.next() < rate) >= Math.log(20)) alarms++;
    }
    t.diagnostic(`${alarms} of ${runs}, seed ${SEED + 1}`);
    assert.ok(alarms <= 50, String(alarms));
  });

  test('a rate that falls is no alarm, and one that rises is, with what it was and is', () => {
    const rng = seededRng(SEED + 2);
    const better = new FallDetector();
    const most = highest(better, 1_000, (i) => rng.next() < (i < 300 ? 0.3 : 0.05));
    assert.ok(most < Math.log(20));
    const worse = new FallDetector();
    for (let i = 0; i < 2_400; i++) worse.push(Number(rng.next() < (i < 1_200 ? 0.05 : 0.15)));
    const { logE, best } = worse.state;
    assert.ok(logE > Math.log(1_000), String(logE));
    assert.ok(Math.abs(best!.past.n - 1_200) <= 150, String(best!.past.n));
    assert.ok(best!.now.bad / best!.now.n > 0.1 && best!.past.bad / best!.past.n < 0.08);
  });

  test('a short past says nothing', () => {
    const detector = new FallDetector();
    for (let i = 0; i < LEAST_PAST; i++) detector.push(i < 50 ? 0 : 1);
    assert.deepEqual([detector.state.logE, detector.state.best], [0, null]);
  });

  test('of many, those are named whose evidence is enough for so many', () => {
    const log = (values: readonly number[]): number[] => values.map(Math.log);
    assert.deepEqual(eBenjaminiHochberg(log([1, 59, 1]), 0.05), []);
    assert.deepEqual(eBenjaminiHochberg(log([1, 61, 1]), 0.05), [1]);
    assert.deepEqual(eBenjaminiHochberg(log([31, 1, 31]), 0.05).toSorted(), [0, 2]);
    assert.deepEqual(eBenjaminiHochberg([], 0.05), []);
  });
});
