import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { HeadgateError } from '#kernel/errors.ts';
import { Turns } from './turns.ts';

test('work comes one after the other, and a failure is its own caller’s alone', async () => {
  const turns = new Turns();
  const seen: string[] = [];
  const work = (name: string, ms: number) => async (): Promise<string> => {
    seen.push(`${name} begins`);
    await sleep(ms);
    seen.push(`${name} ends`);
    if (name === 'b') throw new Error('b failed');
    return name;
  };
  const all = await Promise.allSettled([turns.take(work('a', 20)), turns.take(work('b', 5)), turns.take(work('c', 0))]);
  assert.deepEqual(seen, ['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
  assert.deepEqual(
    all.map((one) => (one.status === 'fulfilled' ? one.value : one.reason.message)),
    ['a', 'b failed', 'c'],
  );
});

test('what waits is bounded, and there is room again once it is done', async () => {
  const turns = new Turns();
  const { promise, resolve } = Promise.withResolvers<void>();
  const waiting = Array.from({ length: 200 }, () => turns.take(() => promise));
  await assert.rejects(
    turns.take(async () => undefined),
    (error) => error instanceof HeadgateError && error.code === 'store_unavailable',
  );
  resolve();
  await Promise.all(waiting);
  assert.equal(await turns.take(async () => 1), 1);
});
