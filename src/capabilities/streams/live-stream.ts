import type { CallId, KeyId, TenantId } from '#kernel/brand.ts';
import type { OutcomeStatus } from '#ports/entry.ts';
import { CompactLog } from './core/compact-log.ts';

/** Who may read a stream: the key that made it, and no other key of its tenant. */
export interface StreamOwner {
  readonly tenant: TenantId;
  readonly key: KeyId;
}

/** How a stream ended. */
export interface StreamEnd {
  /** As in the ledger's entry. */
  readonly status: OutcomeStatus;
  /** Events of the log; the last one's number is one less. */
  readonly events: number;
}

/** One connection that reads a stream. */
export interface StreamReader {
  /** An event with its number. False: this reader is too slow; it is let go, and may come back. */
  event(event: Buffer, seq: number): boolean;
  /** Nothing came for a while. */
  ping(): void;
  /** No event will follow. */
  end(end: StreamEnd): void;
}

export interface StreamHooks {
  /** Somebody asked for the end, from any connection. */
  readonly cancel: () => void;
  /** Nobody has read for the grace. */
  readonly abandoned: () => void;
}

export interface StreamInit {
  readonly id: CallId;
  /** Of the process: numbers mean something within one alone. */
  readonly epoch: string;
  readonly owner: StreamOwner;
  /** How long nobody may read before the stream is abandoned, in milliseconds; asked when the last reader goes. */
  readonly graceMs: () => number;
  /** Bytes of the log from which on it takes no more: readers go on live, and a later one finds it incomplete. */
  readonly maxBytes: number;
  readonly hooks: StreamHooks;
  readonly onEnd: (stream: LiveStream) => void;
}

/**
 * An answer as an append-only log of its events, in the caller's dialect. Events are appended before they are sent;
 * readers are cursors on the log, and whoever comes later gets the same bytes.
 */
export class LiveStream {
  readonly id: CallId;
  readonly epoch: string;
  readonly owner: StreamOwner;
  readonly #init: StreamInit;
  readonly #log = new CompactLog();
  readonly #readers = new Set<StreamReader>();
  #events = 0;
  #orphaned: NodeJS.Timeout | null = null;
  #end: StreamEnd | null = null;
  #overflowed = false;
  /** Readers that came back after the first connection. */
  resumes = 0;

  constructor(init: StreamInit) {
    this.#init = init;
    this.id = init.id;
    this.epoch = init.epoch;
    this.owner = init.owner;
  }

  get bytes(): number {
    return this.#log.size;
  }
  get events(): number {
    return this.#events;
  }
  get readers(): number {
    return this.#readers.size;
  }
  /** Null: it goes on. */
  get ended(): StreamEnd | null {
    return this.#end;
  }
  /** The log has less than the stream: a resume would miss events. */
  get overflowed(): boolean {
    return this.#overflowed;
  }

  append(event: Buffer): void {
    const seq = this.#events++;
    if (!this.#overflowed) {
      this.#log.append(event);
      this.#overflowed = this.#log.size > this.#init.maxBytes;
    }
    for (const reader of this.#readers) if (!reader.event(event, seq)) this.detach(reader);
  }

  /** The log from an event on, and then what comes. */
  attach(reader: StreamReader, from: number): void {
    this.#stopWaiting();
    let seq = from;
    for (const event of this.#log.read(from)) if (!reader.event(event, seq++)) return this.#wait();
    if (this.#end) return reader.end(this.#end);
    this.#readers.add(reader);
  }

  /** The connection is gone. When it was the last, the grace begins. */
  detach(reader: StreamReader): void {
    if (this.#readers.delete(reader)) this.#wait();
  }

  /** The call's own client left before it read: unless somebody comes back, the grace begins. */
  unread(): void {
    this.#wait();
  }

  ping(): void {
    for (const reader of this.#readers) reader.ping();
  }

  cancel(): void {
    if (!this.#end) this.#init.hooks.cancel();
  }

  finish(status: OutcomeStatus): void {
    if (this.#end) return;
    this.#end = { status, events: this.#events };
    this.#stopWaiting();
    this.#log.close();
    for (const reader of this.#readers) reader.end(this.#end);
    this.#readers.clear();
    this.#init.onEnd(this);
  }

  #wait(): void {
    if (this.#end || this.#readers.size > 0 || this.#orphaned) return;
    this.#orphaned = setTimeout(() => {
      this.#orphaned = null;
      if (!this.#end && this.#readers.size === 0) this.#init.hooks.abandoned();
    }, this.#init.graceMs());
    this.#orphaned.unref();
  }

  #stopWaiting(): void {
    if (this.#orphaned) clearTimeout(this.#orphaned);
    this.#orphaned = null;
  }
}
