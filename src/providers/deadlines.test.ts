import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Deadlines } from './deadlines.ts';

test('each deadline expires once, in its time and in whatever order it was added; a dropped one never', async () => {
  const deadlines = new Deadlines();
  const start = performance.now();
  const expired: (readonly [number, number])[] = [];
  const add = (ms: number) => deadlines.add(ms, () => expired.push([ms, performance.now() - start]));
  add(120);
  add(40);
  const dropped = add(60);
  add(80);
  await sleep(20);
  deadlines.drop(dropped);
  add(10);
  await sleep(200);
  assert.deepEqual(
    expired.map(([ms]) => ms),
    [10, 40, 80, 120],
  );
  for (const [ms, at] of expired) assert.ok(at >= ms, `${ms} ms expired after ${at}`);
});

test('what expires may add and drop others', async () => {
  const deadlines = new Deadlines();
  const said: string[] = [];
  const never = deadlines.add(30, () => said.push('never'));
  deadlines.add(15, () => {
    deadlines.drop(never);
    deadlines.add(15, () => said.push('later'));
    said.push('first');
  });
  await sleep(150);
  assert.deepEqual(said, ['first', 'later']);
});
