import type { LedgerEntry } from '#ports/entry.ts';
import { readShipped, type ShippedEntry } from '#ports/entry-text.ts';
import type { OpenCall } from '../entry/admission.ts';
import { interruptedEntry } from '../entry/interrupted.ts';
import { decodeAdmission, decodeAttempt, decodeProgress } from '../entry/open-call-codec.ts';
import { RecordType, callIdOf } from './record.ts';
import type { RecordTypeCode, SpoolRecord } from './record.ts';

/** A record of a call that is not settled, copied out of the chunk that it was read in. */
export interface KeptRecord {
  readonly type: RecordTypeCode;
  readonly payload: Buffer;
}

interface BookedCall {
  readonly id: string;
  /** Where its admission is. */
  readonly seq: number;
  admission: KeptRecord;
  attempts: readonly KeptRecord[];
  /** The last two: they give the pace. */
  marks: readonly KeptRecord[];
}

const NONE: readonly KeptRecord[] = [];

/** A settlement as its bytes: read one by one when it is shipped, thousands of parsed ones cost the collector 7 µs each. */
export interface SettledEntry {
  /** Segment of the settlement. */
  readonly seq: number;
  readonly id: string;
  readonly payload: Buffer;
}

export const entryIn = ({ payload }: SettledEntry): ShippedEntry => readShipped(payload.toString('utf8'));

const kept = (record: SpoolRecord): KeptRecord => ({
  type: record.type as RecordTypeCode,
  payload: Buffer.from(record.payload),
});

/**
 * Joins the records of a folder by call. A call stays booked until its entry is confirmed, so that it can be carried
 * into another file at any time. Records are kept as bytes: nearly all calls are settled before anybody reads more
 * of their admission than the id.
 */
export class CallBook {
  readonly #calls = new Map<string, BookedCall>();
  /** Settled by a record that was read; a settlement read again is shipped again, which is harmless. */
  readonly #settled = new Set<string>();
  #fresh: BookedCall[] = [];

  get size(): number {
    return this.#calls.size;
  }

  /** Takes a record of segment `seq`; returns the entry that it settles, if it does. Unknown types are skipped. */
  take(seq: number, record: SpoolRecord): SettledEntry | null {
    switch (record.type) {
      case RecordType.admission:
        this.#admit(seq, record);
        return null;
      case RecordType.attempt:
        this.#attempt(record);
        return null;
      case RecordType.progress:
        this.#mark(record);
        return null;
      case RecordType.settlement:
        return this.#settle(seq, record);
      default:
        return null;
    }
  }

  /** Its bytes stay a view of the chunk for now: most calls are settled in the chunk that admits them. */
  #admit(seq: number, record: SpoolRecord): void {
    const id = callIdOf(record.payload);
    const admission = record as KeptRecord;
    const call = { id, seq, admission, attempts: NONE, marks: NONE };
    this.#calls.set(id, call);
    this.#fresh.push(call);
  }

  /** The chunk is read: what is still open copies its bytes out of it, so that it does not hold the whole chunk. */
  endChunk(): void {
    for (const call of this.#fresh) if (!this.#settled.has(call.id)) call.admission = kept(call.admission);
    this.#fresh = [];
  }

  #attempt(record: SpoolRecord): void {
    const call = this.#calls.get(callIdOf(record.payload));
    if (call) call.attempts = [...call.attempts, kept(record)];
  }

  #mark(record: SpoolRecord): void {
    const call = this.#calls.get(callIdOf(record.payload));
    if (call) call.marks = [...call.marks.slice(-1), kept(record)];
  }

  #settle(seq: number, { payload }: SpoolRecord): SettledEntry {
    const id = callIdOf(payload);
    if (this.#calls.has(id)) this.#settled.add(id);
    return { seq, id, payload };
  }

  /** Segment of the oldest admission whose entry is not confirmed; Infinity: there is none. */
  oldestSeq(): number {
    // Segments are read in order, so the first booked is the oldest.
    for (const call of this.#calls.values()) return call.seq;
    return Number.POSITIVE_INFINITY;
  }

  /** The store has the entry: the call owes nothing any more. */
  confirm(id: string): void {
    this.#calls.delete(id);
    this.#settled.delete(id);
  }

  /** Entries of all calls that are not settled, for a folder whose process is dead. */
  *interrupted(): Generator<LedgerEntry> {
    for (const [id, call] of this.#calls) if (!this.#settled.has(id)) yield interruptedEntry(openCallOf(call));
  }

  /** Records of the calls that were admitted in segments up to `seq` and are not confirmed, in order. */
  *carried(seq: number): Generator<KeptRecord> {
    for (const call of this.#calls.values()) {
      if (call.seq > seq) continue;
      yield call.admission;
      yield* call.attempts;
      yield* call.marks;
    }
  }
}

const textOf = (record: KeptRecord): string => record.payload.toString('utf8');

function openCallOf(call: BookedCall): OpenCall {
  const { admission, first } = decodeAdmission(textOf(call.admission));
  const attempts = new Map(
    call.attempts.map((record) => decodeAttempt(textOf(record))).map((start) => [start.n, start]),
  );
  const starts = first
    ? [first, ...[...attempts.values()].filter((start) => start.n !== first.n)]
    : [...attempts.values()];
  return { admission, attempts: starts, marks: call.marks.map((record) => decodeProgress(textOf(record))) };
}
