import type { EpochMs } from '#kernel/brand.ts';
import { concerns, type Whose } from '#kernel/whose.ts';
import { LONGEST_ERROR, type Job, type JobQueue, type JobsQuestion, type RunEnd } from '#ports/job-queue.ts';

/** Jobs of one process, for tests and the simulator: nothing outlives it. */
export function memoryJobs(): JobQueue {
  const jobs = new Map<string, Job>();
  const change = (job: Job, changes: Partial<Job>): Job => {
    const changed = { ...job, ...changes };
    jobs.set(job.id, changed);
    return changed;
  };
  const own = (id: string, owner: string): Job | null => {
    const job = jobs.get(id);
    return job?.state === 'running' && job.lease?.owner === owner ? job : null;
  };
  const meant = (whose: Whose, id: string): Job | null => {
    const job = jobs.get(id);
    return job && concerns(whose, job.tenant) ? job : null;
  };
  return {
    enqueue: async (added, now) => {
      const same = [...jobs.values()].find(({ kind, dedupe }) => kind === added.kind && dedupe === added.dedupe);
      if (same) return { job: same, added: false };
      const rest = { state: 'waiting', attempts: 0, runs: 0, lease: null, error: null } as const;
      const job: Job = { ...added, ...rest, createdAt: now, updatedAt: now };
      jobs.set(job.id, job);
      return { job, added: true };
    },
    lease: async ({ owner, now, until, limit }) =>
      [...jobs.values()]
        .filter((job) => isDue(job, now))
        .sort((a, b) => a.runAt - b.runAt || (a.id < b.id ? -1 : 1))
        .slice(0, limit)
        .map((job) =>
          change(job, {
            state: 'running',
            attempts: job.attempts + (job.state === 'running' ? 1 : 0),
            runs: job.runs + 1,
            lease: { owner, until },
            updatedAt: now,
          }),
        ),
    renew: async (id, owner, until) => {
      const job = own(id, owner);
      if (job) change(job, { lease: { owner, until } });
      return job !== null;
    },
    end: async (id, owner, end, now) => {
      const job = own(id, owner);
      if (job) change(job, { ...afterRun(job, end), lease: null, updatedAt: now });
      return job !== null;
    },
    abandon: async (now) => {
      for (const job of jobs.values())
        if (job.state === 'running') change(job, { lease: { owner: job.lease!.owner, until: now } });
    },
    cancel: async (whose, id, now) => {
      const job = meant(whose, id);
      if (!job || job.state === 'done' || job.state === 'cancelled') return false;
      change(job, { state: 'cancelled', lease: null, updatedAt: now });
      return true;
    },
    retry: async (whose, id, now) => {
      const job = meant(whose, id);
      if (!job || job.state === 'done' || job.state === 'running') return false;
      change(job, { state: 'waiting', attempts: 0, runAt: now, updatedAt: now });
      return true;
    },
    get: async (whose, id) => meant(whose, id),
    list: async (question) =>
      [...jobs.values()]
        .filter((job) => matches(job, question))
        .sort((a, b) => (a.id < b.id ? 1 : -1))
        .slice(0, question.limit),
    counts: async () => {
      const of = (state: Job['state']): Job[] => [...jobs.values()].filter((job) => job.state === state);
      const waiting = of('waiting');
      const next = waiting.reduce((least, { runAt }) => Math.min(least, runAt), Infinity);
      return {
        waiting: waiting.length,
        running: of('running').length,
        failed: of('failed').length,
        nextRunAt: next === Infinity ? null : (next as EpochMs),
      };
    },
    prune: async (endedBefore) => {
      const old = [...jobs.values()].filter(
        ({ state, updatedAt }) => (state === 'done' || state === 'cancelled') && updatedAt < endedBefore,
      );
      for (const { id } of old) jobs.delete(id);
      return old.length;
    },
    close: async () => undefined,
  };
}

const isDue = (job: Job, now: EpochMs): boolean =>
  (job.state === 'waiting' && job.runAt <= now) || (job.state === 'running' && job.lease!.until <= now);

function afterRun(job: Job, end: RunEnd): Partial<Job> {
  if (end.state === 'done') return { state: 'done', error: null };
  if (end.state === 'again') {
    const { runAt, payload = job.payload } = end;
    return { state: 'waiting', attempts: 0, error: null, runAt, payload };
  }
  const failed = { attempts: job.attempts + 1, error: end.error.slice(0, LONGEST_ERROR) };
  return end.state === 'retry' ? { ...failed, state: 'waiting', runAt: end.runAt } : { ...failed, state: 'failed' };
}

const matches = (job: Job, { state, kind, whose, before }: JobsQuestion): boolean =>
  (state === undefined || job.state === state) &&
  (kind === undefined || job.kind === kind) &&
  concerns(whose, job.tenant) &&
  (before === undefined || job.id < before);
