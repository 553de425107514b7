import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRng } from '#kernel/rng.ts';
import { DdSketch } from '#math/ddsketch.ts';
import { ZERO_USD } from '#kernel/money.ts';
import type { SpendRow } from '#ports/ledger-store.ts';
import { judge, keyOf, slowSuspects } from './hurt.ts';

const rng = seededRng(3);
const sketchOf = (count: number, ms: number): DdSketch => {
  const sketch = new DdSketch();
  for (let i = 0; i < count; i++) sketch.add(ms * (0.5 + rng.next()));
  return sketch;
};
const row = (tenant: string, calls: number, errors: number, ms: number): SpendRow =>
  ({
    ...{ by: [tenant, null, 'm'], calls, errors, costNanoUsd: ZERO_USD },
    totalMsSketch: sketchOf(calls, ms).toText(),
  }) as never;

const judged = (now: SpendRow[], usual: SpendRow[]) => {
  const suspects = slowSuspects(now, usual, 6);
  const weeks = new Map(
    suspects.map(({ by, name }) => {
      const rows = usual.filter(({ by: [tenant, , model] }) => (by === 'tenant' ? tenant : model) === name);
      const sum = new DdSketch();
      for (const { totalMsSketch } of rows) sum.merge(DdSketch.fromText(totalMsSketch));
      return [keyOf(by, name), sum];
    }),
  );
  return judge(now, usual, weeks);
};

test('failures and slowness against each one’s own usual; few calls are not judged', () => {
  const usual = [
    row('failing', 5_000, 25, 100),
    row('slow', 5_000, 25, 100),
    row('fine', 5_000, 400, 100),
    row('tiny', 9, 0, 1),
  ];
  const now = [
    row('failing', 300, 60, 100),
    row('slow', 300, 2, 900),
    row('fine', 300, 25, 100),
    row('tiny', 9, 9, 100),
  ];
  const { hurt, tooFew } = judged(now, usual);
  const found = Object.fromEntries(hurt.filter(({ by }) => by === 'tenant').map(({ name, why }) => [name, why]));
  assert.deepEqual(found, { failing: 'failures', slow: 'latency' });
  assert.equal(tooFew, 1);
  assert.ok(hurt.every(({ chance }) => chance < 1e-4));
});

test('without a usual only what is plainly bad is said, and that there is no usual', () => {
  const { hurt } = judged([row('new', 200, 60, 100), row('newer', 200, 5, 100)], []);
  assert.deepEqual(
    hurt.filter(({ by }) => by === 'tenant').map(({ name, usualFailed }) => [name, usualFailed]),
    [['new', null]],
  );
});

test('what is usual raises no alarm: a thousand looks at even traffic', () => {
  let alarms = 0;
  for (let i = 0; i < 1_000; i++) {
    const failed = Array.from({ length: 200 }, () => rng.next()).filter((draw) => draw < 0.03).length;
    const quiet = { ...row('even', 1, 0, 100), calls: 200, errors: failed };
    if (judge([quiet], [{ ...quiet, calls: 20_000, errors: 600 }], new Map()).hurt.length > 0) alarms++;
  }
  assert.ok(alarms <= 3, `${alarms} of 1000`);
});
