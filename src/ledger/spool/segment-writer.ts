import { invariant } from '#kernel/invariant.ts';
import type { Clock } from '#kernel/clock.ts';
import type { SpoolBoard } from './board.ts';
import { segmentPath } from './files.ts';
import type { SpoolIo } from './io.ts';
import { FORMAT_VERSION, MAX_PAYLOAD_BYTES, RecordType, recordSpace, writeRecord } from './record.ts';
import type { RecordTypeCode } from './record.ts';

/** Room for the records of nearly every turn of the loop; more make the buffer grow. */
const BUFFER_BYTES = 64 * 1024;

/** A record that is not written yet. */
export interface RecordText {
  readonly type: RecordTypeCode;
  readonly text: string;
}

export type FsyncPolicy = 'always' | 'interval' | 'os';

export interface SegmentWriterOptions {
  readonly folder: string;
  readonly owner: string;
  readonly io: SpoolIo;
  readonly clock: Clock;
  readonly board: SpoolBoard;
  readonly fsync: FsyncPolicy;
  readonly segmentBytes: number;
  readonly segmentAgeMs: number;
  readonly onSyncFailed: (error: Error) => void;
}

interface Segment {
  readonly fd: number;
  readonly openedMs: number;
  bytes: number;
  records: number;
  dirty: boolean;
  syncing: boolean;
  /** No more writes: closes once it is synced. */
  retired: boolean;
}

/** Appends records to numbered segments. A record is in the file whole or not at all. */
export class SegmentWriter {
  readonly #options: SegmentWriterOptions;
  #buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  #live: Segment | null = null;
  #empty: number | null = null;
  readonly #retiring = new Set<Segment>();
  #folderSyncs = 0;
  readonly #waiting: (() => void)[] = [];
  /** Bytes and files made, headers included. */
  writtenBytes = 0;
  segments = 0;

  constructor(options: SegmentWriterOptions) {
    this.#options = options;
    options.board.liveSeq = 1;
  }

  get hasLive(): boolean {
    return this.#live !== null;
  }

  /**
   * Appends records in one write: in the kernel when it returns (on the disk with `always`). Throws the system's error
   * where nothing was written.
   */
  append(records: readonly RecordText[]): void {
    const length = this.#encode(records);
    const segment = this.#segmentFor(length);
    this.#write(segment, length);
    segment.records += records.length;
    if (this.#options.fsync === 'always') this.#syncNow(segment);
    else segment.dirty = true;
  }

  #encode(records: readonly RecordText[]): number {
    let space = 0;
    for (const { text } of records) space += recordSpace(text);
    if (space > this.#buffer.length) this.#buffer = Buffer.allocUnsafeSlow(space);
    let length = 0;
    for (const { type, text } of records) {
      const bytes = writeRecord(this.#buffer, length, type, text);
      invariant(bytes <= MAX_PAYLOAD_BYTES, 'a record is bounded by the bounds of its fields');
      length += bytes;
    }
    return length;
  }

  #segmentFor(length: number): Segment {
    const live = this.#live;
    if (live && live.bytes + length > this.#options.segmentBytes && live.records > 0) this.retire();
    if (this.#live) return this.#live;
    // The record waits in the buffer: the header is written from one of its own.
    const segment = this.#open();
    this.#live = segment;
    return segment;
  }

  #open(): Segment {
    const { folder, owner, io, clock, board } = this.#options;
    const seq = board.liveSeq;
    const fd = this.#empty ?? io.create(segmentPath(folder, seq));
    // A file whose header could not be written stays open for the next try: a reader may have it open too.
    this.#empty = fd;
    const segment: Segment = {
      fd,
      openedMs: clock.mono(),
      bytes: 0,
      records: 0,
      dirty: true,
      syncing: false,
      retired: false,
    };
    const text = JSON.stringify([FORMAT_VERSION, owner, seq, clock.now(), 0]);
    const header = Buffer.alloc(recordSpace(text));
    const length = writeRecord(header, 0, RecordType.segment, text);
    this.#write(segment, length, header);
    this.#empty = null;
    this.segments += 1;
    this.#syncFolder();
    return segment;
  }

  #write(segment: Segment, length: number, bytes: Buffer = this.#buffer): void {
    const { io } = this.#options;
    let done = 0;
    try {
      while (done < length) done += io.write(segment.fd, bytes, done, length - done);
    } catch (error) {
      if (done > 0) this.#cutBack(segment);
      throw error;
    }
    segment.bytes += length;
    this.writtenBytes += length;
  }

  /** A short write left a piece of a record: cut it off, or leave the file as it is and go on in a new one. */
  #cutBack(segment: Segment): void {
    try {
      this.#options.io.truncate(segment.fd, segment.bytes);
    } catch {
      if (segment === this.#live) this.retire();
      else this.#abandonEmpty();
    }
  }

  #abandonEmpty(): void {
    this.#options.io.close(this.#empty!);
    this.#empty = null;
    this.#options.board.liveSeq += 1;
  }

  #syncNow(segment: Segment): void {
    try {
      this.#options.io.sync(segment.fd);
    } catch (error) {
      this.#options.onSyncFailed(error as Error);
      this.retire();
    }
  }

  #syncFolder(): void {
    if (this.#options.fsync === 'os') return;
    this.#folderSyncs += 1;
    this.#options.io.syncFolderLater(this.#options.folder, (error) => {
      this.#folderSyncs -= 1;
      if (error) this.#options.onSyncFailed(error);
      this.#wakeIfFinished();
    });
  }

  /** Ends the live segment; the next record opens another. */
  retire(): void {
    const live = this.#live;
    if (!live) return;
    this.#live = null;
    this.#options.board.liveSeq += 1;
    live.retired = true;
    this.#retiring.add(live);
    this.#settle(live);
  }

  /** Called by the spool's timer: fsync off the loop, and an end for a segment that is old enough. */
  tick(): void {
    const live = this.#live;
    if (!live) return;
    const old = live.records > 0 && this.#options.clock.mono() - live.openedMs >= this.#options.segmentAgeMs;
    if (old) this.retire();
    else this.#settle(live);
  }

  /** Moves a segment one step towards synced and, where retired, closed. */
  #settle(segment: Segment): void {
    if (segment.syncing) return;
    if (segment.dirty && this.#options.fsync !== 'os') return this.#sync(segment);
    if (segment.retired && this.#retiring.delete(segment)) this.#options.io.close(segment.fd);
    this.#wakeIfFinished();
  }

  get #finished(): boolean {
    return this.#retiring.size === 0 && this.#folderSyncs === 0 && this.#live === null;
  }

  #wakeIfFinished(): void {
    if (this.#finished) for (const wake of this.#waiting.splice(0)) wake();
  }

  #sync(segment: Segment): void {
    segment.syncing = true;
    segment.dirty = false;
    this.#options.io.syncLater(segment.fd, (error) => {
      segment.syncing = false;
      // After a failed fsync the kernel may call pages clean that are not: no record follows them in this file.
      if (error) this.#options.onSyncFailed(error);
      if (error && segment === this.#live) this.retire();
      else this.#settle(segment);
    });
  }

  /** Ends the live segment and resolves when all are synced and closed. */
  finish(): Promise<void> {
    this.retire();
    if (this.#finished) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}
