import type { Clock } from '#kernel/clock.ts';
import { epochMs, type EpochMs } from '#kernel/brand.ts';
import { timeOrderedId } from '#kernel/ids.ts';
import type { Rng } from '#kernel/rng.ts';
import { everyTenant, type Whose } from '#kernel/whose.ts';
import type { Job, JobCounts, JobQueue, NewJob, RunEnd } from '#ports/job-queue.ts';
import type { Log } from '../gate.ts';
import { backOffMs } from './back-off.ts';

/** Runs one kind of job. What it throws is a failed attempt, tried again later. */
export interface JobHandler {
  readonly run: (job: Job) => Promise<RunEnd>;
  /** The job was given up: its last word. Called before that is written, so it may come twice. */
  readonly givenUp?: (job: Job, error: string) => Promise<void>;
}

export interface JobRunnerOptions {
  readonly queue: JobQueue;
  readonly handlers: ReadonlyMap<string, JobHandler>;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Log;
}

/** Waits between looks at an idle queue. A look is one indexed read in the thread of the stores. */
const IDLE_MS = 1_000;
/** Jobs of this process at once: a batch that settles holds up to 100 MB of results in pieces, never whole. */
const AT_ONCE = 4;
/** A dead process's jobs wait so long for another. */
const LEASE_MS = 20_000;
const RENEW_MS = LEASE_MS / 3;
/** With the back-off about two days. */
const MOST_ATTEMPTS = 300;
/** Ended jobs are shown so long. */
const KEPT_MS = 30 * 86_400_000;
const PRUNE_EVERY_MS = 3_600_000;
const STOP_MS = 5_000;
const PAGE = 200;
const ALL_JOBS = everyTenant('the gate runs the jobs of all tenants; each says whose it is');

/** Looks for due jobs and runs them, a few at once. While the store is away it looks on, and nothing is lost. */
export class JobRunner {
  readonly owner: string;
  readonly #options: JobRunnerOptions;
  readonly #running = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | null = null;
  /** Monotonic, of the timer. */
  #dueMs = 0;
  #looking = false;
  #stopped = false;
  #lastPrune = 0;
  /** As of the last look; null: the store has not answered yet. */
  counts: JobCounts | null = null;

  constructor(options: JobRunnerOptions) {
    this.#options = options;
    this.owner = timeOrderedId('run_', options.clock.now(), options.rng);
  }

  start(): void {
    this.#arm(0);
  }

  /** Before the start of a process that has the store to itself: what a dead one was running waits for nobody. */
  abandon(): Promise<void> {
    return this.#options.queue.abandon(this.#options.clock.now());
  }

  /** Adds a job and looks at once. `added` false: it is there already. */
  async enqueue(job: Omit<NewJob, 'id'>): Promise<{ readonly job: Job; readonly added: boolean }> {
    const { queue, clock, rng } = this.#options;
    const now = clock.now();
    const made = await queue.enqueue({ ...job, id: timeOrderedId('job_', now, rng) }, now);
    if (job.runAt <= now) this.#arm(0);
    return made;
  }

  get(whose: Whose, id: string): Promise<Job | null> {
    return this.#options.queue.get(whose, id);
  }

  /** Has a job that waits run at another time; one that runs, is done or was given up stays as it is. */
  async moveTo(whose: Whose, id: string, runAt: EpochMs): Promise<void> {
    if ((await this.get(whose, id))?.state !== 'waiting') return;
    const moved = await this.#options.queue.retry(whose, id, runAt);
    if (moved) this.#arm(Math.max(0, Math.min(IDLE_MS, runAt - this.#options.clock.now())));
  }

  cancel(whose: Whose, id: string): Promise<boolean> {
    return this.#options.queue.cancel(whose, id, this.#options.clock.now());
  }

  /** Every job of a kind that is not over. */
  async open(kind: string): Promise<readonly Job[]> {
    const { queue } = this.#options;
    const found: Job[] = [];
    for (const state of ['waiting', 'running'] as const)
      for (let before: string | undefined; ;) {
        const page = await queue.list({
          whose: ALL_JOBS,
          kind,
          state,
          limit: PAGE,
          ...(before !== undefined && { before }),
        });
        found.push(...page);
        if (page.length < PAGE) break;
        before = page.at(-1)!.id;
      }
    return found;
  }

