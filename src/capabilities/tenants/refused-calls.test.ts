import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { epochMs } from '#kernel/brand.ts';
import { RefusedCalls } from './refused-calls.ts';

const MINUTE = 60_000;

test('property: what was refused within a time is what a list of all refusals says, by whole minutes', () => {
  const steps = fc.array(fc.record({ limit: fc.constantFrom('a', 'b'), afterMs: fc.nat(10 * MINUTE) }), {
    maxLength: 60,
  });
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 59 }), (all, minutes) => {
      const refused = new RefusedCalls();
      let now = 1_700_000_000_000;
      const noted: { limit: string; at: number }[] = [];
      for (const { limit, afterMs } of all) {
        now += afterMs;
        refused.note(limit, epochMs(now));
        noted.push({ limit, at: now });
        const ms = minutes * MINUTE;
        const from = Math.floor((now - ms) / MINUTE) * MINUTE;
        for (const name of ['a', 'b'])
          assert.equal(
            refused.within(name, epochMs(now), ms),
            noted.filter((one) => one.limit === name && one.at >= from).length,
          );
      }
    }),
  );
});

test('an hour later nothing of it is left', () => {
  const refused = new RefusedCalls();
  for (let i = 0; i < 5; i++) refused.note('a', epochMs(1_000));
  assert.equal(refused.within('a', epochMs(2_000), MINUTE), 5);
  assert.equal(refused.within('a', epochMs(61 * MINUTE), 59 * MINUTE), 0);
  assert.equal(refused.within('never', epochMs(2_000), MINUTE), 0);
});
