import { ticketDigest } from '../ticket-digest.ts';

/** What a ticket allows. Whoever holds it may do this much with the gate's sockets, and nothing else. */
export interface TicketTerms {
  readonly ttlMs: number;
  /** Both directions, heads left out. */
  readonly maxBytes: number;
  /** Streams open at once. */
  readonly maxOpen: number;
}

export interface TicketView extends TicketTerms {
  readonly id: string;
  readonly expiresAt: number;
  readonly bytes: number;
  readonly open: number;
}

/** What the origin noted of one stream, for whoever holds the ticket. Times are since the request came in. */
export interface StreamNote {
  readonly id: string;
  readonly seen: Seen;
  /** Events and beats that were written. */
  written: number;
  /** When the origin learnt that the stream had ended; null: it goes on. */
  endedMs: number | null;
  /** `client`: whoever read it has gone. `cap`: a bound of the ticket ended it. `died`: as the client had asked. */
  endedBy: 'done' | 'client' | 'cap' | 'died' | null;
}

/** The request as the last hop sent it. */
export interface Seen {
  readonly httpVersion: string;
  readonly method: string;
  readonly upgrade: string | null;
  readonly acceptEncoding: string | null;
  readonly via: string | null;
}

/** Held by each open stream of a ticket; released once. */
export interface Pass {
  readonly ticket: Ticket;
  /** False: the ticket has no bytes left. */
  spend(bytes: number): boolean;
  release(): void;
}

/** Of streams of one ticket; an older one gives way. */
const MOST_NOTES = 512;
/** A ticket more is a mistake or an attack. */
export const MOST_TICKETS = 8;

export class Ticket {
  readonly id: string;
  readonly terms: TicketTerms;
  readonly expiresAt: number;
  readonly notes = new Map<string, StreamNote>();
  /** Aborts its streams: a ticket that is closed leaves none behind. */
  readonly gone = new AbortController();
  bytes = 0;
  open = 0;

  constructor(id: string, terms: TicketTerms, now: number) {
    this.id = id;
    this.terms = terms;
    this.expiresAt = now + terms.ttlMs;
  }

  /** Null: as many streams are open as it allows, or its bytes are spent. */
  pass(): Pass | null {
    if (this.open >= this.terms.maxOpen || this.bytes >= this.terms.maxBytes) return null;
    this.open++;
    let held = true;
    return {
      ticket: this,
      spend: (bytes) => (this.bytes += bytes) <= this.terms.maxBytes,
      release: () => {
        if (held) this.open--;
        held = false;
      },
    };
  }

  note(note: StreamNote): void {
    if (this.notes.size >= MOST_NOTES) this.notes.delete(this.notes.keys().next().value!);
    this.notes.set(note.id, note);
  }

  view(): TicketView {
    const { id, terms, expiresAt, bytes, open } = this;
    return { id, ...terms, expiresAt, bytes, open };
  }
}

/** Tickets of this process. */
export class Tickets {
  readonly #byDigest = new Map<string, Ticket>();

  /** Null: {@link MOST_TICKETS} are open. */
  add(secret: string, ticket: Ticket, now: number): Ticket | null {
    this.#dropExpired(now);
    if (this.#byDigest.size >= MOST_TICKETS) return null;
    this.#byDigest.set(ticketDigest(secret), ticket);
    return ticket;
  }

  get isEmpty(): boolean {
    return this.#byDigest.size === 0;
  }

  find(secret: string, now: number): Ticket | null {
    const ticket = this.#byDigest.get(ticketDigest(secret));
    return ticket && ticket.expiresAt > now ? ticket : null;
  }

  list(now: number): TicketView[] {
    this.#dropExpired(now);
    return [...this.#byDigest.values()].map((ticket) => ticket.view());
  }

  /** Ends its streams too. Null: there is none. */
  close(id: string): TicketView | null {
    for (const [key, ticket] of this.#byDigest) {
      if (ticket.id !== id) continue;
      this.#byDigest.delete(key);
      ticket.gone.abort();
      return ticket.view();
    }
    return null;
  }

  /** Ends every stream and forgets every ticket. */
  closeAll(): void {
    for (const { id } of this.#byDigest.values()) this.close(id);
  }

  #dropExpired(now: number): void {
    for (const { id, expiresAt } of this.#byDigest.values()) if (expiresAt <= now) this.close(id);
  }
}
