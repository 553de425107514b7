import type { CallId, KeyId, TenantId } from '#kernel/brand.ts';
import type { OutcomeStatus } from './entry.ts';

/** Names a stream. Its tenant is part of the name: nobody reaches another tenant's by its id. */
export interface StreamRef {
  readonly tenant: TenantId;
  readonly id: CallId;
}

/** What stands beside the events from the opening on. */
export interface StreamHead {
  /** The key that may read it. */
  readonly key: KeyId;
  /** Of the positions that its readers have: that of the producer of now. */
  readonly epoch: string;
  /** Whatever its gate says of it, at most a few hundred bytes; the log does not read it. */
  readonly about: string;
  /** Where its producer takes {@link StreamOrder}s. */
  readonly producer: string;
}

/** From which event on positions have an epoch's name. */
export interface StreamEpoch {
  readonly epoch: string;
  readonly from: number;
}

/** What is kept so that another gate can go on with the stream, once its producer is gone. */
export interface StreamRedrive {
  /** The request, sealed; the log does not read it. */
  readonly request: Buffer;
  /** How often. */
  readonly times: number;
}

/** A gate that goes on with a stream of this key, should its producer be gone. */
export interface StreamClaimant {
  readonly key: KeyId;
  readonly epoch: string;
  readonly producer: string;
}

/** The stream is this gate's now, and nobody else's. */
export interface StreamClaim {
  readonly lease: StreamLease;
  readonly request: Buffer;
  /** How often another may still go on with it. */
  readonly left: number;
}

/** The right to append: it is over once a reader has ended the stream because its lease had run out. */
export interface StreamLease extends StreamRef {
  readonly fence: number;
}

export interface StoredEnd {
  readonly status: OutcomeStatus;
  /** The terminal event as its producer wrote it; null: another ended the stream, and the events are all there is. */
  readonly facts: string | null;
  /** It could have been gone on with, and was not, since nobody came to read it; absent: else. */
  readonly unread?: true;
}

/** A stream as it stands. */
export interface StoredPart {
  readonly head: StreamHead;
  /** From the number that was asked for on, at most as many as were asked for. */
  readonly events: readonly Buffer[];
  /** Events in all. */
  readonly count: number;
  /** The first begins at 0; each further one where another gate went on. */
  readonly epochs: readonly StreamEpoch[];
  /** This read took the stream over; null: it did not. */
  readonly claim: StreamClaim | null;
  /** Null: it goes on. */
  readonly end: StoredEnd | null;
  /** It grew larger than `maxBytes`: its events were let go, and no more are taken. */
  readonly full: boolean;
  /** Until its lease runs out, in milliseconds; 0: it has ended. */
  readonly leaseLeftMs: number;
}

/**
 * What came of an attempt to write. `fenced`: a reader has ended the stream, and nothing more is taken. `gone`: the
 * log does not have the stream, or not what came before. `away`: no answer within the bound; it may have been written.
 */
export type Written = 'ok' | 'fenced' | 'gone' | 'full' | 'away';

export type StreamOrder = 'cancel' | 'cancel_by_operator' | 'read';

export interface StreamLogBounds {
  /** A producer that says nothing for so long is taken for dead, in milliseconds. */
  readonly leaseMs: number;
  /** A finished stream is kept for so long, and one that nobody ended for a lease more. */
  readonly keepMs: number;
  /** Bytes of events, of one stream. */
  readonly maxBytes: number;
}

/**
 * Streams beyond the process that produces them. Every answer comes within a bound, whatever the store does, and
 * nothing rejects.
 */
export interface StreamLog {
  /**
   * A new stream, live, with a lease; the same once more for who opened it (the same epoch). `gone`: another has one
   * of this name. `redrive`: what another gate needs to go on with it; null: nobody does. `epochs` of a stream that was
   * taken over and that the log has lost.
   */
  open(
    ref: StreamRef,
    head: StreamHead,
    more?: { readonly redrive?: StreamRedrive | null; readonly epochs?: readonly StreamEpoch[] },
  ): Promise<StreamLease | 'gone' | 'away'>;
  /**
   * Events from number `from` on: all or none, and none twice. Renews the lease. Answers come in the order of the
   * calls.
   */
  append(lease: StreamLease, from: number, events: readonly Buffer[]): Promise<Written>;
  /** Events that the stream has, and the lease once more; a cancel that did not reach the producer comes with it. */
  renew(lease: StreamLease): Promise<{ readonly count: number; readonly order: StreamOrder | null } | Written>;
  /** Its end, after its last event. */
  finish(lease: StreamLease, end: StoredEnd): Promise<Written>;
  /** The call came to nothing: as if it had never been opened. */
  discard(lease: StreamLease): Promise<void>;
  /**
   * Events from a number on. A live stream whose lease has run out is ended by this as `interrupted`, once, and its
   * producer fenced; where it may be gone on with and a claimant of its key reads, it is the claimant's instead, in the
   * same step, and for others it stays as it is. One that was asked to be cancelled meanwhile is not gone on with.
   * Null: there is no such stream.
   */
  read(ref: StreamRef, from: number, most: number, claimant?: StreamClaimant): Promise<StoredPart | null | 'away'>;
  /**
   * Ends streams whose producers have been gone for longer than their lease and `graceMs`, and whom nobody has read
   * since: as `interrupted`, each once, whoever sweeps. At most `most` are looked at; `more`: there may be others. What
   * it costs goes by how many are due, not by how many there are.
   */
  sweep(graceMs: number, most: number): Promise<{ readonly ended: number; readonly more: boolean } | 'away'>;
  /** Calls `changed` when there may be more to read; not for each event, and after a fault maybe not at all. */
  follow(ref: StreamRef, changed: () => void): () => void;
  /** Tells the producer. False: no such live stream, or the log is away. */
  order(ref: StreamRef, order: StreamOrder): Promise<boolean>;
  /** Takes orders for the streams of a producer of this name. */
  serve(producer: string, take: (id: CallId, order: StreamOrder) => void): void;
  /** False: it did not answer of late. */
  readonly up: boolean;
  close(): Promise<void>;
}
