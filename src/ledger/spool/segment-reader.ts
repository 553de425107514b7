import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { CARRY_FILE, segmentNumbers, segmentPath } from './files.ts';
import { FORMAT_VERSION, MAX_PAYLOAD_BYTES, RecordType, findRecord, readRecord } from './record.ts';
import type { SpoolRecord } from './record.ts';
import type { OnTrouble } from './trouble.ts';

/** One read; grows to hold one record that is larger. A new one for each, since records are kept as views of it. */
const CHUNK_BYTES = 256 * 1024;
const LARGEST_CHUNK_BYTES = 2 * MAX_PAYLOAD_BYTES + CHUNK_BYTES;
/** Number under which the carry file is read: before all segments. */
export const CARRY_SEQ = 0;

export interface SegmentReaderOptions {
  readonly folder: string;
  /** Segments below this number are complete. Infinity: the folder has no writer. */
  readonly liveSeq: () => number;
  readonly onTrouble: OnTrouble;
  /** The payload is a view of the chunk that was read: keep it for a moment, copy it to keep it for long. */
  readonly visit: (seq: number, record: SpoolRecord) => void;
  /** The segment has been read to its end and gets no more. */
  readonly onSegmentEnd: (seq: number, bytes: number) => void;
}

/** Reads a spool folder in order: carry file, then segments as they grow. Synchronous: for a thread of its own. */
export class SegmentReader {
  readonly #options: SegmentReaderOptions;
  #chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  #seq = CARRY_SEQ - 1;
  #fd: number | null = null;
  #offset = 0;
  /** Segments up to this number are in the carry file. */
  #coveredSeq = 0;
  #unreadable = false;

  constructor(options: SegmentReaderOptions) {
    this.#options = options;
  }

  /** Segments up to this one are superseded by the carry file. */
  get coveredSeq(): number {
    return this.#coveredSeq;
  }
  /** A file of a newer format or without its header was met: nothing of the folder may be deleted. */
  get unreadable(): boolean {
    return this.#unreadable;
  }

  /** Reads one chunk. False: there is nothing more for now. */
  step(): boolean {
    if (this.#fd === null && !this.#openNext()) return false;
    // Asked before the read: what is complete now is complete in what the read returns.
    const complete = this.#seq < this.#options.liveSeq();
    const end = readSync(this.#fd!, this.#chunk, 0, this.#chunk.length, this.#offset);
    const full = end === this.#chunk.length;
    const used = this.#take(end);
    this.#offset += used;
    if (full && used === 0) this.#outgrow();
    if (used > 0) this.#chunk = Buffer.allocUnsafeSlow(this.#chunk.length);
    if (full) return true;
    if (complete) this.#endSegment(end - used);
    return complete || used > 0;
  }

  #openNext(): boolean {
    const { folder } = this.#options;
    if (this.#seq < CARRY_SEQ && existsSync(join(folder, CARRY_FILE))) {
      return this.#open(CARRY_SEQ, join(folder, CARRY_FILE));
    }
    const after = Math.max(this.#seq, this.#coveredSeq);
    const next = segmentNumbers(folder).find((seq) => seq > after);
    return next !== undefined && this.#open(next, segmentPath(folder, next));
  }

  #open(seq: number, path: string): boolean {
    this.#fd = openSync(path, 'r');
    this.#seq = seq;
    this.#offset = 0;
    return true;
  }

  /** Visits the whole records of the first `end` bytes; returns how many bytes are done with. */
  #take(end: number): number {
    let at = 0;
    for (;;) {
      const result = readRecord(this.#chunk, at, end);
      if (result.kind === 'record') {
        this.#visit(result.record);
        at = result.next;
        continue;
      }
      // Only a whole record behind it shows that these bytes are damage and not the end.
      const next = at < end ? findRecord(this.#chunk, at + 1, end) : null;
      if (next === null) return at;
      this.#report('bad_record', next - at, this.#offset + at);
      at = next;
    }
  }

  #visit(record: SpoolRecord): void {
    if (record.type === RecordType.segment) this.#header(record);
    else if (!this.#unreadable) this.#options.visit(this.#seq, record);
  }

  #header({ payload }: SpoolRecord): void {
    const [version, , , , coversSeq] = JSON.parse(payload.toString('utf8')) as [number, string, number, number, number];
    if (version !== FORMAT_VERSION) {
      this.#unreadable = true;
      const other = version > FORMAT_VERSION ? 'a newer' : 'an older';
      const message = `${this.#where()} has format ${version}: ${other} Headgate wrote it and must ship it`;
      this.#options.onTrouble({ kind: 'unreadable', message });
    }
    if (this.#seq === CARRY_SEQ) this.#coveredSeq = coversSeq;
  }

  /** The chunk is full and holds no whole record: a larger chunk, or, past the largest record, damage. */
  #outgrow(): void {
    if (this.#chunk.length < LARGEST_CHUNK_BYTES) {
      this.#chunk = Buffer.allocUnsafeSlow(Math.min(this.#chunk.length * 2, LARGEST_CHUNK_BYTES));
      return;
    }
    // Whatever begins in the first half would end within the chunk, and nothing does.
    const skip = this.#chunk.length - MAX_PAYLOAD_BYTES * 1.5;
    this.#report('bad_record', skip, this.#offset);
    this.#offset += skip;
  }

  #endSegment(tornBytes: number): void {
    if (tornBytes > 0) this.#report('torn_tail', tornBytes, this.#offset);
    this.close();
    this.#options.onSegmentEnd(this.#seq, this.#offset + tornBytes);
  }

  #where(): string {
    const { folder } = this.#options;
    return this.#seq === CARRY_SEQ ? join(folder, CARRY_FILE) : segmentPath(folder, this.#seq);
  }

  #report(kind: 'bad_record' | 'torn_tail', bytes: number, offset: number): void {
    const what = kind === 'torn_tail' ? 'ends within a record' : 'is damaged; the records behind are used';
    this.#options.onTrouble({ kind, bytes, message: `${this.#where()} ${what}: ${bytes} bytes at ${offset}` });
  }

  close(): void {
    if (this.#fd !== null) closeSync(this.#fd);
    this.#fd = null;
  }
}
