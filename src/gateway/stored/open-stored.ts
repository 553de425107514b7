import type { JobQueue } from '#ports/job-queue.ts';
import type { LedgerStore } from '#ports/ledger-store.ts';
import type { StoredThings } from '#ports/stored-things.ts';
import type { Gate } from '../gate.ts';
import { JobRunner } from '../jobs/runner.ts';
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
  const handlers = new Map([[BATCH_JOB, batchHandler(gate)]]);
  const jobs = new JobRunner({ queue: stores.jobs, handlers, ...parts });
  return { things: stores.things, jobs, batches: new BatchBook(gate), ledger: stores.ledger };
}
