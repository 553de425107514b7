/** What came of judges in words, for the terminal and the console alike. Pure. */
import { count } from '#kernel/format.ts';
import type { QualityReport } from '#gateway/operations/quality.ts';

type Counts = QualityReport['judges'][number]['counts'];

const ENDS: Readonly<Record<string, string>> = {
  unparsable: 'no verdict',
  refusal: 'refused by the judge',
  timeout: 'too late',
  failed: 'failed',
  refused: 'refused by the gate',
  forbidden: 'forbidden by the tenant’s layers',
  lost: 'lost by a restart',
};
const SKIPS: Readonly<Record<string, string>> = {
  hour_full: 'the hour was full',
  day_full: 'the day was full',
  budget_spent: 'the budget was spent',
  unpriced: 'no price is known',
  dropped: 'too much waited',
  too_long: 'too long',
  no_text: 'no text',
  unread: 'not readable',
};

/** Asked, and no score came; empty: each gave one. */
export const endsText = (counts: Counts): string => list(counts, ENDS);
/** Drawn, and not asked; empty: none. */
export const skipsText = (counts: Counts): string => list(counts, SKIPS);

const list = (counts: Counts, words: Readonly<Record<string, string>>): string =>
  Object.entries(words)
    .flatMap(([key, says]) => {
      const times = counts[key as keyof Counts] ?? 0;
      return times === 0 ? [] : [`${count(times)} ${says}`];
    })
    .join(', ');
