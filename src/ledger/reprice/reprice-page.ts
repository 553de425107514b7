import type { CallId } from '#kernel/brand.ts';
import type { LedgerEntry } from '#ports/entry.ts';
import type { CallsQuestion, LedgerStore } from '#ports/ledger-store.ts';
import type { Pricing } from '../entry/correction.ts';
import { repriced, RepriceDiff } from './reprice.ts';

/** Rows of one question to the store: about 5 ms of the loop that serves calls. */
const PAGE_ROWS = 100;

export interface RepriceParts {
  readonly ledger: Pick<LedgerStore, 'calls'>;
  readonly pricing: Pricing;
  readonly newId: () => CallId;
}

export interface RepricedRows {
  readonly diff: RepriceDiff;
  readonly corrections: readonly { readonly before: LedgerEntry; readonly after: LedgerEntry }[];
  /** Rows that were looked at. */
  readonly seen: number;
  /** `after` of the next part; null: this was the last. */
  readonly next: CallId | null;
}

/** Prices up to `limit` rows that count, oldest first, from `question.after` on. Stores nothing. */
export async function repriceRows(parts: RepriceParts, question: CallsQuestion): Promise<RepricedRows> {
  const diff = new RepriceDiff();
  const corrections: { before: LedgerEntry; after: LedgerEntry }[] = [];
  let [after, seen] = [question.after ?? ('' as CallId), 0];
  while (seen < question.limit) {
    const limit = Math.min(PAGE_ROWS, question.limit - seen);
    const page = await parts.ledger.calls({ ...question, after, limit, counted: true });
    for (const before of page) {
      const result = repriced(before, parts.newId, parts.pricing);
      if ('kept' in result) diff.keep(result.kept);
      else {
        diff.add(before, result.correction);
        corrections.push({ before, after: result.correction });
      }
    }
    seen += page.length;
    if (page.length < limit) return { diff, corrections, seen, next: null };
    after = page.at(-1)!.id;
  }
  return { diff, corrections, seen, next: after };
}
