import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { epochMs, type TenantId } from '#kernel/brand.ts';
import { everyTenant, tenantKey } from '#kernel/whose.ts';
import { LONGEST_ERROR, type JobQueue, type NewJob } from './job-queue.ts';

export interface JobContractOptions {
  readonly name: string;
  /** A new empty queue. */
  readonly open: () => Promise<JobQueue>;
  /** The same queue after its process has died; absent: it does not outlive one. */
  readonly reopen?: (queue: JobQueue) => Promise<JobQueue>;
}

const T = (ms: number) => epochMs(Date.UTC(2026, 10, 25) + ms);
const EVERY = everyTenant('a test');
const work = (name: string) => tenantKey('ten_a' as TenantId, 'work', name);
const job = (n: number, fields: Partial<NewJob> = {}): NewJob => ({
  id: `job_${n}`,
  kind: 'poll',
  dedupe: work(`thing ${n}`),
  tenant: 'ten_a' as TenantId,
  payload: `{"n":${n}}`,
  runAt: T(0),
  ...fields,
});
const lease = (queue: JobQueue, owner: string, at: number, limit = 10, until = at + 100) =>
  queue.lease({ whose: EVERY, owner, now: T(at), until: T(until), limit });
const ids = (jobs: readonly { readonly id: string }[]): string[] => jobs.map(({ id }) => id);

/** What every job queue does. */
export function jobQueueContract({ name, open: make, reopen }: JobContractOptions): void {
  describe(`job queue: ${name}`, () => {
    const opened: JobQueue[] = [];
    after(() => Promise.all(opened.map((queue) => queue.close())));
    const open = async (): Promise<JobQueue> => {
      const queue = await make();
      opened.push(queue);
      return queue;
    };
    enqueueTests(open);
    ownerTests(open);
    leaseTests(open);
    endTests(open);
    peopleTests(open);
    if (reopen)
      test('what was enqueued, leased and ended is there after a restart', async () => {
        const queue = await make();
        for (const n of [1, 2, 3]) await queue.enqueue(job(n), T(n));
        await lease(queue, 'a', 10, 2);
        await queue.end('job_1', 'a', { state: 'done' }, T(20));
        const again = await reopen(queue);
        opened.push(again);
        assert.equal((await again.get(EVERY, 'job_1'))!.state, 'done');
        assert.deepEqual(ids(await lease(again, 'b', 50)), ['job_3']);
        assert.deepEqual(ids(await lease(again, 'b', 120)), ['job_2'], 'the lease of the dead is over');
      });
  });
}

type Open = () => Promise<JobQueue>;

function enqueueTests(open: Open): void {
  test('a job is kept exactly', async () => {
    const queue = await open();
    const { job: made, added } = await queue.enqueue(job(1, { payload: '{"ü":"\\u0000"}' }), T(5));
    const rest = { state: 'waiting', attempts: 0, runs: 0, lease: null, error: null, createdAt: T(5), updatedAt: T(5) };
    assert.deepEqual(made, { ...job(1, { payload: '{"ü":"\\u0000"}' }), ...rest });
    assert.equal(added, true);
    assert.deepEqual(await queue.get(EVERY, 'job_1'), made);
    assert.equal(await queue.get(EVERY, 'job_2'), null);
  });

  test('the same work is enqueued once, also after its end; another kind is another work', async () => {
    const queue = await open();
    await queue.enqueue(job(1), T(0));
    const second = await queue.enqueue(job(2, { dedupe: work('thing 1') }), T(1));
    assert.deepEqual([second.added, second.job.id], [false, 'job_1']);
    assert.equal((await queue.enqueue(job(3, { dedupe: work('thing 1'), kind: 'other' }), T(1))).added, true);
    await lease(queue, 'a', 2);
    await queue.end('job_1', 'a', { state: 'done' }, T(3));
    assert.equal((await queue.enqueue(job(4, { dedupe: work('thing 1') }), T(4))).added, false);
  });
}

