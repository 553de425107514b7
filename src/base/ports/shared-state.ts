import type { EpochMs } from '#kernel/brand.ts';
import type { NanoUsd } from '#kernel/money.ts';
import type { Result } from '#kernel/result.ts';
import type { KeyPrefix, TenantKey, Whose } from '#kernel/whose.ts';
import type { BudgetLevel } from './state-store.ts';

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

/** Names a pot of money: whose, of which budget and window, and for whom of many. */
export type PotKey = TenantKey<'budget'>;

/** What one pot is asked to hold for a call. */
export interface PotClaim {
  readonly pot: PotKey;
  readonly slot: Slot;
  readonly limitNanoUsd: NanoUsd;
  /** Zero always fits: a free model works when the money is gone. */
  readonly amountNanoUsd: NanoUsd;
}

export interface HeldPot {
  readonly pot: PotKey;
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
  readonly pot: PotKey;
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
  read(pots: readonly PotKey[], now: EpochMs): MaybePromise<readonly PotState[]>;
  /** False: the pot was never seen or was forgotten, and its spending must come from the ledger first. */
  known(pot: PotKey): MaybePromise<boolean>;
  /** Adds spending that a ledger or a snapshot knows of, without a limit; a correction's may be negative. */
  seed(spent: readonly SlotSpend[]): MaybePromise<void>;
  /** Forgets pots: their budget is gone or will be counted anew. Holds that are open settle into nothing. */
  forget(pots: KeyPrefix<'budget'>): MaybePromise<void>;
  /** Live spending, for a snapshot; read bit by bit while calls go on. */
  dump(whose: Whose, now: EpochMs): MaybePromise<Iterable<SlotSpend>>;
}

/** Amounts count for `spanMs` after the step in which they were taken, so that no span ever holds more than the limit. */
export interface SlidingWindow {
  readonly spanMs: number;
  readonly stepMs: number;
}

/** One counter of a set. */
export interface LimitLine {
  /** Its name within the set; a name has one window for good. */
  readonly name: string;
  /** Null: the amount counts until it is given back. */
  readonly window: SlidingWindow | null;
  /** Whole, not negative, below 2^53. */
  readonly limit: number;
  /** Which of a call's amounts it counts. */
  readonly measure: number;
  /** Of the lines of one lane a hold tells the one with the least left; null: of this one nothing is told. */
  readonly lane: number | null;
}

/** What a set of counters is for: one scope, or each subject of a level. Part of names in Valkey: none changes its text. */
export type LimitKind = BudgetLevel | `each ${BudgetLevel}`;
/** Names a set of counters: whose, of which scope, and for whom. */
export type LimitKey = TenantKey<LimitKind>;

/**
 * Counters that are taken together: those of one tenant, of one key. The same array of lines as before means that none
 * has changed. A line that is left out is forgotten, and one that is new begins at nothing.
 */
export interface LimitClaim {
  readonly set: LimitKey;
  readonly lines: readonly LimitLine[];
}

/** What is left of a line after a call has taken of it. */
export interface LineLeft {
  readonly line: LimitLine;
  readonly left: number;
  /** When nothing will count any more if nothing more is taken; null: once everything is given back. */
  readonly emptyAt: EpochMs | null;
}

/** Amounts taken for one call. Ended once: settled or released. */
export interface LimitHold {
  /** What it was taken of. */
  readonly claims: readonly LimitClaim[];
  /** By lane; undefined: no line is in it. */
  readonly tightest: readonly (LineLeft | undefined)[];
}

/** The first line that does not fit. Nothing was taken of any other. */
export interface LimitRefusal {
  /** Index of the claim, and of the line in it. */
  readonly claim: number;
  readonly line: number;
  readonly used: number;
  readonly reserved: number;
  /** When time alone makes room; null: never, or not before something is given back. */
  readonly fitsAt: EpochMs | null;
}

/** Use that a ledger knows of, from before these counters began. */
export interface LimitUse {
  readonly claim: LimitClaim;
  /** By measure. */
  readonly amounts: readonly number[];
  /** When it was, as far as is known. All of it counts until the last of that time has left the window. */
  readonly from: EpochMs;
  readonly to: EpochMs;
}

export interface LimitState {
  /** Of calls that are settled. */
  readonly used: number;
  /** Of calls in flight. */
  readonly reserved: number;
}

/**
 * Counters of requests, tokens and calls in flight over all nodes. Every operation is atomic over the sets that it
 * names, each of which it names once. A clock that goes back stands still for them, one that jumps ahead is believed.
 * In sets, since a call takes of fifty counters and a look-up each would cost more than the counting.
 */
export interface LimitCounters {
  /** What was counted is there after a restart: nothing is seeded then. */
  readonly lasting: boolean;
  /**
   * Takes of every line or of none. An amount fits where used + reserved + amount <= limit; zero always does.
   * `amounts`: by measure.
   */
  take(
    claims: readonly LimitClaim[],
    amounts: readonly number[],
    now: EpochMs,
  ): MaybePromise<Result<LimitHold, LimitRefusal>>;
  /**
   * Puts what a call used, by measure, in the place of what it reserved, in the step of its admission, past the limit
   * too; of a line without a window it gives the amount back. What has left its window already changes nothing.
   */
  settle(hold: LimitHold, actual: readonly number[], now: EpochMs): MaybePromise<void>;
  /** As if it had never been taken. */
  release(hold: LimitHold, now: EpochMs): MaybePromise<void>;
  /**
   * Adds use, oldest first, past the limit too: to windows that are longer than the time of which nothing more is known,
   * and to no line without one.
   */
  seed(uses: Iterable<LimitUse>, now: EpochMs): MaybePromise<void>;
  /** By claim and line. */
  read(claims: readonly LimitClaim[], now: EpochMs): MaybePromise<readonly (readonly LimitState[])[]>;
}

/** What nodes share. Breakers and stream logs join as their capabilities arrive. */
export interface SharedState {
  readonly budgets: BudgetCounters;
  readonly limits: LimitCounters;
  close(): Promise<void>;
}
