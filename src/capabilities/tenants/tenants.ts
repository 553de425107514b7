import type { EpochMs } from '#kernel/brand.ts';
import { HeadgateError } from '#kernel/errors.ts';
import type { LedgerEntry } from '#ports/entry.ts';
import type { LedgerStore } from '#ports/ledger-store.ts';
import type { AuditEntry, AuditQuestion, StateChange, StateSnapshot, StateStore } from '#ports/state-store.ts';
import { everyTenant } from '#kernel/whose.ts';
import { potOfOld, potsOf } from './core/budget.ts';
import type { Payer } from './core/scope-index.ts';
import { Directory } from './directory.ts';
import { TenantsGate, type GateOptions } from './gate.ts';
import { LateChanges, type Kept } from './late-changes.ts';
import { movedSpend, namedSpend, unshippedSpend, type UnshippedMoney } from './rebuild.ts';
import { ledgerUses, unshippedUses } from './limit-uses.ts';
import { Turns } from './turns.ts';
import { readSpent, readState, writeSpent, writeState } from './snapshot.ts';

/** Spending is written so often: what a start with the store away may not know of, besides the spool. */
const SPENT_EVERY_MS = 10_000;
/** Changes of one script are one snapshot. */
const STATE_AFTER_MS = 500;

/** Entries of the spool whose end users are read from the ledger at a start, a millisecond each. */
const MOST_USERS_AT_START = 5_000;

export interface TenantsOptions extends Omit<GateOptions, 'directory' | 'state' | 'ledger'> {
  readonly state: StateStore;
  readonly ledger: LedgerStore;
  /** Lets go of counters that are elsewhere. */
  readonly closeCounters?: () => Promise<void>;
  /** Folder of the node's snapshots. */
  readonly dataDir: string;
}

const ALL_STATE = everyTenant('the directory answers every key from memory');
const ALL_SPENT = everyTenant('the node’s snapshot is of all pots');

/** Where the directory came from: a store that is away leaves the node's last snapshot. */
export type Origin = 'store' | 'snapshot';

/** Opens the directory from the store, or from the node's snapshot while the store is away. */
export async function openTenants(options: TenantsOptions): Promise<Tenants> {
  const { state, dataDir, clock, onTrouble } = options;
  const late = await LateChanges.open({ state, dataDir, now: () => clock.now(), onTrouble });
  if (late.waiting.length > 0) await late.flush().catch(() => undefined);
  const { snapshot, origin } = await loadState(options);
  const directory = new Directory(snapshot);
  directory.apply(late.changes);
  return new Tenants(options, { directory, origin, late });
}

interface Opened {
  readonly directory: Directory;
  readonly origin: Origin;
  readonly late: LateChanges;
}

async function loadState({
  state,
  dataDir,
  onTrouble,
}: TenantsOptions): Promise<{ snapshot: StateSnapshot; origin: Origin }> {
  try {
    return { snapshot: await state.load(ALL_STATE), origin: 'store' };
  } catch (error) {
    const snapshot = await readState(dataDir);
    if (!snapshot)
      throw new HeadgateError(
        'store_unavailable',
        { message: 'The store is away, and this node has no snapshot.' },
        error,
      );
    onTrouble('the store is away; keys and budgets are those of the last snapshot', error);
    return { snapshot, origin: 'snapshot' };
  }
}

/** The capability: the gate's side, the state behind it, and its changes. */
export class Tenants extends TenantsGate {
  readonly directory: Directory;
  readonly options: TenantsOptions;
  #origin: Origin;
  readonly #late: LateChanges;
  readonly #turns = new Turns();
  readonly #spentTimer: NodeJS.Timeout;
  #stateTimer: NodeJS.Timeout | null = null;
  #writing: Promise<void> = Promise.resolve();
  #endUsersRead = 0;

  constructor(options: TenantsOptions, { directory, origin, late }: Opened) {
    super({ ...options, directory });
    this.options = options;
    this.#late = late;
    this.directory = directory;
    this.#origin = origin;
    if (origin === 'store') this.#stateChanged();
    this.#spentTimer = setInterval(() => void this.#saveSpent(), SPENT_EVERY_MS);
    this.#spentTimer.unref();
  }

  get origin(): Origin {
    return this.#origin;
  }

  /** Reads everything anew from the store: when it is back, or when another process may have changed it. */
  async reload(): Promise<void> {
    await this.#late.flush();
    this.directory.replace(await this.options.state.load(ALL_STATE));
    this.directory.apply(this.#late.changes);
    this.#origin = 'store';
    this.#stateChanged();
    await this.flush();
  }

  /**
   * Fills the counters before the first call: from the ledger, or the last snapshot while that is away, and the
   * entries that the spool still holds. An entry that is in the store already counts once.
   */
  async rebuild(unshipped: Iterable<UnshippedMoney>): Promise<void> {
    const { counters, ledger, clock, onTrouble, dataDir } = this.options;
    const now = clock.now();
    let away = false;
    try {
      await counters.seed(
        await namedSpend(ledger, [...this.directory.budgets(ALL_STATE)], this.directory.budgetIndex, now),
      );
    } catch (error) {
      onTrouble('the ledger is away; spending is that of the last snapshot', error);
      away = true;
      const spent = await readSpent(dataDir, (name) => potOfOld(name, (id) => this.directory.budget(id)));
      await counters.seed(spent.filter(({ slot }) => slot.expiresAt > now));
    }
    if (!this.options.limitCounters.lasting) await this.#seedLimits(now);
    for (const entry of unshipped) if (away || !(await this.#isShipped(entry))) await this.#seedUnshipped(entry, now);
  }

  async #seedLimits(now: EpochMs): Promise<void> {
    const { ledger, onTrouble, limitCounters } = this.options;
    try {
      await limitCounters.seed(await ledgerUses(ledger, this.directory.limitIndex, now), now);
    } catch (error) {
      onTrouble('the ledger is away; limits of a day begin at nothing', error);
    }
    this.limitSeeds.begin(now);
  }

  /** A correction counts in the place of its entry, and may have come to the store before it. */
  async #isShipped({ id, at, tenant: whose }: UnshippedMoney): Promise<boolean> {
    const { ledger } = this.options;
    try {
      if ((await ledger.call(id, whose)) !== null) return true;
      const rows = await ledger.calls({ from: at, to: (at + 1) as EpochMs, whose, limit: 100 });
      return rows.some(({ corrects }) => corrects === id);
    } catch {
      // Counted twice is the safe side of a budget.
      return false;
    }
  }

  async #seedUnshipped(entry: UnshippedMoney, now: EpochMs): Promise<void> {
    const payer: Payer = entry;
    const applied = this.directory.budgetIndex.of(payer);
    await this.seedFor(applied, payer);
    await this.options.counters.seed(unshippedSpend(entry, applied, now));
    if (this.options.limitCounters.lasting) return;
    await this.#seedEndUser(payer, now);
    await this.options.limitCounters.seed(unshippedUses(entry, this.directory.limitIndex, now), now);
  }

