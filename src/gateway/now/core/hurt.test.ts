import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRng } from '#kernel/rng.ts';
import { DdSketch } from '#math/ddsketch.ts';
import { judge, keyOf, slowSuspects, type Group } from './hurt.ts';

const rng = seededRng(3);
const sketchOf = (count: number, ms: number): DdSketch => {
  const sketch = new DdSketch();
  for (let i = 0; i < count; i++) sketch.add(ms * (0.5 + rng.next()));
  return sketch;
};
const group = (name: string, calls: number, failed: number, ms: number): Group => ({
  ...{ by: 'tenant', name, calls, failed },
  totalMs: sketchOf(calls, ms),
});

const keyed = <T>(groups: readonly Group[], of: (group: Group) => T): Map<string, T> =>
  new Map(groups.map((one) => [keyOf(one.by, one.name), of(one)]));

const judged = (now: readonly Group[], usual: readonly Group[]) => {
  const sketches = keyed(usual, ({ totalMs }) => totalMs!);
  const suspects = slowSuspects(now, sketches, 6).map(({ by, name }) => keyOf(by, name));
  const weeks = new Map([...sketches].filter(([key]) => suspects.includes(key)));
  return judge(
    now,
    keyed(usual, (one) => one),
    weeks,
  );
};

test('failures and slowness against each one’s own usual; few calls are not judged', () => {
  const usual = [
    group('failing', 5_000, 25, 100),
    group('slow', 5_000, 25, 100),
    group('fine', 5_000, 400, 100),
    group('tiny', 9, 0, 1),
  ];
  const now = [
    group('failing', 300, 60, 100),
    group('slow', 300, 2, 900),
    group('fine', 300, 25, 100),
    group('tiny', 9, 9, 100),
  ];
  const { hurt, tooFew } = judged(now, usual);
  const found = Object.fromEntries(hurt.filter(({ by }) => by === 'tenant').map(({ name, why }) => [name, why]));
  assert.deepEqual(found, { failing: 'failures', slow: 'latency' });
  assert.equal(tooFew, 1);
  assert.ok(hurt.every(({ chance }) => chance < 1e-4));
});

test('without a usual only what is plainly bad is said, and that there is no usual', () => {
  const { hurt } = judged([group('new', 200, 60, 100), group('newer', 200, 5, 100)], []);
  assert.deepEqual(
    hurt.filter(({ by }) => by === 'tenant').map(({ name, usualFailed }) => [name, usualFailed]),
    [['new', null]],
  );
});

test('what is usual raises no alarm: a thousand looks at even traffic', () => {
  let alarms = 0;
  for (let i = 0; i < 1_000; i++) {
    const failed = Array.from({ length: 200 }, () => rng.next()).filter((draw) => draw < 0.03).length;
    const quiet = { ...group('even', 1, 0, 100), calls: 200, failed };
    const usual = new Map([[keyOf('tenant', 'even'), { calls: 20_000, failed: 600 }]]);
    if (judge([quiet], usual, new Map()).hurt.length > 0) alarms++;
  }
  assert.ok(alarms <= 3, `${alarms} of 1000`);
});
