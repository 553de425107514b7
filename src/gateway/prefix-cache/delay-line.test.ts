import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { DelayLine, untilGrid } from './delay-line.ts';

const mono = (): number => performance.now();

test('the wait ends at a multiple of the quantum, and is shorter than it', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 1e10 }).map((us) => us / 1_000),
      fc.double({ min: 1, max: 10_000, noNaN: true }),
      (since, quantum) => {
        const wait = untilGrid(since, quantum);
        assert.ok(wait >= 0 && wait < quantum + 1e-6, `${since} ${quantum} ${wait}`);
        const steps = (since + wait) / quantum;
        assert.ok(Math.abs(steps - Math.round(steps)) < 1e-6 * Math.max(1, steps));
      },
    ),
  );
  assert.equal(untilGrid(100, 50), 0);
  assert.equal(untilGrid(100.5, 50), 49.5);
});

test('steps happen in order, none too early, and with the gaps in which they came', async () => {
  const line = new DelayLine({ delayMs: 30, mono, resume: () => undefined });
  const came: number[] = [];
  const done: number[] = [];
  for (let i = 0; i < 8; i++) {
    came.push(mono());
    assert.equal(
      line.push(10, () => done.push(mono())),
      true,
    );
    await sleep(i % 3 === 0 ? 0 : 7);
  }
  while (done.length < 8) await sleep(2);
  for (const [i, at] of done.entries()) assert.ok(at - came[i]! >= 30, `step ${i} after ${at - came[i]!} ms`);
  assert.deepEqual(
    done,
    done.toSorted((a, b) => a - b),
  );
});

test('what waits is bounded: the provider waits, and is told when there is room', async () => {
  let resumed = 0;
  const line = new DelayLine({ delayMs: 5, mono, resume: () => resumed++ });
  assert.equal(
    line.push(3 * 1024 * 1024, () => undefined),
    true,
  );
  assert.equal(
    line.push(3 * 1024 * 1024, () => undefined),
    false,
  );
  while (resumed === 0) await sleep(1);
  assert.equal(resumed, 1);
});

test('after a stop nothing happens', async () => {
  let happened = 0;
  const line = new DelayLine({ delayMs: 5, mono, resume: () => undefined });
  line.push(1, () => {
    happened++;
    line.stop();
  });
  line.push(1, () => happened++);
  await sleep(30);
  assert.equal(happened, 1);
});
