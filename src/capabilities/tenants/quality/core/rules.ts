/** Scores that an entry gives by itself. Pure. */
import type { LedgerEntry } from '#ports/entry.ts';

/**
 * `refusal`: the model would not. `length`: cut off by its limit. `failure`: no whole answer. `retry`: asked again by
 * the client. `format` and `toolFailure` read the text of the answer.
 */
export const QUALITY_RULES = ['refusal', 'length', 'failure', 'retry', 'format', 'toolFailure'] as const;
export type QualityRule = (typeof QUALITY_RULES)[number];
/** Rules that need more than the entry. */
export type TextRule = 'format' | 'toolFailure';
export const isTextRule = (rule: QualityRule): rule is TextRule => rule === 'format' || rule === 'toolFailure';

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
    default:
      return null;
  }
}

const good = (is: boolean): 0 | 1 => (is ? 1 : 0);

/** Between what made an answer and what measured it. */
const MEASURED = '; by ';

/** What was asked for: scores of another basis are no past of these. Which deployment served it is the route's affair. */
export const basisOf = ({ modelAsked, templateHash, labels }: LedgerEntry, byLabels: readonly string[] = []): string =>
  [
    modelAsked,
    templateHash && `with template ${templateHash.slice(0, 12)}`,
    ...byLabels.map((label) => labels[label] && `with ${label} ${labels[label]}`),
  ]
    .filter(Boolean)
    .join(' ');

/** The same, as measured by something that may change as well: another measure is another basis. */
export const measuredBy = (basis: string, measure: string): string => `${basis}${MEASURED}${measure}`;

/** The part of a basis that says who or what measured; '' where nothing does. */
export function measureOf(basis: string): string {
  const at = basis.indexOf(MEASURED);
  return at < 0 ? '' : basis.slice(at + MEASURED.length);
}
