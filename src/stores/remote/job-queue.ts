import type { JobQueue } from '#ports/job-queue.ts';
import type { RemoteClient, Target } from './channel.ts';

export const JOBS_TARGET = 'jobs';

/** Jobs that another thread keeps. Closing it leaves the other's queue open. */
export function remoteJobs(client: RemoteClient): JobQueue {
  const call = (method: string, ...args: unknown[]): Promise<never> =>
    client.call(JOBS_TARGET, method, args) as Promise<never>;
  return {
    enqueue: (job, now) => call('enqueue', job, now),
    lease: (ask) => call('lease', ask),
    renew: (id, owner, until) => call('renew', id, owner, until),
    end: (id, owner, end, now) => call('end', id, owner, end, now),
    abandon: (now) => call('abandon', now),
    cancel: (whose, id, now) => call('cancel', whose, id, now),
    retry: (whose, id, now) => call('retry', whose, id, now),
    get: (whose, id) => call('get', whose, id),
    list: (question) => call('list', question),
    counts: () => call('counts'),
    prune: (endedBefore) => call('prune', endedBefore),
    close: async () => undefined,
  };
}

/** What the other thread serves under {@link JOBS_TARGET}. */
export const jobsTarget = (queue: JobQueue): Target => ({
  enqueue: (job: never, now: never) => queue.enqueue(job, now),
  lease: (ask: never) => queue.lease(ask),
  renew: (id: never, owner: never, until: never) => queue.renew(id, owner, until),
  end: (id: never, owner: never, end: never, now: never) => queue.end(id, owner, end, now),
  abandon: (now: never) => queue.abandon(now),
  cancel: (whose: never, id: never, now: never) => queue.cancel(whose, id, now),
  retry: (whose: never, id: never, now: never) => queue.retry(whose, id, now),
  get: (whose: never, id: never) => queue.get(whose, id),
  list: (question: never) => queue.list(question),
  counts: () => queue.counts(),
  prune: (endedBefore: never) => queue.prune(endedBefore),
});
