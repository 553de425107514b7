import type { Clock } from '#kernel/clock.ts';
import { AccountRoom, type AccountCost } from './core/account-room.ts';
import { statedLimits } from './core/account-limits.ts';
import { FairQueue, type Place } from './core/fair-queue.ts';

/** A call that wants to be sent on a provider's account. */
export interface Asking {
  readonly tenant: string;
  /** Share of the account against other tenants that wait, above zero. */
  readonly weight: number;
  /** As far as it is known before: an estimate. */
  readonly cost: AccountCost;
  /** Milliseconds that it may wait for its turn. */
  readonly patienceMs: number;
}

/** What a call got: it is sent now, and says what came of it. */
export interface Pass {
  /** Milliseconds that it waited. */
  readonly waitedMs: number;
  /** The provider's head has come. */
  head(headers: Readonly<Record<string, string | string[] | undefined>>): void;
  /** The provider refused it for the account's limits. */
  refused(retryAfterMs: number | null): void;
  /** It has ended; tokens that the provider counted, null where it counted none. */
  done(tokens: number | null): void;
}

/** It was not its turn in time. */
export interface NoTurn {
  /** When there may be room, in milliseconds from now. */
  readonly retryAfterMs: number;
}

export const isPass = (turn: Pass | NoTurn): turn is Pass => 'done' in turn;

interface Waiting {
  readonly asking: Asking;
  readonly since: number;
  readonly resolve: (turn: Pass | NoTurn) => void;
  patience: NodeJS.Timeout | null;
}

/** Who counts over all accounts. */
export interface Told {
  readonly waited: () => void;
  readonly gaveUp: () => void;
}

/** A wait that a provider does not name, after a refusal for its limits. */
const UNSAID_WAIT_MS = 1_000;
const tokensOf = ({ input, output }: AccountCost): number => input + output;

/**
 * One model of a provider's account, shared by all tenants: while its stated limits have room every call passes at
 * once; when they have none calls wait, and the tenant that was given least tokens by its weight is next.
 */
export class Account {
  readonly #clock: Clock;
  /** The provider's names of the headers that state its limits. */
  readonly #headers: readonly string[];
  readonly #room = new AccountRoom();
  readonly #queue = new FairQueue<Waiting>();
  #timer: NodeJS.Timeout | null = null;
  readonly #told: Told;

  constructor(clock: Clock, headers: readonly string[], told: Told) {
    this.#clock = clock;
    this.#headers = headers;
    this.#told = told;
  }

  /** Calls that wait now. */
  get waiting(): number {
    return this.#queue.size;
  }

  /**
   * A turn to send. At once where there is room and nobody waits; else when it comes, or never. `onGone` is given what
   * takes the call out of the queue when its client leaves.
   */
  enter(asking: Asking, onGone: (leave: () => void) => void): Pass | Promise<Pass | NoTurn> {
    const now = this.#clock.mono();
    if (this.#queue.size === 0 && this.#room.waitFor(asking.cost, now) === 0) return this.#pass(asking, 0);
    this.#told.waited();
    return new Promise((resolve) => {
      const waiting: Waiting = { asking, since: now, resolve, patience: null };
      const place = this.#queue.push(asking.tenant, asking.weight, waiting);
      waiting.patience = setTimeout(() => this.#giveUp(place), asking.patienceMs).unref();
      onGone(() => this.#giveUp(place));
      this.#pump();
    });
  }

  #giveUp(place: Place<Waiting>): void {
    if (!this.#queue.drop(place)) return;
    const { patience, resolve, asking } = place.work;
    clearTimeout(patience!);
    this.#told.gaveUp();
    resolve({ retryAfterMs: Math.max(1, this.#room.waitFor(asking.cost, this.#clock.mono())) });
    this.#pump();
  }

  /** Sends whoever's turn it is, as long as there is room, and comes back when there is more. */
  readonly #pump = (): void => {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    for (let next = this.#queue.peek(); next !== null; next = this.#queue.peek()) {
      const now = this.#clock.mono();
      const waitMs = this.#room.waitFor(next.asking.cost, now);
      if (waitMs > 0) {
        this.#timer = setTimeout(this.#pump, waitMs).unref();
        return;
      }
      const { tenant, weight, cost } = next.asking;
      this.#queue.pop();
      this.#queue.charge(tenant, weight, tokensOf(cost));
      clearTimeout(next.patience!);
      next.resolve(this.#pass(next.asking, now - next.since));
    }
  };

  #pass({ tenant, weight, cost }: Asking, waitedMs: number): Pass {
    this.#room.sent(cost);
    let underway = true;
    const over = (): void => {
      if (underway) this.#room.over(cost);
      underway = false;
    };
    return {
      waitedMs,
      head: (headers) => {
        const now = this.#clock.mono();
        this.#room.learn(statedLimits(this.#headers, headers, this.#clock.now()), now);
        over();
        if (this.#queue.size > 0) this.#pump();
      },
      refused: (retryAfterMs) => {
        this.#room.refused(retryAfterMs ?? UNSAID_WAIT_MS, this.#clock.mono());
        // What was refused was not given.
        this.#queue.charge(tenant, weight, -tokensOf(cost));
      },
      done: (tokens) => {
        over();
        if (tokens !== null) this.#queue.charge(tenant, weight, tokens - tokensOf(cost));
        if (this.#queue.size > 0) this.#pump();
      },
    };
  }
}