function ownerTests(open: Open): void {
  test('a tenant’s question finds, cancels and retries nothing of another’s', async () => {
    const queue = await open();
    const other = 'ten_b' as TenantId;
    await queue.enqueue(job(1), T(0));
    await queue.enqueue(job(2, { tenant: null }), T(0));
    for (const id of ['job_1', 'job_2']) {
      assert.equal(await queue.get(other, id), null);
      assert.equal(await queue.cancel(other, id, T(1)), false);
      assert.equal(await queue.retry(other, id, T(1)), false);
    }
    assert.deepEqual(ids(await queue.list({ whose: 'ten_a' as TenantId, limit: 9 })), ['job_1']);
    assert.equal((await queue.get('ten_a' as TenantId, 'job_1'))!.state, 'waiting');
    assert.equal(await queue.cancel('ten_a' as TenantId, 'job_1', T(1)), true);
  });
}

function leaseTests(open: Open): void {
  test('due jobs alone, the longest due first, no more than asked for', async () => {
    const queue = await open();
    for (const [n, at] of [
      [1, 30],
      [2, 10],
      [3, 20],
      [4, 99],
    ] as const)
      await queue.enqueue(job(n, { runAt: T(at) }), T(0));
    assert.deepEqual(ids(await lease(queue, 'a', 50, 2)), ['job_2', 'job_3']);
    assert.deepEqual(ids(await lease(queue, 'a', 50, 2)), ['job_1']);
    assert.deepEqual(await lease(queue, 'a', 50), []);
    assert.equal((await queue.counts()).nextRunAt, T(99));
  });

  test('two owners at once never get one job twice', async () => {
    const queue = await open();
    for (let n = 0; n < 40; n++) await queue.enqueue(job(n), T(0));
    const got = await Promise.all(Array.from({ length: 20 }, (_, i) => lease(queue, `owner ${i}`, 1, 3)));
    const all = got.flatMap(ids);
    assert.equal(all.length, 40);
    assert.equal(new Set(all).size, 40);
  });

  test('a lease that is over is anybody’s, and counts as a failed attempt; the first owner has lost it', async () => {
    const queue = await open();
    await queue.enqueue(job(1), T(0));
    const [first] = await lease(queue, 'a', 0);
    assert.deepEqual(
      [first!.state, first!.attempts, first!.runs, first!.lease],
      ['running', 0, 1, { owner: 'a', until: T(100) }],
    );
    assert.deepEqual(await lease(queue, 'b', 99), []);
    const [second] = await lease(queue, 'b', 100);
    assert.deepEqual([second!.attempts, second!.runs], [1, 2]);
    assert.equal(await queue.renew('job_1', 'a', T(500)), false);
    assert.equal(await queue.end('job_1', 'a', { state: 'done' }, T(110)), false);
    assert.equal((await queue.get(EVERY, 'job_1'))!.state, 'running');
    assert.equal(await queue.end('job_1', 'b', { state: 'done' }, T(120)), true);
  });

  test('leases that are abandoned are anybody’s at once', async () => {
    const queue = await open();
    await queue.enqueue(job(1), T(0));
    await lease(queue, 'dead', 0, 1, 60_000);
    await queue.abandon(T(5));
    const [again] = await lease(queue, 'b', 5);
    assert.deepEqual([again!.id, again!.attempts, again!.lease!.owner], ['job_1', 1, 'b']);
  });

  test('a renewed lease holds longer', async () => {
    const queue = await open();
    await queue.enqueue(job(1), T(0));
    await lease(queue, 'a', 0);
    assert.equal(await queue.renew('job_1', 'a', T(300)), true);
    assert.deepEqual(await lease(queue, 'b', 200), []);
    assert.deepEqual(ids(await lease(queue, 'b', 300)), ['job_1']);
  });
}

