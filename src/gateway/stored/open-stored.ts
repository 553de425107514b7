import type { JobQueue } from '#ports/job-queue.ts';
import type { LedgerStore } from '#ports/ledger-store.ts';
import type { StoredThings } from '#ports/stored-things.ts';
import type { Gate } from '../gate.ts';
import { JobRunner, type JobHandler } from '../jobs/runner.ts';
import { BACKGROUND_JOB, BackgroundBook } from './background.ts';
import { BATCH_JOB, BatchBook } from './batch-book.ts';
import { batchHandler } from './batch-job.ts';
import type { StoredParts } from './parts.ts';

interface Stores {
  readonly things: StoredThings;
  readonly jobs: JobQueue;
  readonly ledger: LedgerStore;
}

/** What the gate needs for stored things. `gate`: asked when there is work, since it is made with these parts. */
export function openStored(gate: () => Gate, parts: Pick<Gate, 'clock' | 'rng' | 'log'>, stores: Stores): StoredParts {
  const background = new BackgroundBook(gate);
  const handlers = new Map<string, JobHandler>([
    [BATCH_JOB, batchHandler(gate)],
    [BACKGROUND_JOB, { run: (job) => background.run(job) }],
  ]);
  const jobs = new JobRunner({ queue: stores.jobs, handlers, ...parts });
  return { things: stores.things, jobs, batches: new BatchBook(gate), background, ledger: stores.ledger };
}
