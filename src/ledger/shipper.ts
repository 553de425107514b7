import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';
import type { Clock } from '#kernel/clock.ts';
import type { Rng } from '#kernel/rng.ts';
import type { DiedStream } from '#ports/died-stream.ts';
import type { ShippedEntry } from '#ports/entry-text.ts';
import type { LedgerStore } from '#ports/ledger-store.ts';
import { spoolBoard } from './spool/board.ts';
import { LOCK_FILE, ownerFolders } from './spool/files.ts';
import { tryLockExisting } from './spool/folder-lock.ts';
import type { FolderLock } from './spool/folder-lock.ts';
import { FolderShipper, type Batch } from './spool/folder-shipper.ts';
import { nodeIo } from './spool/io.ts';
import type { SpoolIo } from './spool/io.ts';
import { MAX_WAITING_SEGMENTS } from './spool/reclaim.ts';
import type { OnTrouble } from './spool/trouble.ts';

export interface ShipperOptions {
  /** `<dataDir>/spool`. */
  readonly dir: string;
  /** The spool of this process: its owner and `spool.board.shared`. Null: adopt orphaned folders alone. */
  readonly live: { readonly owner: string; readonly shared: SharedArrayBuffer } | null;
  readonly ship: LedgerStore['ship'];
  /** Who counts the streams that died with their process; absent: nobody does. */
  readonly died?: CountsTheDead | null;
  readonly clock: Clock;
  /** For the jitter of retries. */
  readonly rng: Rng;
  readonly onTrouble: OnTrouble;
  readonly io?: SpoolIo;
  /** Entries of one transaction. */
  readonly batchEntries?: number;
  /** Longest that an entry waits for its batch to fill. */
  readonly batchMs?: number;
  readonly pollMs?: number;
  /** How often orphaned folders are looked for. */
  readonly adoptEveryMs?: number;
  readonly retryBaseMs?: number;
  readonly retryMaxMs?: number;
  /** Confirmed segments that may wait until their open calls are carried into another file. */
  readonly maxWaitingSegments?: number;
}

export interface CountsTheDead {
  /** Ships, and resolves with the ids that the store did not have: another process may have shipped them before it died. */
  readonly ship: (batch: Iterable<ShippedEntry>) => Promise<readonly string[]>;
  /** Each stream that died is told once, when its entry is in the store. */
  readonly told: (streams: readonly DiedStream[]) => void;
}

const DEFAULTS = {
  died: null,
  io: nodeIo,
  batchEntries: 1000,
  batchMs: 250,
  /** An idle poll is one read of nothing (2 µs). */
  pollMs: 100,
  adoptEveryMs: 30_000,
  retryBaseMs: 250,
  retryMaxMs: 15_000,
  maxWaitingSegments: MAX_WAITING_SEGMENTS,
} as const;

export interface Shipper {
  /** Ships at once instead of at the next poll. */
  wake(): void;
  /** Ships what the sealed spool still holds, for at most `limitMs`, and stops. True: nothing is left. */
  drain(limitMs: number): Promise<boolean>;
  /** Stops after the batch under way; the rest stays in the spool. */
  stop(): Promise<void>;
  /** Resolves when all orphaned folders of the start are in the store; pending while the store is away. */
  readonly adopted: Promise<void>;
  /** Rejects where the shipper itself failed; resolves when it has stopped. */
  readonly ended: Promise<void>;
}

interface Adopted {
  readonly shipper: FolderShipper;
  readonly lock: FolderLock;
}

class RunningShipper implements Shipper {
  readonly #options: Required<ShipperOptions>;
  readonly #live: FolderShipper | null;
  #orphans: Adopted[] = [];
  #adoptAtMs = Number.NEGATIVE_INFINITY;
  #failures = 0;
  #mode: 'run' | 'drain' | 'stop' = 'run';
  #wake = new AbortController();
  readonly #adopted = Promise.withResolvers<void>();
  readonly ended: Promise<void>;

  constructor(options: ShipperOptions) {
    this.#options = { ...DEFAULTS, ...options };
    const { dir, live } = this.#options;
    this.#live = live && this.#folder(join(dir, live.owner), live.shared);
    this.ended = this.#run();
  }

  get adopted(): Promise<void> {
    return this.#adopted.promise;
  }

