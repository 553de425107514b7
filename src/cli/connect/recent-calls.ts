import { epochMs } from '#kernel/brand.ts';
import type { LedgerEntry } from '#ports/entry.ts';
import type { CallsQuestion } from '#ports/ledger-store.ts';
import type { Source } from './source.ts';

/** What the admin API gives at once. */
const PAGE = 1_000;

export interface RecentCalls {
  /** Newest first. */
  readonly calls: readonly LedgerEntry[];
  /** False: the window holds more than `most`. */
  readonly complete: boolean;
}

type Question = Omit<CallsQuestion, 'limit' | 'before' | 'after' | 'from' | 'to'> & {
  readonly from: number;
  readonly to: number;
};

/** The newest calls of a window, page by page, `most` at the most: what has no rollup is counted from entries. */
export async function recentCalls(
  source: Source,
  { from, to, ...filters }: Question,
  most: number,
): Promise<RecentCalls> {
  const calls: LedgerEntry[] = [];
  while (calls.length < most) {
    const limit = Math.min(PAGE, most - calls.length);
    const before = calls.at(-1)?.id;
    const question = { ...filters, from: epochMs(from), to: epochMs(to), limit, ...(before && { before }) };
    const page = await source.calls(question);
    calls.push(...page);
    if (page.length < limit) return { calls, complete: true };
  }
  return { calls, complete: false };
}
