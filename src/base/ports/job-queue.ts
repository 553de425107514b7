import type { EpochMs, TenantId } from '#kernel/brand.ts';
import type { EveryTenant, TenantKey, Whose } from '#kernel/whose.ts';

export type JobState =
  /** Runs at `runAt`, or as soon as somebody is free. */
  | 'waiting'
  /** Somebody has leased it. One whose lease is over is anybody's again. */
  | 'running'
  | 'done'
  /** Given up: its tries are used, or it cannot succeed. A person may have it tried again. */
  | 'failed'
  | 'cancelled';

/** Work that outlives a request and a process. */
export interface Job {
  readonly id: string;
  /** Who knows how to run it. */
  readonly kind: string;
  /** One job of a kind has it, also after its end: the same work is not done twice. */
  readonly dedupe: string;
  /** For whom; null: the operator. */
  readonly tenant: TenantId | null;
  /** JSON of its kind. Never a prompt, an answer or a credential. */
  readonly payload: string;
  readonly state: JobState;
  readonly runAt: EpochMs;
  /** Times that it failed, or died with its process, since it last went well. */
  readonly attempts: number;
  /** Times that it was leased. */
  readonly runs: number;
  readonly lease: { readonly owner: string; readonly until: EpochMs } | null;
  /** Of the last failure, for people; bounded to {@link LONGEST_ERROR}. */
  readonly error: string | null;
  readonly createdAt: EpochMs;
  readonly updatedAt: EpochMs;
}

export interface NewJob extends Pick<Job, 'id' | 'kind' | 'tenant' | 'payload' | 'runAt'> {
  /** Inside its tenant: what two providers call alike for two tenants is two works. */
  readonly dedupe: TenantKey;
}

/** What became of one run. */
export type RunEnd =
  | { readonly state: 'done' }
  /** It went well, and there is more to do later: a poll. */
  | { readonly state: 'again'; readonly runAt: EpochMs; readonly payload?: string }
  | { readonly state: 'retry'; readonly runAt: EpochMs; readonly error: string }
  | { readonly state: 'failed'; readonly error: string };

export interface JobsQuestion {
  readonly limit: number;
  readonly state?: JobState;
  readonly kind?: string;
  readonly whose: Whose;
  /** Id of the last job of the page before. */
  readonly before?: string;
}

export interface JobCounts {
  readonly waiting: number;
  readonly running: number;
  readonly failed: number;
  /** When the first job that waits was, or is, due; null: none waits. */
  readonly nextRunAt: EpochMs | null;
}

/** Longer error texts are cut. */
export const LONGEST_ERROR = 500;

/**
 * Jobs, durable where the store is. Times are given: the queue has no clock. Every method may reject with
 * `store_unavailable`; nothing of it has happened then, or all of it.
 */
export interface JobQueue {
  /** Adds a job, or returns the one that has its kind and dedupe key already. Resolved means durable. */
  enqueue(job: NewJob, now: EpochMs): Promise<{ readonly job: Job; readonly added: boolean }>;
  /**
   * Leases due jobs, the longest due first: no one else gets them until `until`. One that was running and whose lease
   * is over counts as an attempt that failed.
   */
  lease(ask: {
    readonly whose: EveryTenant;
    readonly owner: string;
    readonly now: EpochMs;
    readonly until: EpochMs;
    readonly limit: number;
  }): Promise<readonly Job[]>;
  /** Makes a lease longer. False: it is lost, and the work is somebody else's. */
  renew(id: string, owner: string, until: EpochMs): Promise<boolean>;
  /** Ends a run. False: the lease was lost, and nothing has changed. */
  end(id: string, owner: string, end: RunEnd, now: EpochMs): Promise<boolean>;
  /**
   * Ends every lease now: what a process that died was running need not wait for its lease. Only for a process that has
   * the store to itself, as one that holds the lock of the data folder has.
   */
  abandon(now: EpochMs): Promise<void>;
  /** Gives up a job that waits, failed, or runs (its run then ends in nothing). False: it is over, or there is none. */
  cancel(whose: Whose, id: string, now: EpochMs): Promise<boolean>;
  /** Has a failed, cancelled or waiting job tried at once, with all its attempts. False: it runs or is done. */
  retry(whose: Whose, id: string, now: EpochMs): Promise<boolean>;
  get(whose: Whose, id: string): Promise<Job | null>;
  /** Newest first. */
  list(question: JobsQuestion): Promise<readonly Job[]>;
  counts(): Promise<JobCounts>;
  /** Forgets jobs that ended before a time: done and cancelled ones, never failed ones. */
  prune(endedBefore: EpochMs): Promise<number>;
  close(): Promise<void>;
}