function endTests(open: Open): void {
  test('again: later, with what it has learnt, and with all its attempts', async () => {
    const queue = await open();
    await queue.enqueue(job(1), T(0));
    await lease(queue, 'a', 0);
    await queue.end('job_1', 'a', { state: 'retry', runAt: T(10), error: 'away' }, T(5));
    await lease(queue, 'a', 10);
    await queue.end('job_1', 'a', { state: 'again', runAt: T(60), payload: '{"seen":1}' }, T(20));
    const kept = (await queue.get(EVERY, 'job_1'))!;
    assert.deepEqual(
      [kept.state, kept.attempts, kept.error, kept.payload, kept.lease],
      ['waiting', 0, null, '{"seen":1}', null],
    );
    assert.deepEqual(await lease(queue, 'a', 59), []);
    assert.deepEqual(ids(await lease(queue, 'a', 60)), ['job_1']);
  });

  test('retry counts and says why; failed is the end, and its text is bounded', async () => {
    const queue = await open();
    await queue.enqueue(job(1), T(0));
    await lease(queue, 'a', 0);
    await queue.end('job_1', 'a', { state: 'retry', runAt: T(30), error: 'provider away' }, T(1));
    const [again] = await lease(queue, 'a', 30);
    assert.deepEqual([again!.attempts, again!.error], [1, 'provider away']);
    await queue.end('job_1', 'a', { state: 'failed', error: 'x'.repeat(LONGEST_ERROR * 2) }, T(40));
    const over = (await queue.get(EVERY, 'job_1'))!;
    assert.deepEqual([over.state, over.attempts, over.error!.length], ['failed', 2, LONGEST_ERROR]);
    assert.deepEqual(await lease(queue, 'a', 99_999), []);
    assert.deepEqual(await queue.counts(), { waiting: 0, running: 0, failed: 1, nextRunAt: null });
  });
}

function peopleTests(open: Open): void {
  test('a failed job is tried again on demand; one that runs or is done is not', async () => {
    const queue = await open();
    for (const n of [1, 2, 3]) await queue.enqueue(job(n), T(n));
    await lease(queue, 'a', 10);
    await queue.end('job_1', 'a', { state: 'failed', error: 'no' }, T(11));
    await queue.end('job_2', 'a', { state: 'done' }, T(11));
    assert.deepEqual(
      await Promise.all(['job_1', 'job_2', 'job_3', 'job_9'].map((id) => queue.retry(EVERY, id, T(20)))),
      [true, false, false, false],
    );
    const [again] = await lease(queue, 'a', 20);
    assert.deepEqual([again!.id, again!.attempts], ['job_1', 0]);
  });

  test('a cancelled job does not run, and a run that is cancelled ends in nothing', async () => {
    const queue = await open();
    for (const n of [1, 2]) await queue.enqueue(job(n), T(0));
    await lease(queue, 'a', 0, 1);
    assert.equal(await queue.cancel(EVERY, 'job_1', T(1)), true);
    assert.equal(await queue.cancel(EVERY, 'job_2', T(1)), true);
    assert.equal(await queue.cancel(EVERY, 'job_2', T(2)), false);
    assert.equal(await queue.end('job_1', 'a', { state: 'done' }, T(2)), false);
    assert.deepEqual(await lease(queue, 'a', 9_999), []);
  });

  test('lists by state, kind and tenant, newest first, by pages', async () => {
    const queue = await open();
    for (const n of [1, 2, 3, 4]) await queue.enqueue(job(n, n === 2 ? { kind: 'other', tenant: null } : {}), T(n));
    assert.deepEqual(ids(await queue.list({ whose: EVERY, limit: 9 })), ['job_4', 'job_3', 'job_2', 'job_1']);
    assert.deepEqual(ids(await queue.list({ whose: EVERY, limit: 9, kind: 'other' })), ['job_2']);
    assert.deepEqual(ids(await queue.list({ limit: 2, whose: 'ten_a' as TenantId })), ['job_4', 'job_3']);
    assert.deepEqual(ids(await queue.list({ whose: EVERY, limit: 2, before: 'job_3' })), ['job_2', 'job_1']);
    assert.deepEqual(await queue.list({ whose: EVERY, limit: 9, state: 'failed' }), []);
  });

  test('what ended long ago is forgotten, what failed is not', async () => {
    const queue = await open();
    for (const n of [1, 2, 3]) await queue.enqueue(job(n), T(0));
    await lease(queue, 'a', 0, 2);
    await queue.end('job_1', 'a', { state: 'done' }, T(10));
    await queue.end('job_2', 'a', { state: 'failed', error: 'no' }, T(10));
    assert.equal(await queue.prune(T(10)), 0);
    assert.equal(await queue.prune(T(11)), 1);
    assert.deepEqual(ids(await queue.list({ whose: EVERY, limit: 9 })), ['job_3', 'job_2']);
  });
}
