import type { EpochMs } from '#kernel/brand.ts';
import { invariant } from '#kernel/invariant.ts';
import { nanoUsd, ZERO_USD, type NanoUsd } from '#kernel/money.ts';
import { err, ok, type Result } from '#kernel/result.ts';
import { concernsKey, isUnder, type KeyPrefix, type Whose } from '#kernel/whose.ts';
import type {
  BudgetCounters,
  HeldPot,
  Hold,
  PotClaim,
  PotKey,
  PotRefusal,
  PotSettlement,
  PotState,
  SharedState,
  Slot,
  SlotSpend,
} from '#ports/shared-state.ts';
import { MemoryLimitCounters } from './limit-counters.ts';

/**
 * Pots in memory: one for each budget and, under a budget for each end user, one for each of them. About 300 bytes
 * a pot, so 60 MB at the bound, which only a caller with a hundred thousand end users reaches.
 */
export const MAX_POTS = 200_000;
/** Spending younger than this may not be in the ledger's store yet, so its pot is forgotten last. */
const SHIPPED_AFTER_MS = 3_600_000;

interface SlotCount {
  readonly slot: Slot;
  spent: bigint;
  reserved: bigint;
  /** Counts in its pot's sums. */
  live: boolean;
}

/** Sums over the live slots, which are in ascending order of start. */
interface Pot {
  readonly name: PotKey;
  readonly slots: SlotCount[];
  spent: bigint;
  reserved: bigint;
  usedAt: EpochMs;
}

interface Held extends HeldPot {
  readonly owner: Pot;
  readonly count: SlotCount;
  heldNanoUsd: NanoUsd;
}

interface MemoryHold extends Hold {
  readonly pots: readonly Held[];
  settled: boolean;
}

/** Drops expired slots from the head. A reservation in one of them keeps it until it settles. */
function expire(pot: Pot, now: EpochMs): void {
  while (pot.slots.length > 0 && pot.slots[0]!.slot.expiresAt <= now) {
    const gone = pot.slots.shift()!;
    gone.live = false;
    pot.spent -= gone.spent;
    pot.reserved -= gone.reserved;
  }
}

/** The slot's count, made where it is missing. A clock that jumped back counts in the newest slot. */
function countOf(pot: Pot, slot: Slot): SlotCount {
  const newest = pot.slots.at(-1);
  if (newest && newest.slot.start >= slot.start) return newest;
  const count = { slot, spent: 0n, reserved: 0n, live: true };
  pot.slots.push(count);
  return count;
}

/** Like {@link countOf}, at its own place in the past: seeds come in any order. */
function insertedCount(pot: Pot, slot: Slot): SlotCount {
  let at = pot.slots.length;
  while (at > 0 && pot.slots[at - 1]!.slot.start > slot.start) at--;
  const there = pot.slots[at - 1];
  if (there?.slot.start === slot.start) return there;
  const count = { slot, spent: 0n, reserved: 0n, live: true };
  pot.slots.splice(at, 0, count);
  return count;
}

/** First instant at which `amount` fits because slots have expired, reservations taken as spent. */
function fitsAt(pot: Pot, claim: { readonly limitNanoUsd: NanoUsd; readonly amountNanoUsd: NanoUsd }): EpochMs | null {
  if (claim.amountNanoUsd > claim.limitNanoUsd) return null;
  let total = pot.spent + pot.reserved;
  for (const { slot, spent, reserved } of pot.slots) {
    if (slot.expiresAt === Infinity) return null;
    total -= spent + reserved;
    if (total + claim.amountNanoUsd <= claim.limitNanoUsd) return slot.expiresAt;
  }
  return null;
}

const refusal = (index: number, pot: Pot, fits: EpochMs | null): PotRefusal => ({
  index,
  spentNanoUsd: nanoUsd(pot.spent),
  reservedNanoUsd: nanoUsd(pot.reserved),
  fitsAt: fits,
});

function hold(pot: Pot, count: SlotCount, amount: bigint): void {
  count.reserved += amount;
  if (count.live) pot.reserved += amount;
}

/** Budget counters of one process: every method answers at once. */
export class MemoryBudgetCounters implements BudgetCounters {
  readonly #pots = new Map<PotKey, Pot>();
  readonly #most: number;
  constructor(most = MAX_POTS) {
    this.#most = most;
  }

