import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { epochMs } from './brand.ts';
import { callId, derivedCallId, shortId, timeOfId, timeOrderedId } from './ids.ts';
import { intBetween, seededRng } from './rng.ts';

test('text order is time order, and the time can be read back', () => {
  const rng = seededRng(1);
  fc.assert(
    fc.property(fc.nat(2 ** 31), fc.nat(2 ** 31), (a, b) => {
      const first: string = callId(epochMs(1.7e12 + a), rng);
      const second: string = callId(epochMs(1.7e12 + b), rng);
      if (a !== b) assert.equal(first < second, a < b);
      assert.equal(timeOfId(first), 1.7e12 + a);
    }),
  );
});

test('ids of one millisecond differ', () => {
  const rng = seededRng(2);
  const ids = new Set(Array.from({ length: 20_000 }, () => timeOrderedId('x_', epochMs(1), rng)));
  assert.equal(ids.size, 20_000);
});

test('what is no id has no time', () => {
  for (const text of ['', 'call_', 'call_01J', 'call_UUUUUUUUUUUUUUUUUUUUUUUUUU']) assert.equal(timeOfId(text), null);
  assert.equal(shortId('call_01M85JQCTKVHMDMXS1964NWRGZ'), 'call_01M…RGZ');
});

test('the seeded generator is even and repeats with its seed', () => {
  const draws = (seed: number): number[] => {
    const rng = seededRng(seed);
    return Array.from({ length: 10_000 }, () => rng.next());
  };
  assert.deepEqual(draws(5), draws(5));
  assert.notDeepEqual(draws(5), draws(6));
  const mean = draws(7).reduce((a, b) => a + b, 0) / 10_000;
  assert.ok(Math.abs(mean - 0.5) < 0.02);
  const rng = seededRng(8);
  const dice = new Set(Array.from({ length: 500 }, () => intBetween(rng, 1, 6)));
  assert.deepEqual([...dice].sort(), [1, 2, 3, 4, 5, 6]);
});

test('a derived id is the same again, another for another name, and carries its time', () => {
  const at = epochMs(1_795_000_000_123);
  const name = Uint8Array.from({ length: 10 }, (_, i) => i * 25);
  const id = derivedCallId(at, name);
  assert.equal(derivedCallId(at, name), id);
  assert.equal(timeOfId(id), at);
  assert.notEqual(derivedCallId(at, name.toReversed()), id);
});
