import { mkdirSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { HeadgateError } from '#kernel/errors.ts';
import { timeOrderedId } from '#kernel/ids.ts';
import type { CallId } from '#kernel/brand.ts';
import type { Clock } from '#kernel/clock.ts';
import type { Rng } from '#kernel/rng.ts';
import type { LedgerEntry } from '#ports/entry.ts';
import { encodeEntry } from '#ports/entry-text.ts';
import type { Admission, AttemptStart, ProgressMark } from '../entry/admission.ts';
import { encodeAdmission, encodeAttempt, encodeProgress } from '../entry/open-call-codec.ts';
import { spoolBoard } from './board.ts';
import type { SpoolBoard } from './board.ts';
import { LOCK_FILE, namesIn } from './files.ts';
import { tryLockExisting } from './folder-lock.ts';
import type { FolderLock } from './folder-lock.ts';
import { HeldRecords } from './held-records.ts';
import { nodeIo } from './io.ts';
import type { SpoolIo } from './io.ts';
import { LagMeter } from './lag-meter.ts';
import { RecordType } from './record.ts';
import type { RecordTypeCode } from './record.ts';
import { SegmentWriter } from './segment-writer.ts';
import type { FsyncPolicy, RecordText } from './segment-writer.ts';
import type { OnTrouble } from './trouble.ts';

export interface SpoolOptions {
  /** `<dataDir>/spool`: each process makes a folder of its own in it. */
  readonly dir: string;
  readonly clock: Clock;
  /** For the owner's name alone. */
  readonly rng: Rng;
  /** `interval` by default. `always` blocks the loop for one fsync a turn that records (0.9 ms on an SSD here). */
  readonly fsync?: FsyncPolicy;
  readonly fsyncIntervalMs?: number;
  readonly segmentBytes?: number;
  /** A segment older than this is ended, so that a quiet node's spool empties too. */
  readonly segmentAgeMs?: number;
  /** `stop`: new calls are refused while the ledger cannot be written. `continue`: records wait in memory. */
  readonly onDiskFull?: 'continue' | 'stop';
  /** Above this many bytes of segments that are not deleted, `onDiskFull` holds as if the disk were full. */
  readonly maxBytes?: number;
  /** Characters of records that may wait in memory. */
  readonly maxHeldChars?: number;
  readonly onTrouble: OnTrouble;
  readonly io?: SpoolIo;
}

const DEFAULTS = {
  fsync: 'interval',
  /** The window that a power cut may lose. */
  fsyncIntervalMs: 50,
  /** A few seconds of full load; small enough that the shipper soon deletes it. */
  segmentBytes: 8 * 1024 * 1024,
  segmentAgeMs: 1000,
  onDiskFull: 'continue',
  /** About three million calls: an hour away from the store at 800 calls a second. */
  maxBytes: 8 * 1024 * 1024 * 1024,
  /** About 20,000 calls; within the memory that an idle gate may use. */
  maxHeldChars: 32 * 1024 * 1024,
  io: nodeIo,
} as const;

/** Longest that one tick may write held records: well below the 5 ms that the loop may be held. */
const DRAIN_BUDGET_MS = 2;
const LOST_REPORT_MS = 1000;
const OWNER_TRIES = 3;
const PROBE = JSON.stringify(' '.repeat(4096));

export interface SpoolStats {
  /** Settled calls that the store has not confirmed. */
  readonly unshippedCalls: number;
  /** Bytes of segments that are not deleted yet. */
  readonly unshippedBytes: number;
  /** Age of the oldest settlement that is not confirmed, to a quarter of a second; null: none. */
  readonly oldestUnshippedMs: number | null;
  readonly segments: number;
  /** Records handed to the kernel since the start. */
  readonly written: number;
  readonly openCalls: number;
  readonly diskFull: boolean;
  /** Calls whose records wait in memory. */
  readonly heldCalls: number;
  readonly lostRecords: number;
}

/** Records that wait for the end of their turn; more are written at once. */
const MAX_WAITING = 1_000;

interface WaitingRecord extends RecordText {
  readonly id: CallId;
}

const WRITTEN = Promise.resolve();

/**
 * The serving thread's side of the spool. Records of one turn of the loop go to the kernel together, in one write at
 * its end (group commit): a write costs 2 to 5 µs, a record in it 1. Whoever may not go on before its record is in
 * the kernel awaits `written()`.
 */
export class Spool {
  readonly owner: string;
  readonly folder: string;
  /** Hand `board.shared` to the thread of the shipper. */
  readonly board: SpoolBoard;
  readonly #options: Required<SpoolOptions>;
  readonly #lock: FolderLock;
  readonly #writer: SegmentWriter;
  readonly #held: HeldRecords;
  readonly #lag: LagMeter;
  #waiting: WaitingRecord[] = [];
  #waitingWritten: PromiseWithResolvers<void> | null = null;
  #timer: NodeJS.Timeout | null = null;
  #failing = false;
  #overBound = false;
  #sealed = false;
  #admitted = 0;
  #settled = 0;
  #written = 0;
  #lost = 0;
  #lostReported = 0;
  #lostReportedMs = Number.NEGATIVE_INFINITY;

  constructor(options: SpoolOptions) {
    this.#options = { ...DEFAULTS, ...options };
    const own = ownFolder(options);
    this.owner = own.owner;
    this.folder = own.folder;
    this.#lock = own.lock;
    this.board = spoolBoard();
    this.#held = new HeldRecords(this.#options.maxHeldChars);
    this.#lag = new LagMeter();
    this.#writer = new SegmentWriter({
      ...this.#options,
      folder: this.folder,
      owner: this.owner,
      board: this.board,
      onSyncFailed: (error) => options.onTrouble({ kind: 'sync_failed', message: `fsync failed: ${error.message}` }),
    });
  }

  /**
   * Records that the call is admitted and, where given, that its first attempt is about to be sent. Send nothing
   * before `written()`. Throws `ledger_unavailable` (then nothing is recorded) under `onDiskFull: stop`.
   */
  admit(admission: Admission, firstAttempt: AttemptStart | null = null): void {
    this.#record(admission.id, RecordType.admission, encodeAdmission(admission, firstAttempt), this.#isOverBound());
    this.#admitted += 1;
  }

  /** Records a further attempt; as with `admit`, it is sent once that is written. */
  attempt(id: CallId, start: AttemptStart): void {
    this.#record(id, RecordType.attempt, encodeAttempt(id, start), false);
  }

  /** At most one a second and stream. While the disk is full it is left out: only an estimate depends on it. */
  progress(id: CallId, mark: ProgressMark): void {
    if (!this.#mustHold(id)) this.#wait(id, RecordType.progress, encodeProgress(id, mark));
  }

  /**
   * Records the entry; the answer's last byte goes out once that is written. Never throws: the tokens are paid. Where
   * the disk does not take it, it waits in memory, and `onTrouble` says so. Returns the entry's text.
   */
  settle(entry: LedgerEntry): string {
    const text = encodeEntry(entry);
    this.#settled += 1;
    if (this.#mustHold(entry.id)) this.#hold(entry.id, RecordType.settlement, text);
    else this.#wait(entry.id, RecordType.settlement, text);
    return text;
  }

  /**
   * Resolves when all that was recorded so far is in the kernel or, while the disk is full, in memory. Rejects with
   * `ledger_unavailable` under `onDiskFull: stop` where it could not be written: then no admission or attempt of it
   * is recorded, and settlements wait in memory.
   */
  written(): Promise<void> {
    if (this.#waiting.length === 0) return WRITTEN;
    return (this.#waitingWritten ??= Promise.withResolvers()).promise;
  }

  #record(id: CallId, type: RecordTypeCode, text: string, refuse: boolean): void {
    if (!refuse && !this.#mustHold(id)) return this.#wait(id, type, text);
    if (this.#options.onDiskFull === 'stop') throw new HeadgateError('ledger_unavailable');
    this.#hold(id, type, text);
  }

  /** Records of one call keep their order: what waits is not overtaken. */
  #mustHold(id: string): boolean {
    return this.#failing || (this.#held.size > 0 && this.#held.has(id));
  }

  #wait(id: CallId, type: RecordTypeCode, text: string): void {
    if (this.#waiting.length === 0) setImmediate(this.#flushWaiting);
    this.#waiting.push({ id, type, text });
    if (this.#waiting.length >= MAX_WAITING) this.flush();
  }

  readonly #flushWaiting = (): void => this.flush();

  /** Writes now what waits for the end of the turn. */
  flush(): void {
    const records = this.#waiting;
    if (records.length === 0) return;
    const waiting = this.#waitingWritten;
    this.#waiting = [];
    this.#waitingWritten = null;
    if (this.#append(records)) return waiting?.resolve();
    for (const record of records) this.#unwritten(record);
    if (this.#options.onDiskFull === 'continue') return waiting?.resolve();
    // Nobody may be listening: a settlement alone is awaited by an answer, and is safe in memory.
    waiting?.promise.catch(() => undefined);
    waiting?.reject(new HeadgateError('ledger_unavailable'));
  }

  #append(records: readonly WaitingRecord[]): boolean {
    try {
      this.#writer.append(records);
    } catch (error) {
      this.#fail(error as Error);
      return false;
    }
    this.#written += records.length;
    if (!this.#timer) this.#arm();
    return true;
  }

  #unwritten({ id, type, text }: WaitingRecord): void {
    if (type === RecordType.progress) return;
    if (type === RecordType.settlement || this.#options.onDiskFull === 'continue') return this.#hold(id, type, text);
    if (type === RecordType.admission) this.#admitted -= 1;
  }

  #fail(error: Error): void {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    this.#arm();
    if (this.#failing) return;
    this.#failing = true;
    const then = this.#options.onDiskFull === 'stop' ? 'new calls are refused' : 'records wait in memory';
    this.#options.onTrouble({
      kind: 'write_failed',
      message: `the spool cannot be written, ${then}: ${error.message}`,
    });
  }

  #hold(id: CallId, type: RecordTypeCode, text: string): void {
    this.#arm();
    if (!this.#held.hold(id, type, text)) this.#lose();
  }

  #lose(): void {
    this.#lost += 1;
    const now = this.#options.clock.mono();
    if (now - this.#lostReportedMs < LOST_REPORT_MS) return;
    const records = this.#lost - this.#lostReported;
    this.#lostReported = this.#lost;
    this.#lostReportedMs = now;
    const message = `${records} records of the ledger were given up: disk and memory for them are full`;
    this.#options.onTrouble({ kind: 'records_lost', message, records });
  }

  #bytesOnDisk(): number {
    return this.#writer.writtenBytes - this.board.deletedBytes;
  }

  #isOverBound(): boolean {
    const over = this.#bytesOnDisk() >= this.#options.maxBytes;
    if (over && !this.#overBound) {
      const message = `the spool holds ${this.#bytesOnDisk()} bytes that the store has not taken: its bound is reached`;
      this.#options.onTrouble({ kind: 'spool_full', message });
    }
    this.#overBound = over;
    return over;
  }

  #arm(): void {
    if (this.#timer || this.#sealed) return;
    this.#timer = setTimeout(() => this.#tick(), this.#options.fsyncIntervalMs);
    this.#timer.unref();
  }

  #tick(): void {
    this.#timer = null;
    if (this.#held.size > 0 || this.#failing) this.#drainHeld(DRAIN_BUDGET_MS);
    this.#writer.tick();
    this.#lag.mark(this.#settled, this.#options.clock.mono());
    if (this.#writer.hasLive || this.#held.size > 0 || this.#failing) this.#arm();
  }

  /** Tries to write what waits, for at most `budgetMs` of the loop's time. */
  #drainHeld(budgetMs: number): void {
    if (this.#isOverBound()) return;
    const end = this.#options.clock.mono() + budgetMs;
    try {
      this.#held.drain(
        (type, text) => {
          this.#writer.append([{ type, text }]);
          this.#written += 1;
        },
        () => this.#options.clock.mono() > end,
      );
      // A page of padding proves that there is room; one small record might fit into the last block by luck.
      if (this.#failing && this.#held.size === 0) this.#writer.append([{ type: RecordType.padding, text: PROBE }]);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === undefined) throw error;
      return this.#fail(error as Error);
    }
    if (this.#failing && this.#held.size === 0) this.#recover();
  }

  #recover(): void {
    this.#failing = false;
    this.#options.onTrouble({
      kind: 'write_recovered',
      message: 'the spool is written again; nothing waits in memory',
    });
  }

  stats(): SpoolStats {
    const shipped = this.board.shippedCalls;
    this.#lag.mark(this.#settled, this.#options.clock.mono());
    return {
      unshippedCalls: this.#settled - shipped,
      unshippedBytes: this.#bytesOnDisk(),
      oldestUnshippedMs: this.#lag.oldestMs(this.#settled, shipped, this.#options.clock.mono()),
      segments: this.#writer.segments - this.board.deletedSegments,
      written: this.#written,
      openCalls: this.#admitted - this.#settled,
      diskFull: this.#failing || this.#overBound,
      heldCalls: this.#held.size,
      lostRecords: this.#lost,
    };
  }

  /**
   * No more records: writes what waits, ends the live segment and resolves when all is on the disk. The folder stays
   * owned, so that the shipper can empty it; then `release`.
   */
  async seal(): Promise<void> {
    this.flush();
    this.#sealed = true;
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#drainHeld(Number.POSITIVE_INFINITY);
    await this.#writer.finish();
  }

  /** Gives the folder up: what is left in it is recovered by whoever starts next. Removes it where nothing is left. */
  release(): void {
    const empty = namesIn(this.folder).every((name) => name.startsWith(LOCK_FILE));
    if (empty) rmSync(join(this.folder, LOCK_FILE), { force: true });
    this.#lock.release();
    if (empty) rmdirSync(this.folder);
  }
}

/** A new folder under a name that nobody had, locked. */
function ownFolder({ dir, clock, rng }: SpoolOptions): { owner: string; folder: string; lock: FolderLock } {
  for (let attempt = 1; ; attempt++) {
    const owner = timeOrderedId('own_', clock.now(), rng);
    const folder = join(dir, owner);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    // Between the two lines another process may take the folder for an orphan: then another name.
    const lock = lockNew(folder);
    if (lock) return { owner, folder, lock };
    if (attempt === OWNER_TRIES) throw new HeadgateError('ledger_unavailable', { message: `No spool in ${dir}.` });
  }
}

function lockNew(folder: string): FolderLock | null {
  const lock = tryLockExisting(join(folder, LOCK_FILE));
  if (lock && namesIn(folder).includes(LOCK_FILE)) return lock;
  lock?.release();
  return null;
}

/** Opens a spool of this process's own below `dir` (`<dataDir>/spool`). */
export const openSpool = (options: SpoolOptions): Spool => new Spool(options);
