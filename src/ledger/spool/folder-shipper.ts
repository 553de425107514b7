import { rmSync } from 'node:fs';
import { basename } from 'node:path';
import type { Clock } from '#kernel/clock.ts';
import type { DiedStream } from '#ports/died-stream.ts';
import type { LedgerEntry } from '#ports/entry.ts';
import { encodeEntry, type ShippedEntry } from '#ports/entry-text.ts';
import type { SpoolBoard } from './board.ts';
import { CallBook, entryIn } from './call-book.ts';
import type { SettledEntry } from './call-book.ts';
import { segmentNumbers, segmentPath } from './files.ts';
import type { SpoolIo } from './io.ts';
import { Reclaimer } from './reclaim.ts';
import { SegmentReader } from './segment-reader.ts';
import type { OnTrouble } from './trouble.ts';

/** Entries read ahead of the store: while it is away, the rest stays on the disk. */
const MAX_READ_AHEAD = 4000;

export interface FolderShipperOptions {
  readonly folder: string;
  /** Null: nobody writes the folder any more, and we hold its lock. */
  readonly board: SpoolBoard | null;
  readonly io: SpoolIo;
  readonly clock: Clock;
  readonly onTrouble: OnTrouble;
  /** Confirmed segments that may wait for a carry file. */
  readonly maxWaitingSegments: number;
}

/** A batch on its way to the store. */
export interface Batch {
  readonly entries: Iterable<ShippedEntry>;
  readonly settled: readonly SettledEntry[];
  /** Of these, streams that died with their process. */
  readonly died: ReadonlyMap<string, DiedStream>;
}

const NONE: Batch['died'] = new Map<string, DiedStream>();
/** Segment of an entry that was made and not read. */
const MADE = -1;

/** One spool folder on its way into the store: read, batch, confirm, delete. The store itself is called outside. */
export class FolderShipper {
  readonly folder: string;
  readonly #options: FolderShipperOptions;
  readonly #book = new CallBook();
  readonly #reader: SegmentReader;
  readonly #reclaimer: Reclaimer;
  #ready: SettledEntry[] = [];
  #readySinceMs = 0;
  #interrupted: Generator<LedgerEntry> | null = null;
  #interruptedCount = 0;
  /** Streams among those that are not confirmed yet. */
  readonly #died = new Map<string, DiedStream>();
  #exhausted = false;

  constructor(options: FolderShipperOptions) {
    this.folder = options.folder;
    this.#options = options;
    const { folder, board, io, clock, onTrouble, maxWaitingSegments } = options;
    if (board) board.shippedCalls = board.deletedCalls;
    this.#reclaimer = new Reclaimer({
      folder,
      owner: basename(folder),
      io,
      board,
      book: this.#book,
      now: () => clock.now(),
      maxWaitingSegments,
    });
    this.#reader = new SegmentReader({
      folder,
      onTrouble,
      liveSeq: () => board?.liveSeq ?? Number.POSITIVE_INFINITY,
      visit: (seq, record) => this.#queue(this.#book.take(seq, record)),
      onChunkEnd: () => this.#book.endChunk(),
      onSegmentEnd: (seq, bytes) => this.#reclaimer.ended(seq, bytes),
    });
  }

  #queue(settled: SettledEntry | null): void {
    if (!settled) return;
    if (this.#ready.length === 0) this.#readySinceMs = this.#options.clock.mono();
    if (settled.seq !== MADE) this.#reclaimer.settledIn(settled.seq);
    this.#ready.push(settled);
  }

  /** Reads what is there, up to the bound. */
  read(): void {
    while (this.#ready.length < MAX_READ_AHEAD) if (!this.#reader.step()) return this.#readEnd();
  }

  /** All is read. In a dead process's folder, calls that are still open become entries now. */
  #readEnd(): void {
    if (this.#options.board || this.#reader.unreadable) return;
    this.#interrupted ??= this.#book.interrupted();
    while (this.#ready.length < MAX_READ_AHEAD) {
      const { value } = this.#interrupted.next() as { value?: LedgerEntry };
      if (!value) return void (this.#exhausted = true);
      this.#interruptedCount += 1;
      const { id, tenant, protocol, stream } = value;
      if (stream) this.#died.set(id, { id, tenant, protocol });
      this.#queue({ seq: MADE, id, payload: Buffer.from(encodeEntry(value)) });
    }
  }

  /** The next entries: a full batch, or whatever there is once the first has waited `waitMs`. */
  batch(maxEntries: number, waitMs: number): Batch | null {
    const waited = this.#options.clock.mono() - this.#readySinceMs;
    if (this.#ready.length === 0 || (this.#ready.length < maxEntries && waited < waitMs)) return null;
    const settled = this.#ready.slice(0, maxEntries);
    return {
      settled,
      died: this.#diedOf(settled),
      entries: { [Symbol.iterator]: () => settled.values().map(entryIn) },
    };
  }

  #diedOf(settled: readonly SettledEntry[]): Batch['died'] {
    if (this.#died.size === 0) return NONE;
    const died = new Map<string, DiedStream>();
    for (const { id } of settled) {
      const stream = this.#died.get(id);
      if (stream !== undefined) died.set(id, stream);
    }
    return died;
  }

  /** The store has the batch, durably. */
  confirm(batch: Batch): void {
    this.#ready = this.#ready.slice(batch.settled.length);
    for (const { seq, id } of batch.settled) {
      this.#book.confirm(id);
      this.#died.delete(id);
      if (seq !== MADE) this.#reclaimer.confirmedIn(seq);
    }
    if (this.#options.board) this.#options.board.shippedCalls += batch.settled.length;
  }

  /**
   * Deletes what is confirmed. Nothing is deleted where a newer Headgate's file was met. Where the disk does not let
   * it, shipping goes on and the next round tries again; the trouble is told once until it is over.
   */
  reclaim(all = false): void {
    if (this.#reader.unreadable) return;
    try {
      this.#deleteCovered();
      this.#reclaimer.reclaim(all || this.done);
      if (this.done) this.#deleteAll();
      this.#reclaimFails = false;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === undefined) throw error;
      if (!this.#reclaimFails) this.#options.onTrouble({ kind: 'reclaim_failed', message: (error as Error).message });
      this.#reclaimFails = true;
    }
  }
  #reclaimFails = false;

  /** Segments that a crash left behind after the carry file took their place. */
  #deleteCovered(): void {
    if (this.#coveredDone || this.#reader.coveredSeq === 0) return;
    for (const seq of segmentNumbers(this.folder)) {
      if (seq <= this.#reader.coveredSeq) this.#options.io.unlink(segmentPath(this.folder, seq));
    }
    this.#coveredDone = true;
  }
  #coveredDone = false;

  /** A dead process's folder is in the store as a whole. */
  get done(): boolean {
    return this.#exhausted && this.#ready.length === 0;
  }
  get idle(): boolean {
    return this.#ready.length === 0;
  }
  /** A file of the folder cannot be understood: it stays for a newer Headgate. */
  get unreadable(): boolean {
    return this.#reader.unreadable;
  }

  #deleteAll(): void {
    const { onTrouble } = this.#options;
    rmSync(this.folder, { recursive: true, force: true });
    if (this.#interruptedCount === 0) return;
    const message = `${this.#interruptedCount} calls of a process that died are in the ledger as interrupted`;
    onTrouble({ kind: 'recovered', message, interrupted: this.#interruptedCount });
  }

  close(): void {
    this.#reader.close();
  }
}
