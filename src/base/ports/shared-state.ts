import type { EpochMs } from '#kernel/brand.ts';
import type { NanoUsd } from '#kernel/money.ts';
import type { Result } from '#kernel/result.ts';

/** In process the answer is there at once and no promise is made; a remote implementation returns one. */
export type MaybePromise<T> = T | Promise<T>;

/** Goes on with a value that may be there already: no microtask where it is. */
export const andThen = <T, U>(value: MaybePromise<T>, next: (value: T) => MaybePromise<U>): MaybePromise<U> =>
  value instanceof Promise ? value.then(next) : next(value);

/**
 * Part of a pot's time. A pot's total is the sum over its slots that have not expired: a calendar window is one slot,
 * a rolling window one slot a minute, a total one slot that never expires. Whoever asks knows the window; the
 * counters know slots alone.
 */
export interface Slot {
  /** Start of the slot: its name within the pot. */
  readonly start: EpochMs;
  /** First instant at which it no longer counts; `Infinity`: never. */
  readonly expiresAt: EpochMs;
}

/** What one pot is asked to hold for a call. */
export interface PotClaim {
  readonly pot: string;
  readonly slot: Slot;
  readonly limitNanoUsd: NanoUsd;
  /** Zero always fits: a free model works when the money is gone. */
  readonly amountNanoUsd: NanoUsd;
}

export interface HeldPot {
  readonly pot: string;
  readonly slot: Slot;
  readonly heldNanoUsd: NanoUsd;
}

/** Money held for one call, over all its pots. Settled once. */
export interface Hold {
  readonly pots: readonly HeldPot[];
}

/** The first pot into which a claim does not fit. Nothing was held in any other. */
export interface PotRefusal {
  /** Index of the claim. */
  readonly index: number;
  readonly spentNanoUsd: NanoUsd;
  readonly reservedNanoUsd: NanoUsd;
  /** When the expiry of slots alone makes room; null: never (the claim is larger than the limit). */
  readonly fitsAt: EpochMs | null;
}

export interface PotState {
  readonly spentNanoUsd: NanoUsd;
  readonly reservedNanoUsd: NanoUsd;
}

/** `actual = reserved - refund + overrun`, and one of the last two is zero. */
export interface PotSettlement {
  readonly reservedNanoUsd: NanoUsd;
  readonly actualNanoUsd: NanoUsd;
  readonly refundNanoUsd: NanoUsd;
  readonly overrunNanoUsd: NanoUsd;
  /** Spent in the pot's live slots before and after; equal where the call's slot has expired. */
  readonly spentBeforeNanoUsd: NanoUsd;
  readonly spentAfterNanoUsd: NanoUsd;
}

export interface SlotSpend {
  readonly pot: string;
  readonly slot: Slot;
  readonly spentNanoUsd: NanoUsd;
}

/** Counters of money over all nodes. Every operation is atomic over the pots that it names. */
export interface BudgetCounters {
  /** Holds every claim or none. A claim fits where spent + reserved + amount <= limit. */
  reserve(claims: readonly PotClaim[], now: EpochMs): MaybePromise<Result<Hold, PotRefusal>>;
  /**
   * Raises what each pot holds to `toNanoUsd` (a lower figure changes nothing), all or none, in the slot of admission.
   * `force`: past the limit too, since the money is being spent already.
   */
  grow(
    hold: Hold,
    to: readonly { readonly toNanoUsd: NanoUsd; readonly limitNanoUsd: NanoUsd }[],
    now: EpochMs,
    force: boolean,
  ): MaybePromise<Result<null, PotRefusal>>;
  /** Turns the hold into spending, in the slot of admission. A second settlement of one hold is our mistake. */
  settle(hold: Hold, actualNanoUsd: readonly NanoUsd[], now: EpochMs): MaybePromise<readonly PotSettlement[]>;
  read(pots: readonly string[], now: EpochMs): MaybePromise<readonly PotState[]>;
  /** False: the pot was never seen or was forgotten, and its spending must come from the ledger first. */
  known(pot: string): MaybePromise<boolean>;
  /** Adds spending that a ledger or a snapshot knows of, without a limit; a correction's may be negative. */
  seed(spent: readonly SlotSpend[]): MaybePromise<void>;
  /** Forgets pots: their budget is gone or will be counted anew. Holds that are open settle into nothing. */
  forget(pots: (pot: string) => boolean): MaybePromise<void>;
  /** All live spending, for a snapshot; read bit by bit while calls go on. */
  dump(now: EpochMs): MaybePromise<Iterable<SlotSpend>>;
}

/** What nodes share. Breakers, limits and stream logs join as their capabilities arrive. */
export interface SharedState {
  readonly budgets: BudgetCounters;
  close(): Promise<void>;
}
