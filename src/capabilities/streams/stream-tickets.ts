import type { KeyId } from '#kernel/brand.ts';
import type { Clock } from '#kernel/clock.ts';
import type { StreamTicket } from '#ports/stream-names.ts';
import { ticketDigest } from './ticket-digest.ts';

export type { StreamTicket } from '#ports/stream-names.ts';

interface Kept extends StreamTicket {
  /** On the clock that nobody sets. */
  readonly until: number;
}

/** From its making to the connection that it opens. */
export const TICKET_MS = 60_000;
/** Of one key at once: a page takes one a connection. Each is some 200 bytes. */
const MOST_OF_KEY = 1_024;
const MOST = 65_536;

/**
 * Tickets for browsers, which can send no `Authorization` with EventSource or WebSocket: each opens one stream, once.
 * These are of this process, as its streams are.
 */
export class StreamTickets {
  readonly #clock: Pick<Clock, 'mono'>;
  /** Oldest first: all live equally long. */
  readonly #byDigest = new Map<string, Kept>();
  readonly #ofKey = new Map<KeyId, number>();

  constructor(clock: Pick<Clock, 'mono'>) {
    this.#clock = clock;
  }

  /** False: the key, or this process, has as many open as it may. */
  add(secret: string, ticket: StreamTicket): boolean {
    this.#dropExpired();
    const own = this.#ofKey.get(ticket.key) ?? 0;
    if (own >= MOST_OF_KEY || this.#byDigest.size >= MOST) return false;
    this.#byDigest.set(ticketDigest(secret), { ...ticket, until: this.#clock.mono() + TICKET_MS });
    this.#ofKey.set(ticket.key, own + 1);
    return true;
  }

  /** Spends a ticket, whatever comes of it. Null: there is none, it was used, or its time is over. */
  redeem(secret: string): StreamTicket | null {
    const digest = ticketDigest(secret);
    const kept = this.#byDigest.get(digest);
    if (!kept) return null;
    this.#drop(digest, kept);
    return kept.until > this.#clock.mono() ? kept : null;
  }

  #dropExpired(): void {
    const now = this.#clock.mono();
    for (const [digest, kept] of this.#byDigest) {
      if (kept.until > now) return;
      this.#drop(digest, kept);
    }
  }

  #drop(digest: string, { key }: Kept): void {
    this.#byDigest.delete(digest);
    const left = this.#ofKey.get(key)! - 1;
    if (left > 0) this.#ofKey.set(key, left);
    else this.#ofKey.delete(key);
  }
}