  reserve(claims: readonly PotClaim[], now: EpochMs): Result<Hold, PotRefusal> {
    const pots: Pot[] = [];
    for (let i = 0; i < claims.length; i++) {
      const claim = claims[i]!;
      const pot = this.#pot(claim.pot, now);
      const { amountNanoUsd: amount } = claim;
      invariant(amount >= 0n, 'an amount is not negative');
      if (amount > 0n && pot.spent + pot.reserved + amount > claim.limitNanoUsd) {
        return err(refusal(i, pot, fitsAt(pot, claim)));
      }
      pots.push(pot);
    }
    return ok({ pots: claims.map((claim, i) => this.#hold(pots[i]!, claim)), settled: false } as MemoryHold);
  }

  #hold(pot: Pot, claim: PotClaim): Held {
    const count = countOf(pot, claim.slot);
    hold(pot, count, claim.amountNanoUsd);
    return { pot: pot.name, slot: count.slot, heldNanoUsd: claim.amountNanoUsd, owner: pot, count };
  }

  grow(
    given: Hold,
    to: readonly { readonly toNanoUsd: NanoUsd; readonly limitNanoUsd: NanoUsd }[],
    now: EpochMs,
    force: boolean,
  ): Result<null, PotRefusal> {
    const { pots, settled } = given as MemoryHold;
    invariant(!settled, 'a settled hold does not grow');
    for (let i = 0; i < pots.length && !force; i++) {
      const refused = this.#growthRefused(pots[i]!, to[i]!, now, i);
      if (refused) return err(refused);
    }
    pots.forEach((held, i) => growTo(held, to[i]!.toNanoUsd));
    return ok(null);
  }

  #growthRefused(
    held: Held,
    to: { readonly toNanoUsd: NanoUsd; readonly limitNanoUsd: NanoUsd },
    now: EpochMs,
    index: number,
  ): PotRefusal | null {
    expire(held.owner, now);
    const by = to.toNanoUsd - held.heldNanoUsd;
    // After its roll-over a call is still measured against the window that admitted it.
    const { spent, reserved } = held.count.live ? held.owner : held.count;
    if (by <= 0n || spent + reserved + by <= to.limitNanoUsd) return null;
    return refusal(
      index,
      held.owner,
      fitsAt(held.owner, { limitNanoUsd: to.limitNanoUsd, amountNanoUsd: nanoUsd(by) }),
    );
  }

  settle(given: Hold, actual: readonly NanoUsd[], now: EpochMs): readonly PotSettlement[] {
    const taken = given as MemoryHold;
    invariant(!taken.settled, 'a hold is settled once');
    taken.settled = true;
    const settled = taken.pots.map((held, i) => settleOne(held, actual[i]!, now));
    // Here and not in `reserve`, which must find the pots that its caller has just seeded.
    if (this.#pots.size > this.#most) this.#evict(now);
    return settled;
  }

  read(pots: readonly PotKey[], now: EpochMs): readonly PotState[] {
    return pots.map((name) => {
      const pot = this.#pots.get(name);
      if (!pot) return { spentNanoUsd: ZERO_USD, reservedNanoUsd: ZERO_USD };
      expire(pot, now);
      return { spentNanoUsd: nanoUsd(pot.spent), reservedNanoUsd: nanoUsd(pot.reserved) };
    });
  }

  known(pot: PotKey): boolean {
    return this.#pots.has(pot);
  }

  seed(spent: readonly SlotSpend[]): void {
    for (const { pot: name, slot, spentNanoUsd } of spent) {
      const pot = this.#pots.get(name) ?? this.#make(name, 0 as EpochMs);
      insertedCount(pot, slot).spent += spentNanoUsd;
      pot.spent += spentNanoUsd;
    }
  }

  forget(pots: KeyPrefix<'budget'>): void {
    for (const name of this.#pots.keys()) if (isUnder(pots, name)) this.#pots.delete(name);
  }

  *dump(whose: Whose, now: EpochMs): Iterable<SlotSpend> {
    for (const pot of this.#pots.values()) {
      if (!concernsKey(whose, pot.name)) continue;
      expire(pot, now);
      for (const { slot, spent } of pot.slots) {
        if (spent > 0n) yield { pot: pot.name, slot, spentNanoUsd: nanoUsd(spent) };
      }
    }
  }

  #pot(name: PotKey, now: EpochMs): Pot {
    const pot = this.#pots.get(name);
    if (!pot) return this.#make(name, now);
    pot.usedAt = now;
    if (pot.slots.length > 0 && pot.slots[0]!.slot.expiresAt <= now) expire(pot, now);
    return pot;
  }

  #make(name: PotKey, usedAt: EpochMs): Pot {
    const pot: Pot = { name, slots: [], spent: 0n, reserved: 0n, usedAt };
    this.#pots.set(name, pot);
    return pot;
  }

  /** Forgets a twentieth: old pots without an open hold first. Whoever comes back is read from the ledger. */
  #evict(now: EpochMs): void {
    const rest = Math.floor(this.#most * 0.95);
    for (const age of [SHIPPED_AFTER_MS, 0]) {
      for (const [name, pot] of this.#pots) {
        if (this.#pots.size <= rest) return;
        if (pot.reserved === 0n && now - pot.usedAt >= age) this.#pots.delete(name);
      }
    }
  }
}

function growTo(held: Held, to: NanoUsd): void {
  const by = to - held.heldNanoUsd;
  if (by <= 0n) return;
  hold(held.owner, held.count, by);
  held.heldNanoUsd = to;
}

function settleOne(held: Held, actual: NanoUsd, now: EpochMs): PotSettlement {
  invariant(actual >= 0n, 'a cost is not negative');
  const { owner, count, heldNanoUsd: reserved } = held;
  expire(owner, now);
  const before = owner.spent;
  count.reserved -= reserved;
  count.spent += actual;
  if (count.live) {
    owner.reserved -= reserved;
    owner.spent += actual;
  }
  invariant(count.reserved >= 0n && owner.reserved >= 0n, 'no more is released than was held');
  const refund = reserved > actual ? reserved - actual : 0n;
  const overrun = actual > reserved ? actual - reserved : 0n;
  return {
    reservedNanoUsd: reserved,
    actualNanoUsd: actual,
    refundNanoUsd: nanoUsd(refund),
    overrunNanoUsd: nanoUsd(overrun),
    spentBeforeNanoUsd: nanoUsd(before),
    spentAfterNanoUsd: nanoUsd(owner.spent),
  };
}

/** Shared state of a single serving process. */
export function memorySharedState(): SharedState {
  return { budgets: new MemoryBudgetCounters(), limits: new MemoryLimitCounters(), close: async () => {} };
}
