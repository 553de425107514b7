import { ACCOUNT_UNITS, type AccountUnit, type StatedLimit } from './account-limits.ts';

/** What a call takes of an account: one request and its tokens, as far as they are known. */
export interface AccountCost {
  readonly input: number;
  readonly output: number;
}

const amountOf = ({ input, output }: AccountCost, unit: AccountUnit): number => {
  if (unit === 'requests') return 1;
  if (unit === 'tokens') return input + output;
  return unit === 'input' ? input : output;
};

/** One limit as it was last stated. */
interface Known {
  limit: number;
  /** Of it, when it was stated. */
  remaining: number;
  statedAt: number;
  /** What comes back in a millisecond. */
  perMs: number;
  /** Sent and not yet in any statement. */
  underway: number;
}

/** Limits are by the minute where nothing else is said. */
const MINUTE_MS = 60_000;
/** A statement so old says nothing of now: the account is taken to have room. */
const STALE_MS = 5 * MINUTE_MS;

/**
 * How much of a provider's account is left, by what the provider last said and what was sent since. Its limits come
 * back steadily, as the token buckets of OpenAI and Anthropic do. Whoever has said nothing has room.
 */
export class AccountRoom {
  readonly #known = new Map<AccountUnit, Known>();
  #closedUntil = 0;

  /** Takes an answer's head for what is true at `now` (monotonic milliseconds). */
  learn(stated: readonly StatedLimit[], now: number): void {
    for (const { unit, limit, remaining, resetMs } of stated) {
      const gone = limit - remaining;
      // The time until it is full says how fast it fills; with nearly nothing gone it says nothing.
      const perMs = resetMs !== null && resetMs > 0 && gone > limit / 100 ? gone / resetMs : limit / MINUTE_MS;
      const underway = this.#known.get(unit)?.underway ?? 0;
      this.#known.set(unit, { limit, remaining, statedAt: now, perMs: Math.max(perMs, limit / 86_400_000), underway });
    }
  }

  /** The provider has refused a call for its limits, and asked for a wait. */
  refused(waitMs: number, now: number): void {
    this.#closedUntil = Math.max(this.#closedUntil, now + waitMs);
  }

  /** Milliseconds until a call fits; 0: now. What is larger than a limit fits when the limit is wholly free. */
  waitFor(cost: AccountCost, now: number): number {
    let wait = Math.max(0, this.#closedUntil - now);
    for (const unit of ACCOUNT_UNITS) {
      const known = this.#known.get(unit);
      if (!known || now - known.statedAt > STALE_MS) continue;
      const { limit, remaining, statedAt, perMs, underway } = known;
      const wanted = Math.min(amountOf(cost, unit), limit);
      const left = Math.min(limit, remaining + (now - statedAt) * perMs) - underway;
      if (left < wanted) wait = Math.max(wait, (wanted - left) / perMs);
    }
    return Math.ceil(wait);
  }

  /** A call was sent: until the provider states again, this is gone. */
  sent(cost: AccountCost): void {
    for (const [unit, known] of this.#known) known.underway += amountOf(cost, unit);
  }

  /** A call has its head, or will never have one: what it took is in the statement, or was not taken. */
  over(cost: AccountCost): void {
    for (const [unit, known] of this.#known) known.underway = Math.max(0, known.underway - amountOf(cost, unit));
  }
}
