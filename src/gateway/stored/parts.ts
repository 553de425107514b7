import type { LedgerStore } from '#ports/ledger-store.ts';
import type { StoredThings } from '#ports/stored-things.ts';
import type { JobRunner } from '../jobs/runner.ts';
import type { BackgroundBook } from './background.ts';
import type { BatchBook } from './batch-book.ts';

/** What the gate needs for things that providers keep. Made once, by the composition root. */
export interface StoredParts {
  readonly things: StoredThings;
  readonly jobs: JobRunner;
  readonly batches: BatchBook;
  readonly background: BackgroundBook;
  readonly ledger: Pick<LedgerStore, 'ship' | 'calls' | 'call'>;
}
