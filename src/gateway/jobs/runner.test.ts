import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { epochMs } from '#kernel/brand.ts';
import { seededRng } from '#kernel/rng.ts';
import { everyTenant, tenantKey } from '#kernel/whose.ts';
import type { Job, JobQueue, RunEnd } from '#ports/job-queue.ts';
import { memoryJobs } from '#stores/memory/job-queue.ts';
import { backOffMs } from './back-off.ts';
import { JobRunner } from './runner.ts';

const EVERY = everyTenant('a test');
const clock = { now: () => epochMs(Date.now()), mono: () => performance.now() };
const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

let seed = 0;
function runnerOf(queue: JobQueue, run: (job: Job) => Promise<RunEnd>): JobRunner {
  const handlers = new Map([['work', { run }]]);
  const runner = new JobRunner({ queue, handlers, clock, rng: seededRng(++seed), log: quiet });
  after(() => runner.stop());
  runner.start();
  return runner;
}

async function until(check: () => Promise<boolean> | boolean): Promise<void> {
  for (let i = 0; i < 200 && !(await check()); i++) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.ok(await check());
}
const job = (name: string) => ({
  kind: 'work',
  dedupe: tenantKey(EVERY, 'work', name),
  tenant: null,
  payload: '{}',
  runAt: epochMs(0),
});

describe('job runner', () => {
  test('runs what is due, polls again, and keeps what it learnt', async () => {
    const queue = memoryJobs();
    const seen: string[] = [];
    const runner = runnerOf(queue, async ({ payload }) => {
      seen.push(payload);
      if (seen.length === 3) return { state: 'done' };
      return { state: 'again', runAt: clock.now(), payload: JSON.stringify({ n: seen.length }) };
    });
    const { job: made } = await runner.enqueue(job('a'));
    await until(async () => (await queue.get(EVERY, made.id))!.state === 'done');
    assert.deepEqual(seen, ['{}', '{"n":1}', '{"n":2}']);
  });

  test('what throws is tried again later, with its reason', async () => {
    const queue = memoryJobs();
    const runner = runnerOf(queue, async () => {
      throw new Error('provider away');
    });
    const { job: made } = await runner.enqueue(job('a'));
    await until(async () => (await queue.get(EVERY, made.id))!.attempts === 1);
    const kept = (await queue.get(EVERY, made.id))!;
    assert.deepEqual([kept.state, kept.error], ['waiting', 'provider away']);
    assert.ok(kept.runAt > Date.now());
  });

  test('two runners on one queue never run one job twice', async () => {
    const queue = memoryJobs();
    const runs = new Map<string, number>();
    const count = async ({ dedupe }: Job): Promise<RunEnd> => {
      runs.set(dedupe, (runs.get(dedupe) ?? 0) + 1);
      await new Promise((resolve) => setTimeout(resolve, 5));
      return { state: 'done' };
    };
    const [one, other] = [runnerOf(queue, count), runnerOf(queue, count)];
    for (let n = 0; n < 30; n++) await (n % 2 ? one : other).enqueue(job(`${n}`));
    await until(() => runs.size === 30);
    await until(async () => (await queue.counts()).running === 0);
    assert.deepEqual(new Set(runs.values()), new Set([1]));
  });

  test('a store that is away ends nothing: jobs run when it is back', async () => {
    const queue = memoryJobs();
    let away = true;
    const flaky: JobQueue = {
      ...queue,
      lease: (ask) => (away ? Promise.reject(new Error('away')) : queue.lease(ask)),
    };
    let ran = 0;
    const runner = runnerOf(flaky, async () => {
      ran++;
      return { state: 'done' };
    });
    await runner.enqueue(job('a'));
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(ran, 0);
    away = false;
    await until(() => ran === 1);
  });

  test('waits double up to ten minutes, half of each by chance', () => {
    const rng = seededRng(7);
    for (const [attempts, full] of [
      [0, 1_000],
      [3, 8_000],
      [50, 600_000],
    ] as const) {
      const wait = backOffMs(attempts, rng);
      assert.ok(wait >= full / 2 && wait <= full, `${attempts}: ${wait}`);
    }
  });
});