  /** Has a job run now and waits for its end. False: it has not ended within `limitMs`. */
  async ended(whose: Whose, id: string, limitMs: number): Promise<boolean> {
    const { clock } = this.#options;
    const until = clock.mono() + limitMs;
    await this.moveTo(whose, id, clock.now());
    for (;;) {
      const job = await this.get(whose, id);
      if (!job || (job.state !== 'waiting' && job.state !== 'running')) return true;
      if (clock.mono() >= until) return false;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** There may be work: looks at once. */
  wake(): void {
    this.#arm(0);
  }

  /** No more jobs; those that run may end. What does not is anybody's once its lease is over. */
  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#timer) clearTimeout(this.#timer);
    const limit = new Promise<void>((resolve) => setTimeout(resolve, STOP_MS).unref());
    await Promise.race([Promise.allSettled([...this.#running]), limit]);
  }

  /** Looks in so many milliseconds, or sooner where that is planned already. */
  #arm(ms: number): void {
    const dueMs = this.#options.clock.mono() + ms;
    if (this.#stopped || (this.#timer && this.#dueMs <= dueMs)) return;
    if (this.#timer) clearTimeout(this.#timer);
    this.#dueMs = dueMs;
    this.#timer = setTimeout(() => void this.#look(), ms);
    this.#timer.unref();
  }

  async #look(): Promise<void> {
    this.#timer = null;
    if (this.#looking) return this.#arm(IDLE_MS);
    this.#looking = true;
    let found = 0;
    try {
      found = await this.#leaseDue();
      this.counts = await this.#options.queue.counts();
      await this.#prune();
    } catch (error) {
      this.#options.log.debug({ err: error }, 'jobs wait for the store');
    }
    this.#looking = false;
    this.#arm(found > 0 && this.#running.size < AT_ONCE ? 0 : this.#wait());
  }

  #wait(): number {
    const next = this.counts?.nextRunAt ?? null;
    return next === null ? IDLE_MS : Math.min(IDLE_MS, Math.max(20, next - this.#options.clock.now()));
  }

  async #leaseDue(): Promise<number> {
    const { queue, clock } = this.#options;
    const limit = AT_ONCE - this.#running.size;
    if (limit <= 0 || this.#stopped) return 0;
    const now = clock.now();
    const jobs = await queue.lease({ whose: ALL_JOBS, owner: this.owner, now, until: epochMs(now + LEASE_MS), limit });
    for (const job of jobs) {
      const run = this.#run(job).finally(() => {
        this.#running.delete(run);
        this.#arm(0);
      });
      this.#running.add(run);
    }
    return jobs.length;
  }

  async #prune(): Promise<void> {
    const now = this.#options.clock.now();
    if (now - this.#lastPrune < PRUNE_EVERY_MS) return;
    this.#lastPrune = now;
    await this.#options.queue.prune(epochMs(now - KEPT_MS));
  }

  async #run(job: Job): Promise<void> {
    const { queue, clock, log } = this.#options;
    const renewing = setInterval(() => {
      void queue.renew(job.id, this.owner, epochMs(clock.now() + LEASE_MS)).catch(() => undefined);
    }, RENEW_MS).unref();
    try {
      const end = await this.#outcome(job);
      const kept = await queue.end(job.id, this.owner, end, clock.now());
      if (!kept) log.warn({ job: job.id, kind: job.kind }, 'a job ended after its lease: another run of it counts');
      if (end.state === 'failed') log.warn({ job: job.id, kind: job.kind, error: end.error }, 'a job was given up');
    } catch (error) {
      // The end could not be written: the lease runs out, and the job runs again.
      log.debug({ err: error, job: job.id }, 'the end of a job waits for the store');
    } finally {
      clearInterval(renewing);
    }
  }

  async #outcome(job: Job): Promise<RunEnd> {
    const { handlers, clock, rng } = this.#options;
    const handler = handlers.get(job.kind);
    if (!handler) return { state: 'failed', error: `no such kind of job: ${job.kind}` };
    const end = await handler.run(job).catch((thrown: unknown): RunEnd => {
      const error = thrown instanceof Error ? thrown.message : String(thrown);
      if (job.attempts + 1 >= MOST_ATTEMPTS) return { state: 'failed', error };
      return { state: 'retry', runAt: epochMs(clock.now() + backOffMs(job.attempts, rng)), error };
    });
    if (end.state === 'failed') await handler.givenUp?.(job, end.error);
    return end;
  }
}
