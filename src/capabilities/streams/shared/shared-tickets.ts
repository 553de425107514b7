import type { StreamNames, StreamTicket } from '#ports/stream-names.ts';
import { ticketDigest } from '../ticket-digest.ts';
import { TICKET_MS, type StreamTickets } from '../stream-tickets.ts';

/** Under which a ticket that all gates know is counted here among those of its key. No secret begins so. */
const COUNTED = 'counted ';

/**
 * Tickets of all gates that share them: one that was made at any opens its stream once, at whichever. While the store
 * is away a ticket is of the gate that made it, and one that the store has opens nothing.
 */
export class SharedTickets {
  readonly #own: StreamTickets;
  readonly #names: StreamNames | null;
  readonly #secret: () => string;

  /** `names`: where gates share them; null: tickets are of this gate. `secret`: another one with each call. */
  constructor(own: StreamTickets, names: StreamNames | null, secret: () => string) {
    this.#own = own;
    this.#names = names;
    this.#secret = secret;
  }

  /** A new ticket's secret. Null: the key, or this process, has as many open as it may. */
  async issue(ticket: StreamTicket): Promise<string | null> {
    const shared = this.#names === null ? 'away' : await this.#issueShared(this.#names, ticket);
    // The store may have the one that it did not answer for: nobody is told that one.
    return shared === 'away' ? this.#issueOwn(ticket) : shared;
  }

  /** Spends a ticket, whatever comes of it. Null: there is none, it was used, or its time is over. */
  async redeem(secret: string): Promise<StreamTicket | null | 'away'> {
    const own = this.#own.redeem(secret);
    if (own !== null || this.#names === null) return own;
    const shared = await this.#names.takeTicket(ticketDigest(secret));
    if (shared !== 'away') this.#own.redeem(COUNTED + secret);
    return shared;
  }

  async #issueShared(names: StreamNames, ticket: StreamTicket): Promise<string | null | 'away'> {
    const secret = this.#secret();
    if (!this.#own.add(COUNTED + secret, ticket)) return null;
    if (await names.putTicket(ticketDigest(secret), ticket, TICKET_MS)) return secret;
    this.#own.redeem(COUNTED + secret);
    return 'away';
  }

  #issueOwn(ticket: StreamTicket): string | null {
    const secret = this.#secret();
    return this.#own.add(secret, ticket) ? secret : null;
  }
}
