import { join } from 'node:path';
import type { LedgerEntry } from '#ports/entry.ts';
import { entryOf } from '#ports/entry-text.ts';
import type { NanoUsd } from '#kernel/money.ts';
import { CallBook, entryIn } from './call-book.ts';
import { LOCK_FILE, ownerFolders } from './files.ts';
import { tryLockExisting } from './folder-lock.ts';
import { SegmentReader } from './segment-reader.ts';
import type { OnTrouble } from './trouble.ts';

/** What budgets and limits need of an entry that may not be in the store yet. */
export interface UnshippedTotal extends Pick<
  LedgerEntry,
  'id' | 'at' | 'tenant' | 'team' | 'feature' | 'key' | 'endUser' | 'kind' | 'reservedNanoUsd'
> {
  /** Null: the price is not known; the reservation is then what a budget may count. */
  readonly costNanoUsd: NanoUsd | null;
  /** Null: nobody knows. */
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  readonly interrupted: boolean;
}

const totalOf = (entry: LedgerEntry): UnshippedTotal => ({
  id: entry.id,
  at: entry.at,
  tenant: entry.tenant,
  team: entry.team,
  feature: entry.feature,
  key: entry.key,
  endUser: entry.endUser,
  kind: entry.kind,
  reservedNanoUsd: entry.reservedNanoUsd,
  costNanoUsd: entry.cost?.total ?? null,
  inputTokens: entry.usage.inputTokens,
  outputTokens: entry.usage.outputTokens,
  interrupted: entry.status === 'interrupted',
});

function readOrphan(folder: string, onTrouble: OnTrouble, visit: (total: UnshippedTotal) => void): void {
  const book = new CallBook();
  const reader = new SegmentReader({
    folder,
    onTrouble,
    liveSeq: () => Number.POSITIVE_INFINITY,
    onChunkEnd: () => book.endChunk(),
    onSegmentEnd: () => undefined,
    visit: (seq, record) => {
      const settled = book.take(seq, record);
      if (!settled) return;
      visit(totalOf(entryOf(entryIn(settled))));
      // Its admission is not needed any more.
      book.confirm(settled.id);
    },
  });
  while (reader.step());
  reader.close();
  for (const entry of book.interrupted()) visit(totalOf(entry));
}

/**
 * Every entry that orphaned spool folders below `dir` still hold, settled or interrupted, exactly as the shipper will
 * ship it. Call it before the shipper starts (it holds the folders' locks while it reads). An entry may be in the store
 * already, where the process died between confirmation and deletion: count each id once.
 */
export function unshippedTotals(dir: string, onTrouble: OnTrouble, visit: (total: UnshippedTotal) => void): void {
  for (const { folder } of ownerFolders(dir)) {
    const lock = tryLockExisting(join(folder, LOCK_FILE));
    if (!lock) continue;
    try {
      readOrphan(folder, onTrouble, visit);
    } finally {
      lock.release();
    }
  }
}
