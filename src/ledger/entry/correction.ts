import type { CallId, EpochMs } from '#kernel/brand.ts';
import type { NanoUsd } from '#kernel/money.ts';
import { addCost, SUBSCRIPTION, type Attempt, type Cost, type LedgerEntry } from '#ports/entry.ts';
import type { PriceBook, PriceRow } from '../prices/price-book.ts';

/** The price of an attempt at the time of its call, or null where nobody knows one. */
export type AttemptPrice = (attempt: Attempt, at: EpochMs) => PriceRow | null;

/** Model id that was sent: a deployment is `provider/model-id`. */
export const modelOf = ({ deployment, provider }: Attempt): string => deployment.slice(provider.length + 1);

export interface Pricing {
  readonly book: Pick<PriceBook, 'cost'>;
  readonly priceOf: AttemptPrice;
}

/** An attempt that was billed, or may have been. */
export const isBilled = (attempt: Attempt): boolean => attempt.usageSource !== 'none' && attempt.usage !== null;

/** Sum over attempts; null where a billed one has no price: a sum with a hole is not a sum. */
function sumCost(attempts: readonly Attempt[]): Cost | null {
  const costs = attempts.filter((one) => one.usage !== null || one.cost !== null).map(({ cost }) => cost);
  if (costs.length === 0 || costs.some((cost) => cost === null)) return null;
  return (costs as Cost[]).reduce(addCost);
}

export interface Corrected {
  readonly id: CallId;
  readonly attempts: readonly Attempt[];
  /** Why it stands so; absent: as the entry says. */
  readonly errorCode?: string;
}

/**
 * A new row that takes the place of `entry`: its attempts as given, priced by what the book says now of its time. All
 * that was measured stays. The entry's own tokens move by what its attempts' moved.
 */
export function correctionOf(entry: LedgerEntry, corrected: Corrected, pricing: Pricing): LedgerEntry {
  const { id, attempts, errorCode = entry.errorCode } = corrected;
  const price = entry.priceVersion === SUBSCRIPTION ? asItWas : pricedAttempt;
  const priced = attempts.map((attempt) => price(attempt, entry.at, pricing));
  const cost = sumCost(priced.map((one) => one.attempt));
  const versions = new Set(priced.flatMap(({ version }) => (version === null ? [] : [version])));
  return {
    ...entry,
    id,
    attempts: priced.map((one) => one.attempt),
    errorCode,
    usage: {
      ...entry.usage,
      inputTokens: addCounts(entry.usage.inputTokens, moved('inputTokens', entry.attempts, attempts)),
      outputTokens: addCounts(entry.usage.outputTokens, moved('outputTokens', entry.attempts, attempts)),
    },
    cost,
    priceVersion: cost && ([...versions].join('+') || null),
    corrects: entry.id,
  };
}

/** What the caller's own subscription paid has no price of ours. */
const asItWas = (attempt: Attempt) => ({ attempt, version: SUBSCRIPTION });

function pricedAttempt(attempt: Attempt, at: EpochMs, { book, priceOf }: Pricing) {
  if (!isBilled(attempt)) return { attempt, version: null };
  const row = priceOf(attempt, at);
  return { attempt: { ...attempt, cost: row && book.cost(row, attempt.usage!) }, version: row?.version ?? null };
}

type Tokens = 'inputTokens' | 'outputTokens';
const tokensOf = (which: Tokens, attempts: readonly Attempt[]): number =>
  attempts.reduce((sum, { usage }) => sum + (usage?.[which] ?? 0), 0);
const moved = (which: Tokens, before: readonly Attempt[], after: readonly Attempt[]): number =>
  tokensOf(which, after) - tokensOf(which, before);
const addCounts = (count: number | null, moved: number): number | null =>
  count === null && moved === 0 ? null : (count ?? 0) + moved;

/** Money that a correction adds, or takes away; null where one of both costs is unknown. */
export const differenceOf = (before: LedgerEntry, after: LedgerEntry): NanoUsd | null =>
  before.cost && after.cost && ((after.cost.total - before.cost.total) as NanoUsd);
