import { createHash } from 'node:crypto';
import { epochMs } from '#kernel/brand.ts';
import { derivedCallId } from '#kernel/ids.ts';
import { addCost, type Attempt, type Cost, type LedgerEntry } from '#ports/entry.ts';
import type { PriceRow } from '#ledger/prices/index.ts';
import { countOf, objectOf } from '#wire/json/read.ts';
import { openaiResponses } from '#wire/openai-responses/index.ts';
import { NO_USAGE, type Usage } from '#wire/usage.ts';
import { FREE_COST } from '../free-cost.ts';
import { addUsage } from '#wire/usage.ts';

const OVER: ReadonlySet<unknown> = new Set(['completed', 'incomplete', 'failed', 'cancelled']);

/** Has a response ended, so that its usage is its last word? */
export const isOver = (value: unknown): boolean => OVER.has(objectOf(value)['status']);

export interface AttemptPricing {
  readonly row: PriceRow | null;
  readonly cost: (usage: Usage) => Cost | null;
}

/**
 * The row that takes the place of a background call's estimate, once its response has ended; null: the response says
 * nothing of what it used, and the estimate stands. Pure, and its id is the same each time: however often a result is
 * fetched, the ledger has one such row.
 */
export function lateEntry(
  entry: LedgerEntry,
  value: unknown,
  pricing: (attempt: Attempt) => AttemptPricing,
): LedgerEntry | null {
  const response = objectOf(value);
  const view = openaiResponses.readAnswer(response);
  const before = entry.attempts.at(-1);
  const failed = response['status'] === 'failed';
  if (!before || (!view.usage && !failed)) return null;
  const { row, cost } = pricing(before);
  // A response that failed without a usage is billed as an error is: not at all.
  const bill = view.usage ? { usage: view.usage, cost: cost(view.usage) } : { usage: NO_USAGE, cost: FREE_COST };
  const attempt: Attempt = {
    ...before,
    usage: view.usage,
    usageSource: view.usage ? 'provider' : 'none',
    cost: bill.cost,
    ...(failed && { status: 'provider_error', errorCode: (view.fault?.code ?? 'failed').slice(0, 64) }),
  };
  const earlier = entry.attempts.slice(0, -1).filter(({ usage }) => usage !== null);
  return {
    ...entry,
    id: lateId(entry, response),
    modelReturned: view.modelReturned ?? entry.modelReturned,
    usage: earlier.reduce((sum, { usage }) => addUsage(usage!, sum), bill.usage),
    usageSource: earlier.some(({ usageSource }) => usageSource === 'estimated') ? 'estimated' : attempt.usageSource,
    cost: earlier.reduce<Cost | null>((sum, one) => sum && one.cost && addCost(sum, one.cost), bill.cost),
    priceVersion: bill.cost && view.usage ? (row?.version ?? null) : null,
    status: failed ? 'provider_error' : entry.status,
    errorCode: failed ? attempt.errorCode : entry.errorCode,
    finish: view.finish ?? entry.finish,
    attempts: [...entry.attempts.slice(0, -1), attempt],
    corrects: entry.id,
  };
}

/** Of two corrections of one entry the later id counts: this one is of the response's end. */
function lateId(entry: LedgerEntry, response: Readonly<Record<string, unknown>>) {
  const endedS = countOf(response['completed_at']);
  const at = Math.max(entry.at + 1, endedS === null ? 0 : endedS * 1000 + 999);
  return derivedCallId(epochMs(at), createHash('sha256').update(`late\n${entry.id}`).digest());
}
