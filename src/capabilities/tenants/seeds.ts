import type { EpochMs } from '#kernel/brand.ts';
import type { LedgerStore } from '#ports/ledger-store.ts';
import type { BudgetCounters, PotKey } from '#ports/shared-state.ts';
import type { AppliedBudget } from './core/budget.ts';
import type { Payer } from './core/scope-index.ts';
import { potSpend, type PotQuestion } from './rebuild.ts';

/** Pots whose spending waits for a store that is away; each is a question when it is back. */
const MAX_UNREAD = 10_000;

interface Options {
  readonly counters: BudgetCounters;
  readonly ledger: Pick<LedgerStore, 'spend'>;
  readonly onTrouble: (what: string, error: unknown) => void;
}

/** Fills pots that the counters do not know from the ledger, before they are first charged. */
export class Seeds {
  readonly #options: Options;
  readonly #running = new Map<PotKey, Promise<void>>();
  readonly #unread = new Map<PotKey, PotQuestion>();

  constructor(options: Options) {
    this.#options = options;
  }

  /** Null where all pots are known, else when their spending has been read. */
  missing(budgets: readonly AppliedBudget[], payer: Payer, now: EpochMs): Promise<unknown> | null {
    let waiting: Promise<unknown>[] | null = null;
    for (const applied of budgets) {
      const known = this.#options.counters.known(applied.pot);
      if (known === true) continue;
      const question = { applied, payer, now };
      (waiting ??= []).push(Promise.resolve(known).then((there) => (there ? undefined : this.#seed(question))));
    }
    return waiting && Promise.all(waiting);
  }

  /** One question to the ledger a pot, however many calls wait for it. */
  #seed(question: PotQuestion): Promise<void> {
    const { pot } = question.applied;
    const running = this.#running.get(pot);
    if (running) return running;
    const seeding = this.#read(question).finally(() => this.#running.delete(pot));
    this.#running.set(pot, seeding);
    return seeding;
  }

  async #read(question: PotQuestion): Promise<void> {
    const { counters, ledger, onTrouble } = this.#options;
    try {
      const spent = await potSpend(ledger, question);
      // Another call may have come first between the question and here.
      if (!(await counters.known(question.applied.pot))) await counters.seed(spent);
    } catch (error) {
      // Known keys go on while the store is away; what this pot spent before is added when it is back.
      onTrouble('spending of a budget could not be read', error);
      if (this.#unread.size < MAX_UNREAD) this.#unread.set(question.applied.pot, { ...question, before: question.now });
    }
  }

  /** Adds what was spent before calls that came while the store was away. */
  async readMissed(now: EpochMs): Promise<void> {
    const { counters, ledger, onTrouble } = this.#options;
    for (const [pot, question] of [...this.#unread]) {
      try {
        await counters.seed(await potSpend(ledger, { ...question, now }));
        this.#unread.delete(pot);
      } catch (error) {
        return onTrouble('spending of a budget could not be read', error);
      }
    }
  }
}
