import type { EpochMs } from '#kernel/brand.ts';
import type { LedgerStore } from '#ports/ledger-store.ts';
import type { LimitCounters, LimitKey } from '#ports/shared-state.ts';
import { WINDOWS, type AppliedLimits } from './core/limit.ts';
import type { Payer } from './core/scope-index.ts';
import { endUserUses } from './limit-uses.ts';

/** End users that are known to have been read: 10 MB. A further one begins at nothing until the next day. */
const MOST_READ = 100_000;
/** A store that is away is asked again after this, and not by every call. */
const ASK_AGAIN_MS = 5_000;

interface Options {
  readonly limitCounters: LimitCounters;
  readonly ledger: Pick<LedgerStore, 'spend'>;
  readonly onTrouble: (what: string, error: unknown) => void;
}

/** The counters of an end user that have a day's limit among them: those of all users alike, and this one's own. */
const ofEndUser = (applied: readonly AppliedLimits[]): AppliedLimits[] =>
  applied.filter(
    ({ group }) => group.scope.level === 'end_user' && group.limits.some(({ window }) => window === 'day'),
  );

/**
 * What end users used of a day's limits before this process began. There may be millions of them and no rollup has
 * them: each is asked for when its user comes, once.
 */
export class LimitSeeds {
  readonly #options: Options;
  readonly #read = new Set<LimitKey>();
  readonly #running = new Map<LimitKey, Promise<void>>();
  #startedAt: EpochMs | null = null;
  #askAt = 0;

  constructor(options: Options) {
    this.#options = options;
  }

  /** From here on calls are counted here; what was before is in the ledger. */
  begin(now: EpochMs): void {
    this.#startedAt = now;
  }

  /** Null where nothing is to be read, else when it has been. */
  missing(applied: readonly AppliedLimits[], payer: Payer, now: EpochMs): Promise<unknown> | null {
    if (this.#startedAt === null || payer.endUser === null) return null;
    let waiting: Promise<unknown>[] | null = null;
    for (const own of ofEndUser(applied)) {
      const seeding = this.#read.has(own.set) ? null : this.#once(own, payer, now);
      if (seeding !== null) (waiting ??= []).push(seeding);
    }
    return waiting && Promise.all(waiting);
  }

  #once(own: AppliedLimits, payer: Payer, now: EpochMs): Promise<void> | null {
    const running = this.#running.get(own.set);
    if (running) return running;
    const isPast = now - this.#startedAt! > WINDOWS.day.spanMs + WINDOWS.day.stepMs;
    if (isPast || now < this.#askAt || this.#read.size >= MOST_READ) return null;
    const seeding = this.#seed(own, payer, now).finally(() => this.#running.delete(own.set));
    this.#running.set(own.set, seeding);
    return seeding;
  }

  /** Counted from what is known here alone: the ledger would tell the same calls again. */
  skip(applied: readonly AppliedLimits[]): void {
    for (const { set } of ofEndUser(applied)) this.#read.add(set);
  }

  async #seed(own: AppliedLimits, payer: Payer, now: EpochMs): Promise<void> {
    const { ledger, limitCounters, onTrouble } = this.#options;
    try {
      const uses = await endUserUses(ledger, { own, payer, before: this.#startedAt!, now });
      await limitCounters.seed(uses, now);
      this.#read.add(own.set);
    } catch (error) {
      // Known keys go on while the store is away; the next call after a while asks again.
      this.#askAt = now + ASK_AGAIN_MS;
      onTrouble('what an end user has used of a day could not be read', error);
    }
  }
}