  #folder(folder: string, shared: SharedArrayBuffer | null): FolderShipper {
    const { io, clock, onTrouble, maxWaitingSegments } = this.#options;
    const board = shared && spoolBoard(shared);
    return new FolderShipper({ folder, board, io, clock, onTrouble, maxWaitingSegments });
  }

  async #run(): Promise<void> {
    try {
      while (this.#mode !== 'stop') {
        this.#adopt();
        const worked = await this.#round();
        if (this.#orphans.length === 0) this.#adopted.resolve();
        if (this.#mode === 'drain' && this.#isDrained()) break;
        if (!worked) await this.#pause(this.#options.pollMs);
      }
    } finally {
      this.#live?.close();
      for (const orphan of this.#orphans) this.#letGo(orphan);
    }
  }

  /** Takes the folders that nobody owns. The lock decides: a folder of a living process stays closed to us. */
  #adopt(): void {
    const { clock, dir, live, adoptEveryMs } = this.#options;
    if (clock.mono() - this.#adoptAtMs < adoptEveryMs) return;
    this.#adoptAtMs = clock.mono();
    const mine = new Set(this.#orphans.map(({ shipper }) => shipper.folder));
    for (const { owner, folder } of ownerFolders(dir)) {
      if (owner === live?.owner || mine.has(folder)) continue;
      const lock = tryLockExisting(join(folder, LOCK_FILE));
      if (lock) this.#orphans.push({ lock, shipper: this.#folder(folder, null) });
    }
  }

  /** One batch of each folder. True: there may be more at once. */
  async #round(): Promise<boolean> {
    let worked = false;
    if (this.#live) worked = await this.#shipFrom(this.#live);
    for (const orphan of [...this.#orphans]) {
      worked = (await this.#shipFrom(orphan.shipper)) || worked;
      if (orphan.shipper.done || orphan.shipper.unreadable) this.#letGo(orphan);
    }
    return worked;
  }

  #letGo(orphan: Adopted): void {
    orphan.shipper.close();
    orphan.lock.release();
    this.#orphans = this.#orphans.filter((other) => other !== orphan);
  }

  async #shipFrom(shipper: FolderShipper): Promise<boolean> {
    shipper.read();
    const hurry = this.#mode === 'drain' || shipper !== this.#live;
    const batch = shipper.batch(this.#options.batchEntries, hurry ? 0 : this.#options.batchMs);
    if (batch && !(await this.#send(batch))) return false;
    if (batch) shipper.confirm(batch);
    shipper.reclaim(this.#mode === 'drain');
    return batch !== null;
  }

  async #send(batch: Batch): Promise<boolean> {
    try {
      await this.#store(batch);
    } catch (error) {
      await this.#backOff(error as Error);
      return false;
    }
    if (this.#failures > 0) this.#options.onTrouble({ kind: 'store_back', message: 'the store takes entries again' });
    this.#failures = 0;
    return true;
  }

  async #store({ entries, died }: Batch): Promise<void> {
    const { ship, died: counts } = this.#options;
    if (died.size === 0 || counts === null) return void (await ship(entries));
    const added = await counts.ship(entries);
    const streams = added.map((id) => died.get(id)).filter((stream) => stream !== undefined);
    if (streams.length > 0) counts.told(streams);
  }

  /** Doubles up to the bound, with full jitter in the upper half, so that nodes do not come back in step. */
  async #backOff(error: Error): Promise<void> {
    const { retryBaseMs, retryMaxMs, rng, onTrouble } = this.#options;
    const longest = Math.min(retryMaxMs, retryBaseMs * 2 ** Math.min(this.#failures, 30));
    this.#failures += 1;
    const retryMs = Math.round(longest * (0.5 + rng.next() / 2));
    onTrouble({ kind: 'store_away', retryMs, message: `the store took no batch, it is tried again: ${error.message}` });
    await this.#pause(retryMs);
  }

  async #pause(ms: number): Promise<void> {
    if (this.#mode === 'stop') return;
    const { signal } = this.#wake;
    await sleep(ms, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) this.#wake = new AbortController();
  }

  #isDrained(): boolean {
    return this.#orphans.length === 0 && (this.#live === null || this.#live.idle);
  }

  wake(): void {
    this.#wake.abort();
  }

  async drain(limitMs: number): Promise<boolean> {
    if (this.#mode === 'run') this.#mode = 'drain';
    this.wake();
    const limit = setTimeout(() => void this.stop(), limitMs);
    await this.ended;
    clearTimeout(limit);
    return this.#isDrained();
  }

  async stop(): Promise<void> {
    this.#mode = 'stop';
    this.wake();
    await this.ended;
  }
}

/**
 * Ships settled entries of a spool into a store until stopped: follows the live segment, adopts orphaned folders and
 * deletes what the store has confirmed. Reads synchronously: run it in a thread of its own.
 */
export const runShipper = (options: ShipperOptions): Shipper => new RunningShipper(options);
