import type { EpochMs } from '#kernel/brand.ts';
import { HeadgateError } from '#kernel/errors.ts';
import { err, ok, type Result } from '#kernel/result.ts';
import type { LedgerEntry } from '#ports/entry.ts';
import { andThen, type LimitCounters, type LimitHold, type MaybePromise } from '#ports/shared-state.ts';
import type { Limit } from '#ports/state-store.ts';
import { claimOf, limitRefusal, type AppliedLimits } from './core/limit.ts';

/** No call is larger; a provider that says so is wrong, and must not shut a tenant out for a day by it. */
const MOST_TOKENS = 1_000_000_000_000;

/** What a call has taken of the limits that apply to it, until it is settled. */
export interface TakenLimits {
  readonly hold: LimitHold;
  /** In the order of the units. */
  readonly amounts: readonly number[];
}

/** What is known of a call when its limits are asked. */
export interface LimitsAsked {
  readonly applied: readonly AppliedLimits[];
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Asks no model: it is a request, and nothing else. */
  readonly requestOnly: boolean;
  readonly at: EpochMs;
}

/** Takes of every limit, or of none and says which has no room (429). */
export function takeLimits(
  counters: LimitCounters,
  { applied, at, ...asked }: LimitsAsked,
  onRefusal: (limit: Limit) => void,
): MaybePromise<Result<TakenLimits, HeadgateError>> {
  const [input, output] = [Math.ceil(asked.inputTokens), Math.ceil(asked.outputTokens)];
  const amounts = asked.requestOnly ? REQUEST_ONLY : [1, input, output, input + output, 1];
  const claims = applied.map((one) => claimOf(one, at));
  return andThen(counters.take(claims, amounts, at), (taken) => {
    if (taken.ok) return ok({ hold: taken.value, amounts });
    const { claim, line: place } = taken.error;
    const limit = applied[claim]!.group.limits[place]!;
    const line = claims[claim]!.lines[place]!;
    onRefusal(limit);
    return err(limitRefusal({ ...taken.error, limit, most: line.limit, amount: amounts[line.measure]! }, at));
  });
}

/** Zero fits where everything is used up. */
const REQUEST_ONLY: readonly number[] = Object.freeze([1, 0, 0, 0, 0]);

/** Puts what the entry says in the place of what was reserved. Tokens that nobody knows stay as they were reserved. */
export function settleLimits(
  counters: LimitCounters,
  { hold, amounts }: TakenLimits,
  entry: LedgerEntry,
  now: EpochMs,
): MaybePromise<void> {
  return counters.settle(hold, amounts === REQUEST_ONLY ? REQUEST_ONLY : usedBy(entry, amounts), now);
}

function usedBy({ usage, cost }: LedgerEntry, [, inputHeld, outputHeld]: readonly number[]): number[] {
  // A call whose cost is known to be nothing without a word of tokens was not served.
  const unknown = (held: number): number => (cost === null ? held : 0);
  const input = bounded(usage.inputTokens ?? unknown(inputHeld!));
  const output = bounded(usage.outputTokens ?? unknown(outputHeld!));
  return [1, input, output, input + output, 1];
}

/** Less than nothing would give a tenant room that it never had; what is no number is none. */
const bounded = (tokens: number): number => (tokens > 0 ? Math.min(Math.ceil(tokens), MOST_TOKENS) : 0);
