/** Scores that an entry gives by itself. Pure. */
import type { LedgerEntry } from '#ports/entry.ts';

/** `refusal`: the model would not. `length`: cut off by its limit. `failure`: no whole answer. `retry`: asked again by the client. */
export const QUALITY_RULES = ['refusal', 'length', 'failure', 'retry'] as const;
export type QualityRule = (typeof QUALITY_RULES)[number];

/** 1 good, 0 bad; null: the entry says nothing of it. */
export function ruleScore(rule: QualityRule, entry: LedgerEntry): 0 | 1 | null {
  if (entry.kind !== 'generate') return null;
  const answered = entry.status === 'ok';
  switch (rule) {
    case 'refusal':
      return answered ? good(entry.finish !== 'content_filter' && entry.finish !== 'refusal') : null;
    case 'length':
      return answered ? good(entry.finish !== 'length') : null;
    case 'failure':
      return entry.status === 'cancelled' ? null : good(answered);
    case 'retry':
      return good((entry.clientRetry ?? 0) === 0);
  }
}

const good = (is: boolean): 0 | 1 => (is ? 1 : 0);

/** What was asked for: scores of another basis are no past of these. Which deployment served it is the route's affair. */
export const basisOf = ({ modelAsked, templateHash }: LedgerEntry): string =>
  [modelAsked, templateHash && `with template ${templateHash.slice(0, 12)}`].filter(Boolean).join(' ');
