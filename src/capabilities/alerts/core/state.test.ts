import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Reading } from './reading.ts';
import { MOST_INSTANCES, SILENT_MS, step, type Change, type Instances } from './state.ts';

const TIMES = { forMs: 60_000, repeatMs: 3_600_000 };
const reading = (breached: boolean, value: number | null = 1, name = 'm'): Reading => ({
  labels: { model: name },
  value,
  breached,
  text: `${name} is ${value}`,
});

/** Looks one after the other, `passedMs` apart. */
function run(looks: readonly { passedMs: number; readings: readonly Reading[]; now?: number }[], times = TIMES) {
  let instances: Instances = {};
  const events: string[] = [];
  const changes: Change[] = [];
  for (const { passedMs, readings, now = 0 } of looks) {
    const next = step(instances, { passedMs, readings, now }, times);
    instances = next.instances;
    changes.push(...next.changes);
    events.push(next.changes.map(({ event }) => event).join('+') || '-');
  }
  return { instances, events, changes };
}

const look = (breached: boolean, passedMs = 30_000, value: number | null = 1) => ({
  passedMs,
  readings: [reading(breached, value)],
});

test('it fires after it has held for long enough, once, and is resolved once', () => {
  const { events, instances } = run([
    look(true),
    look(true),
    look(true),
    look(true),
    look(true),
    look(false),
    look(false),
    look(false),
  ]);
  assert.deepEqual(events, ['-', '-', 'firing', '-', '-', '-', 'resolved', '-']);
  assert.deepEqual(instances, {});
});

test('what held for a moment alone is nothing', () => {
  const { events } = run([look(true), look(true), look(false), look(true), look(true), look(false)]);
  assert.deepEqual(events, ['-', '-', '-', '-', '-', '-']);
});

test('a firing one that flaps is one alert', () => {
  const { events } = run([...Array(3).fill(look(true)), look(false), look(true), look(false), look(true)]);
  assert.deepEqual(events, ['-', '-', 'firing', '-', '-', '-', '-']);
});

test('it is told again after the repeat interval', () => {
  const { events } = run([...Array(3).fill(look(true)), look(true, 1_800_000), look(true, 1_800_000), look(true)]);
  assert.deepEqual(events, ['-', '-', 'firing', '-', 'repeat', '-']);
});

test('too few calls to say anything keep a firing alert for a while', () => {
  const silent = { passedMs: 30_000, readings: [reading(false, null)] };
  const { events } = run([...Array(3).fill(look(true)), silent, silent, silent, silent]);
  assert.deepEqual(events, ['-', '-', 'firing', '-', '-', '-', 'resolved']);
  assert.equal(SILENT_MS, 120_000);
});

test('a wall clock that jumps a day, forward or back, changes nothing', () => {
  const day = 86_400_000;
  const jumping = [0, 30_000, day, day + 30_000, -day, 0].map((now) => ({ ...look(true), now }));
  assert.deepEqual(run(jumping).events, ['-', '-', 'firing', '-', '-', '-']);
});

test('a restart: the first look passes no time, and what fired fires no more', () => {
  const before = run([...Array(3).fill(look(true))]).instances;
  const restored = JSON.parse(JSON.stringify(before)) as Instances;
  assert.deepEqual(step(restored, { ...look(true, 0), now: 9 }, TIMES).changes, []);
  assert.deepEqual(step(restored, { ...look(false, 0), now: 9 }, TIMES).changes, []);
});

test('a rule keeps a bounded number of things, and says how many it left out', () => {
  const readings = Array.from({ length: MOST_INSTANCES + 30 }, (_, i) => reading(true, 1, `m-${i}`));
  const first = step({}, { passedMs: 0, readings, now: 0 }, { ...TIMES, forMs: 0 });
  assert.equal(Object.keys(first.instances).length, MOST_INSTANCES);
  assert.equal(first.leftOut, 30);
  assert.equal(first.changes.length, MOST_INSTANCES);
});

test('whatever comes: firing and resolved take turns, and no instance outlives its cause by more than it may', () => {
  const looks = fc.array(
    fc.record({
      passedMs: fc.integer({ min: 0, max: 200_000 }),
      breached: fc.boolean(),
      value: fc.option(fc.constant(2)),
    }),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(looks, fc.integer({ min: 0, max: 120_000 }), (all, forMs) => {
      const { changes, instances } = run(
        all.map(({ passedMs, breached, value }) => ({
          passedMs,
          readings: [reading(breached && value !== null, value)],
        })),
        { forMs, repeatMs: 60_000 },
      );
      const words = changes.map(({ event }) => event).filter((event) => event !== 'repeat');
      words.forEach((word, i) => assert.equal(word, i % 2 === 0 ? 'firing' : 'resolved'));
      assert.equal(
        words.length % 2 === 1,
        Object.values(instances).some(({ phase }) => phase === 'firing'),
      );
    }),
  );
});
