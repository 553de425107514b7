import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { seededRng } from '#kernel/rng.ts';
import { chanceOf, onsetOf } from './judge.ts';

/** By Pascal's triangle: slow, and nothing to get wrong. */
function exactTail(k: number, n: number, p: number): number {
  let row = [1];
  for (let i = 0; i < n; i++)
    row = Array.from({ length: row.length + 1 }, (_, j) => (row[j - 1] ?? 0) * p + (row[j] ?? 0) * (1 - p));
  return row.slice(k).reduce((sum, one) => sum + one, 0);
}

test('the chance of so many is that of the binomial distribution', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 120 }),
      fc.nat(120),
      fc.double({ min: 0.001, max: 0.9, noNaN: true }),
      (n, k, p) => {
        if (k > n || k <= n * p) return;
        const [exact, ours] = [exactTail(k, n, p), chanceOf(k, n, p)];
        assert.ok(
          Math.abs(exact - ours) <= 1e-9 * Math.max(exact, 1e-12) + 1e-15,
          `${k} of ${n} at ${p}: ${exact} ${ours}`,
        );
      },
    ),
  );
});

test('large counts stay finite, and more is never likelier', () => {
  const chances = [1_010, 1_100, 1_500, 5_000].map((k) => chanceOf(k, 1_000_000, 0.001));
  assert.deepEqual(
    chances,
    [...chances].sort((a, b) => b - a),
  );
  assert.ok(chances[0]! > 0.1 && chances[2]! < 1e-30, String(chances));
  assert.equal(chanceOf(5, 1_000, 0.01), 1);
});

test('the minute in which failures begin is found, and an even stream has none', () => {
  const rng = seededRng(5);
  const minutes = (rate: (minute: number) => number) =>
    Array.from({ length: 60 }, (_, minute) => {
      const calls = 40;
      const errors = Array.from({ length: calls }, () => rng.next()).filter((draw) => draw < rate(minute)).length;
      return { at: minute, calls, errors };
    });
  let far = 0;
  let alarms = 0;
  for (let i = 0; i < 200; i++) {
    const onset = onsetOf(minutes((minute) => (minute >= 41 ? 0.3 : 0.02)));
    if (onset === null || Math.abs(onset - 41) > 1) far++;
    if (onsetOf(minutes(() => 0.05)) !== null) alarms++;
  }
  assert.ok(far <= 4, `${far} of 200 were off by more than a minute`);
  assert.ok(alarms <= 2, `${alarms} of 200 even hours had an onset`);
});