  /** Before the entry is shipped, while the ledger has what was before it and not itself. */
  async #seedEndUser(payer: Payer, now: EpochMs): Promise<void> {
    const limits = this.directory.limitIndex.of(payer);
    if (this.#endUsersRead++ < MOST_USERS_AT_START) await this.limitSeeds.missing(limits, payer, now);
    this.limitSeeds.skip(limits);
  }

  /** Does a `strict` budget pay the worst case of what this one calls? */
  paysWorst(payer: Payer): boolean {
    return this.directory.budgetIndex.of(payer).some(({ budget }) => budget.mode === 'strict');
  }

  /** Moves what budgets counted for a call to what its correction says, in the windows of its admission. */
  async corrected(before: LedgerEntry, after: LedgerEntry): Promise<void> {
    const { counters, clock } = this.options;
    for (const applied of this.directory.budgetIndex.of(before)) {
      // A pot that is not known yet is read from the ledger, which has the correction.
      if (await counters.known(applied.pot)) await counters.seed(movedSpend({ before, after }, [applied], clock.now()));
    }
  }

  /** Reads and changes with nobody between: what is read here is what the change before has written. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    return this.#turns.take(work);
  }

  /** Commits changes with their audit entries, all or none, then serves by them. */
  async change(changes: readonly StateChange[], audit: AuditEntry, ...more: readonly AuditEntry[]): Promise<void> {
    try {
      // What was changed before is in the store before.
      await this.#late.flush();
      await this.options.state.apply(changes, audit, ...more);
    } catch (error) {
      if (error instanceof HeadgateError) throw error;
      throw new HeadgateError('store_unavailable', {}, error);
    }
    // As they were: a budget that moves to another scope is removed and put again under its id.
    const gone = changes
      .map((change) =>
        'remove' in change && change.remove === 'budget' ? this.directory.budget(change.id) : undefined,
      )
      .filter((budget) => budget !== undefined);
    this.directory.apply(changes);
    for (const budget of gone) await this.options.counters.forget(potsOf(budget));
    this.#stateChanged();
  }

  /**
   * Serves by changes at once and durably on this node, store or no store; the store gets them with their audit entry,
   * once. For what an incident needs: never for a change that the store may refuse. Says where they are safe.
   */
  async changeNow(changes: readonly StateChange[], audit: AuditEntry): Promise<Kept> {
    const onDisk = await this.#late.add({ changes, audit });
    this.directory.apply(changes);
    this.#stateChanged();
    if (await this.#late.flushSoon()) return 'store';
    return onDisk ? 'node' : 'memory';
  }

  /** Changes of this node that the store has not confirmed. */
  get lateChanges(): number {
    return this.#late.waiting.length;
  }

  async audit(question: AuditQuestion): Promise<readonly AuditEntry[]> {
    return this.options.state.audit(question);
  }

  #stateChanged(): void {
    if (this.#stateTimer) return;
    this.#stateTimer = setTimeout(() => void this.#saveState(), STATE_AFTER_MS);
    this.#stateTimer.unref();
  }

  #saveState(): Promise<void> {
    if (this.#stateTimer) clearTimeout(this.#stateTimer);
    this.#stateTimer = null;
    return this.#save('state', async () => {
      const stored = this.#late.stored;
      await writeState(this.options.dataDir, this.directory.snapshot(), this.options.clock.now());
      await this.#late.forget(stored);
    });
  }

  #saveSpent(): Promise<void> {
    const { counters, clock, dataDir } = this.options;
    return this.#save('spending', async () =>
      writeSpent(dataDir, await counters.dump(ALL_SPENT, clock.now()), clock.now()),
    );
  }

  /** One file at a time: two writers of one name would mix. */
  #save(what: string, write: () => Promise<void>): Promise<void> {
    this.#writing = this.#writing
      .then(write)
      .catch((error: unknown) => this.options.onTrouble(`snapshot of ${what} not written`, error));
    return this.#writing;
  }

  override async flush(): Promise<void> {
    if (this.#late.waiting.length > 0) {
      await this.#late.flush();
      this.#stateChanged();
    }
    await super.flush();
  }

  /** Writes both snapshots and stores what waits. */
  async close(): Promise<void> {
    clearInterval(this.#spentTimer);
    if (this.#origin === 'store') await this.#saveState();
    await this.#saveSpent();
    await this.flush().catch((error: unknown) => this.options.onTrouble('the store is away at the end', error));
    await this.options.closeCounters?.();
  }
}
