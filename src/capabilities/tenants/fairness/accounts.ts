import { BoundedMap } from '#kernel/bounded-map.ts';
import type { Clock } from '#kernel/clock.ts';
import { Account } from './account.ts';

/** A provider as it is configured now; a reload makes it anew. */
export interface AccountOwner {
  readonly name: string;
  readonly data: { readonly rateLimitHeaders: readonly string[] };
}

export interface AccountFigures {
  readonly provider: string;
  readonly model: string;
  /** Calls that wait for their turn now. */
  readonly waiting: number;
}

/** Models of one provider that are told apart: a caller may name any where a deployment takes all. */
const MOST_MODELS = 512;
/** One for each configuration that has been: old ones are forgotten with their last call. */
type Models = BoundedMap<string, Account>;

/** The providers' accounts: each by model, since providers limit each model, or each family of them, by itself. */
export class Accounts {
  readonly #clock: Clock;
  readonly #of = new WeakMap<AccountOwner, Models>();
  /** Whose calls had to wait: the others have nothing to show. */
  readonly #contended = new Map<
    string,
    { readonly provider: string; readonly model: string; readonly account: Account }
  >();
  /** Calls that had to wait, and those of them whose turn did not come in time. */
  waited = 0;
  gaveUp = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  of(owner: AccountOwner, model: string): Account {
    let models = this.#of.get(owner);
    if (!models) this.#of.set(owner, (models = new BoundedMap(MOST_MODELS)));
    let account = models.get(model);
    if (!account) models.set(model, (account = this.#make(owner, model)));
    return account;
  }

  #make({ name: provider, data }: AccountOwner, model: string): Account {
    const account = new Account(this.#clock, data.rateLimitHeaders, {
      waited: () => {
        this.waited++;
        this.#contended.set(`${provider}/${model}`, { provider, model, account });
      },
      gaveUp: () => void this.gaveUp++,
    });
    return account;
  }

  /** Accounts that calls wait for now. */
  figures(): readonly AccountFigures[] {
    for (const [name, { account }] of this.#contended) if (account.waiting === 0) this.#contended.delete(name);
    return [...this.#contended.values()].map(({ provider, model, account }) => ({
      ...{ provider, model },
      waiting: account.waiting,
    }));
  }
}
