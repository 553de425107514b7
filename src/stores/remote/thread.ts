import { MessageChannel, Worker, type MessagePort } from 'node:worker_threads';
import type { DiedStream } from '#ports/died-stream.ts';
import type { FeedService } from '#ports/feeds.ts';
import type { LedgerStore } from '#ports/ledger-store.ts';
import type { StateStore } from '#ports/state-store.ts';
import { RemoteClient, type ClientOptions } from './channel.ts';
import type { JobQueue } from '#ports/job-queue.ts';
import type { Scores } from '#ports/scores.ts';
import type { StoredThings } from '#ports/stored-things.ts';
import { remoteFeeds } from './feeds.ts';
import { remoteJobs } from './job-queue.ts';
import { remoteLedger } from './ledger-store.ts';
import { remoteScores } from './scores.ts';
import { remoteThings } from './stored-things.ts';
import { remoteState } from './state-store.ts';

export const SHIPPER_TARGET = 'shipper';

/** The thread settled streams of a process that died, each once. */
export interface DiedStreams {
  readonly kind: 'died';
  readonly streams: readonly DiedStream[];
}

export const isDied = (notice: unknown): notice is DiedStreams => (notice as Partial<DiedStreams>).kind === 'died';

/** What the thread is started with. */
export interface StoreThreadData {
  /** Folder of `ledger.db`, `state.db`, `work.db` and `spool/`. */
  readonly dataDir: string;
  readonly port: MessagePort;
}

/** The spool that the thread follows: its owner and the memory it shares with the writer. */
export interface LiveSpool {
  readonly owner: string;
  readonly shared: SharedArrayBuffer;
}

export interface StoreThreadOptions extends ClientOptions {
  /** Module of the thread: `src/worker.ts`. */
  readonly entry: URL;
  readonly dataDir: string;
}

/** The thread in which SQL runs, so that no call of the serving thread ever waits for a disk or a lock. */
export interface StoreThread {
  readonly ledger: LedgerStore;
  readonly state: StateStore;
  readonly jobs: JobQueue;
  readonly things: StoredThings;
  readonly scores: Scores;
  readonly feeds: FeedService;
  /** Asks a target of the thread's own that is no port. */
  readonly ask: (target: string, method: string, args: readonly unknown[]) => Promise<unknown>;
  /** Starts shipping `<dataDir>/spool`: the live spool and orphaned ones; null: orphaned ones alone. */
  ship(live: LiveSpool | null): Promise<void>;
  /** Resolves when all orphaned spools of the start are in the store; waits while the store is away. */
  adopted(): Promise<void>;
  wake(): void;
  /** Ships what a sealed spool still holds, for at most `limitMs`; true: nothing is left. */
  drain(limitMs: number): Promise<boolean>;
  /** Stops shipping, closes the stores and ends the thread. */
  close(): Promise<void>;
  /** Settles when the thread has ended: null as asked, else why. */
  readonly ended: Promise<Error | null>;
}

// The heap holds batches and answers, not the ledger: 256 MB are twice what the largest answer takes (its groups are
// bounded), and keep a mistake in a report from taking the whole process. The young half small: it is idle most of the time.
const HEAP = { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 8 } as const;
// A drain answers after its own limit; the store's last transaction may take this much longer.
const DRAIN_GRACE_MS = 5_000;
// Adoption waits for the store, which may be away for days: timers take at most 2^31 − 1 ms.
const NO_LIMIT_MS = 2 ** 31 - 1;

export function startStoreThread(options: StoreThreadOptions): StoreThread {
  const { entry, dataDir, ...client } = options;
  const { port1, port2 } = new MessageChannel();
  const workerData: StoreThreadData = { dataDir, port: port2 };
  const worker = new Worker(entry, { workerData, transferList: [port2], resourceLimits: HEAP, name: 'stores' });
  const remote = new RemoteClient(port1, client);
  const ended = endOf(worker);
  const call = (method: string, args: readonly unknown[], limitMs?: number): Promise<unknown> =>
    remote.call(SHIPPER_TARGET, method, args, limitMs);
  return {
    ledger: remoteLedger(remote),
    state: remoteState(remote),
    jobs: remoteJobs(remote),
    things: remoteThings(remote),
    scores: remoteScores(remote),
    feeds: remoteFeeds(remote),
    ask: (target, method, args) => remote.call(target, method, args),
    ship: async (live) => void (await call('start', [live])),
    adopted: async () => void (await call('adopted', [], NO_LIMIT_MS)),
    wake: () => void call('wake', []).catch(() => undefined),
    drain: async (limitMs) => (await call('drain', [limitMs], limitMs + DRAIN_GRACE_MS)) as boolean,
    close: async () => {
      await call('close', []).catch(() => undefined);
      port1.close();
      await ended;
    },
    ended,
  };
}

function endOf(worker: Worker): Promise<Error | null> {
  const { promise, resolve } = Promise.withResolvers<Error | null>();
  worker.once('error', (error) => resolve(error as Error));
  worker.once('exit', (code) => resolve(code === 0 ? null : new Error(`the thread of the stores ended with ${code}`)));
  return promise;
}
