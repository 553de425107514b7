import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { EpochMs } from '#kernel/brand.ts';
import type { SpoolBoard } from './board.ts';
import type { CallBook } from './call-book.ts';
import { CARRY_FILE, CARRY_TEMPORARY, segmentPath } from './files.ts';
import type { SpoolIo } from './io.ts';
import { FORMAT_VERSION, HEADER_BYTES, RecordType, recordSpace, writeRecord } from './record.ts';
import { CARRY_SEQ } from './segment-reader.ts';

/** A carry file is made when it frees at least this much, so that a few long streams do not cost a file a second. */
const MIN_FREED_BYTES = 1024 * 1024;
/** … or this many segments: a quiet node makes one a second. */
export const MAX_WAITING_SEGMENTS = 64;
/** … and at least this many times what it writes, so that carrying costs at most a third more than was written. */
const FREED_PER_CARRIED = 3;
const CARRY_BUFFER_BYTES = 256 * 1024;

interface Tally {
  /** Null: still being read. */
  bytes: number | null;
  /** Entries settled in it. */
  settled: number;
  unconfirmed: number;
}

export interface ReclaimerOptions {
  readonly folder: string;
  readonly owner: string;
  readonly io: SpoolIo;
  readonly book: CallBook;
  readonly board: SpoolBoard | null;
  readonly now: () => EpochMs;
  readonly maxWaitingSegments: number;
}

/**
 * Deletes segments whose settled entries are all confirmed, oldest first. Calls that were admitted in them and are
 * still open (a long stream) are first copied to `carry.seg`, which says up to which segment it stands for: written
 * beside, synced, renamed, and only then are the segments deleted. So the folder holds at most the open calls twice,
 * and at each moment carry file + later segments tell all that is not confirmed.
 */
export class Reclaimer {
  readonly #options: ReclaimerOptions;
  readonly #tallies = new Map<number, Tally>();

  constructor(options: ReclaimerOptions) {
    this.#options = options;
  }

  settledIn(seq: number): void {
    const tally = this.#tally(seq);
    tally.settled += 1;
    tally.unconfirmed += 1;
  }
  confirmedIn(seq: number): void {
    this.#tally(seq).unconfirmed -= 1;
  }
  ended(seq: number, bytes: number): void {
    if (seq !== CARRY_SEQ) this.#tally(seq).bytes = bytes;
  }

  #tally(seq: number): Tally {
    let tally = this.#tallies.get(seq);
    if (!tally) this.#tallies.set(seq, (tally = { bytes: null, settled: 0, unconfirmed: 0 }));
    return tally;
  }

  /** Segments at the start of the order that are read to the end and confirmed. */
  #finished(): readonly number[] {
    const finished: number[] = [];
    for (const seq of [...this.#tallies.keys()].sort((a, b) => a - b)) {
      const tally = this.#tallies.get(seq)!;
      if (seq !== CARRY_SEQ && (tally.bytes === null || tally.unconfirmed > 0)) break;
      if (seq !== CARRY_SEQ) finished.push(seq);
    }
    return finished;
  }

  /** Deletes what it can. `all`: also where carrying is dear, because the writer has ended. */
  reclaim(all = false): void {
    const finished = this.#finished();
    if (finished.length === 0) return;
    const oldest = this.#options.book.oldestSeq();
    const free = finished.filter((seq) => seq < oldest);
    const rest = finished.filter((seq) => seq >= oldest);
    // A carry file stands for older segments than these: no call in it is open any more.
    if (free.length > 0) this.#dropCarry();
    for (const seq of free) this.#delete(seq);
    if (rest.length === 0 || !(all || this.#worthCarrying(rest))) return;
    this.#writeCarry(rest.at(-1)!);
    for (const seq of rest) this.#delete(seq);
  }

  #carriedBytes(seq: number): number {
    let bytes = 0;
    for (const { payload } of this.#options.book.carried(seq)) bytes += HEADER_BYTES + payload.length;
    return bytes;
  }

  #worthCarrying(finished: readonly number[]): boolean {
    if (finished.length >= this.#options.maxWaitingSegments) return true;
    const freed = finished.reduce((sum, seq) => sum + this.#tallies.get(seq)!.bytes!, 0);
    return freed >= MIN_FREED_BYTES && freed >= FREED_PER_CARRIED * this.#carriedBytes(finished.at(-1)!);
  }

  #dropCarry(): void {
    const path = join(this.#options.folder, CARRY_FILE);
    if (existsSync(path)) this.#options.io.unlink(path);
  }

  #writeCarry(coversSeq: number): void {
    const { folder, io } = this.#options;
    const temporary = join(folder, CARRY_TEMPORARY);
    if (existsSync(temporary)) io.unlink(temporary);
    const fd = io.create(temporary);
    try {
      this.#fillCarry(fd, coversSeq);
      io.sync(fd);
    } finally {
      io.close(fd);
    }
    io.rename(temporary, join(folder, CARRY_FILE));
  }

  #fillCarry(fd: number, coversSeq: number): void {
    const { book, owner, now } = this.#options;
    const header = JSON.stringify([FORMAT_VERSION, owner, CARRY_SEQ, now(), coversSeq]);
    this.#append(fd, RecordType.segment, header);
    for (const { type, payload } of book.carried(coversSeq)) this.#append(fd, type, payload.toString('utf8'));
  }

  #buffer = Buffer.allocUnsafeSlow(CARRY_BUFFER_BYTES);
  #append(fd: number, type: Parameters<typeof writeRecord>[2], text: string): void {
    if (recordSpace(text) > this.#buffer.length) this.#buffer = Buffer.allocUnsafeSlow(recordSpace(text));
    const length = writeRecord(this.#buffer, 0, type, text);
    for (let done = 0; done < length;) done += this.#options.io.write(fd, this.#buffer, done, length - done);
  }

  #delete(seq: number): void {
    const { folder, io, board } = this.#options;
    const tally = this.#tallies.get(seq)!;
    io.unlink(segmentPath(folder, seq));
    this.#tallies.delete(seq);
    if (!board) return;
    board.deletedBytes += tally.bytes!;
    board.deletedCalls += tally.settled;
    board.deletedSegments += 1;
  }
}
