import type { EpochMs } from '#kernel/brand.ts';
import { invariant } from '#kernel/invariant.ts';
import { err, ok, type Result } from '#kernel/result.ts';
import type {
  LimitClaim,
  LimitCounters,
  LimitHold,
  LimitKey,
  LimitRefusal,
  LimitState,
  LimitUse,
  LineLeft,
} from '#ports/shared-state.ts';
import { CounterSet, type SetHold } from './counter-set.ts';

/**
 * Sets in memory: one for each scope that has limits and, under limits for each of many, one for each of them. Half a
 * kilobyte to two each, so 25 to 100 MB at the bound; tenfold only where all of them have nine limits and call all day.
 */
export const MAX_SETS = 50_000;
/** What is forgotten at the bound: first what counts nothing any more, then by the time since its last call. */
const FORGET_UNUSED_MS = [Infinity, 3_600_000, 600_000, 60_000, 0] as const;

interface MemoryHold extends LimitHold {
  readonly sets: readonly SetHold[];
  readonly amounts: readonly number[];
  ended: boolean;
}

/** Limit counters of one process: every method answers at once. */
export class MemoryLimitCounters implements LimitCounters {
  readonly lasting = false;
  readonly #sets = new Map<LimitKey, CounterSet>();
  readonly #most: number;
  #evictAt: number;
  constructor(most = MAX_SETS) {
    this.#most = this.#evictAt = most;
  }

  take(claims: readonly LimitClaim[], amounts: readonly number[], now: EpochMs): Result<LimitHold, LimitRefusal> {
    const sets: CounterSet[] = [];
    for (let i = 0; i < claims.length; i++) {
      const set = this.#set(claims[i]!, now);
      const line = set.refusing(amounts);
      if (line >= 0) return err(refusal(set, { claim: i, line }, amounts[claims[i]!.lines[line]!.measure]!));
      sets.push(set);
    }
    const tightest: (LineLeft | undefined)[] = [];
    const holds: SetHold[] = [];
    for (let i = 0; i < sets.length; i++) {
      const set = sets[i]!;
      if (set.isNew) this.#sets.set(claims[i]!.set, set);
      holds.push(set.take(amounts, now));
      set.tell(tightest);
    }
    // Last, when this call holds its own.
    if (this.#sets.size > this.#evictAt) this.#evict(now);
    return ok({ claims, sets: holds, amounts, tightest, ended: false } as MemoryHold);
  }

  settle(given: LimitHold, actual: readonly number[], now: EpochMs): void {
    const hold = given as MemoryHold;
    invariant(!hold.ended, 'a hold is ended once');
    hold.ended = true;
    for (const one of hold.sets) {
      one.set.advance(now);
      one.set.end(one, hold.amounts, actual);
    }
  }

  release(given: LimitHold, now: EpochMs): void {
    this.settle(
      given,
      (given as MemoryHold).amounts.map(() => 0),
      now,
    );
  }

  seed(uses: Iterable<LimitUse>, now: EpochMs): void {
    for (const use of uses) {
      const set = this.#set(use.claim, now);
      if (set.isNew) this.#sets.set(use.claim.set, set);
      set.seed(use, now);
      if (this.#sets.size > this.#evictAt) this.#evict(now);
    }
  }

  read(claims: readonly LimitClaim[], now: EpochMs): readonly (readonly LimitState[])[] {
    return claims.map(({ set: name, lines }) => {
      const set = this.#sets.get(name);
      set?.use(lines);
      set?.advance(now);
      return lines.map((_, i) => set?.stateOf(i) ?? { used: 0, reserved: 0 });
    });
  }

  /** Sets that are remembered. */
  get size(): number {
    return this.#sets.size;
  }

  /** The set of a name; a new one is remembered once something is taken of it. */
  #set({ set: name, lines }: LimitClaim, now: EpochMs): CounterSet {
    const set = this.#sets.get(name) ?? new CounterSet(lines, now);
    set.use(lines);
    set.advance(now);
    return set;
  }

  /** Forgets a twentieth, but nothing that a call in flight holds. */
  #evict(now: EpochMs): void {
    const rest = Math.floor(this.#most * 0.95);
    for (const unusedMs of FORGET_UNUSED_MS) {
      for (const [name, set] of this.#sets) {
        if (this.#sets.size <= rest) break;
        set.advance(now);
        if (set.isIdle || (set.open === 0 && now - set.usedAt >= unusedMs)) this.#sets.delete(name);
      }
    }
    // Where calls in flight hold more than the bound, the next look comes after as many again.
    this.#evictAt = Math.max(this.#most, Math.ceil(this.#sets.size * 1.05));
  }
}

function refusal(set: CounterSet, at: { readonly claim: number; readonly line: number }, amount: number): LimitRefusal {
  return { ...at, ...set.stateOf(at.line), fitsAt: set.fitsAt(at.line, amount) };
}
