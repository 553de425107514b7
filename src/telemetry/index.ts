import { Worker } from 'node:worker_threads';
import { moduleUrl } from '#kernel/module-url.ts';
import { Counts, sharedCounts, type CountName } from './counts.ts';
import type { ExporterSettings, ThreadData, ToThread } from './settings.ts';

export { genAiProviderName, type ProviderTable } from './core/gen-ai.ts';
export {
  attemptSpanId,
  isSampled,
  readParent,
  spanIdsOf,
  traceparent,
  type ParentContext,
  type SamplingRules,
} from './core/trace-context.ts';
export type { ExporterSettings, OtlpSettings } from './settings.ts';

/** Calls of one message to the thread: at 5,000 calls a second one every 13 ms. */
const BATCH_CALLS = 64;
/** Calls wait at most this long for their message; a crash loses as many of the signals, and nothing of the ledger. */
const BATCH_MS = 50;
/** Calls that may be with the thread and not taken: some 10 MB. A thread that is further behind loses some, counted. */
const MOST_IN_FLIGHT = 8_192;
/** A thread that ended by itself is not started again and again. */
const RESTART_MS = 10_000;
/** The heap holds the queue of the sender (16 MB) and a batch; a mistake must not take the whole process. */
const HEAP = { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 16 } as const;

export interface TelemetryStats {
  readonly on: boolean;
  readonly sentSpans: number;
  readonly droppedSpans: number;
  /** Calls that the thread had no time for, or made nothing of by a mistake of ours. */
  readonly droppedCalls: number;
  /** Calls that are with the thread. */
  readonly inFlightCalls: number;
  readonly rejectedSpans: number;
  readonly requestsOk: number;
  readonly requestsRetried: number;
  readonly requestsRejected: number;
  readonly queuedBytes: number;
  /** Null: nothing has been accepted since the start. */
  readonly lastOkAtMs: number | null;
}

/**
 * The serving thread's side of the exporter: it hands over what a call has left anyway, its entry as text and two
 * headers, many calls in one message. Building, encoding, sending and waiting are the thread's, which runs while an
 * endpoint is configured.
 */
export class Telemetry {
  readonly #shared = sharedCounts();
  readonly #counts = new Counts(this.#shared);
  readonly #onTrouble: (why: string) => void;
  #settings: ExporterSettings | null = null;
  #worker: Worker | null = null;
  #rows: string[] = [];
  #timer: NodeJS.Timeout | null = null;
  #handed = 0;
  #droppedCalls = 0;
  /** Is there anybody to hand a call to? */
  on = false;

  constructor(onTrouble: (why: string) => void) {
    this.#onTrouble = onTrouble;
  }

  /** Rules by which traces are sampled; null: there are none. */
  get traces() {
    return this.#settings?.otlp.traces ?? null;
  }

  /** Takes other settings, with a reload or at the start; null ends the exporter. */
  use(settings: ExporterSettings | null): void {
    this.#settings = settings;
    this.on = settings !== null;
    if (settings === null) return void this.close(0);
    if (this.#worker) return this.#tell({ do: 'settings', settings });
    this.#start(settings);
  }

  #start(settings: ExporterSettings): void {
    const workerData: ThreadData = { counts: this.#shared, settings };
    const worker = new Worker(moduleUrl('./thread.ts', import.meta.url), {
      workerData,
      resourceLimits: HEAP,
      name: 'telemetry',
    });
    worker.unref();
    worker.on('error', (error) => this.#lost(worker, error as Error));
    this.#handed = this.#counts.get('taken');
    this.#worker = worker;
  }

  /** A mistake of ours in that thread, or too little memory for it, costs signals alone: another starts a while later. */
  #lost(worker: Worker, error: Error): void {
    if (this.#worker !== worker) return;
    this.#worker = null;
    this.on = false;
    this.#onTrouble(`the thread of telemetry ended and is started again: ${error.message}`);
    setTimeout(() => {
      if (this.#settings && !this.#worker) this.use(this.#settings);
    }, RESTART_MS).unref();
  }

  /** One settled call. Called while `on`; costs an array's three slots and a share of a message. */
  settled(text: string, traceparentHeader: string, tracestate: string): void {
    this.#rows.push(text, traceparentHeader, tracestate);
    if (this.#rows.length >= BATCH_CALLS * 3) this.#hand();
    else this.#timer ??= setTimeout(this.#hand, BATCH_MS).unref();
  }

  readonly #hand = (): void => {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    const rows = this.#rows;
    const calls = rows.length / 3;
    if (calls === 0) return;
    this.#rows = [];
    if (!this.#worker || this.#handed - this.#counts.get('taken') > MOST_IN_FLIGHT) {
      this.#droppedCalls += calls;
      return;
    }
    this.#handed += calls;
    this.#tell({ do: 'calls', rows });
  };

  #tell(message: ToThread): void {
    this.#worker?.postMessage(message);
  }

  stats(): TelemetryStats {
    const of = (name: CountName): number => this.#counts.get(name);
    return {
      on: this.on,
      sentSpans: of('sentSpans'),
      droppedSpans: of('droppedSpans'),
      droppedCalls: this.#droppedCalls + of('failed'),
      inFlightCalls: Math.max(0, this.#handed - of('taken')),
      rejectedSpans: of('rejectedSpans'),
      requestsOk: of('requestsOk'),
      requestsRetried: of('requestsRetried'),
      requestsRejected: of('requestsRejected'),
      queuedBytes: of('queuedBytes'),
      lastOkAtMs: of('lastOkAtMs') || null,
    };
  }

  /** Flushes for at most `limitMs` and ends the thread. */
  async close(limitMs: number): Promise<void> {
    this.#settings = null;
    this.#hand();
    const worker = this.#worker;
    this.#worker = null;
    this.on = false;
    if (!worker) return;
    if (limitMs > 0) await flushed(worker, limitMs);
    await worker.terminate();
  }
}

/** The thread answers within its limit; a thread that does not is ended a second later. */
function flushed(worker: Worker, limitMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, limitMs + 1_000);
    const done = (): void => {
      clearTimeout(timer);
      resolve();
    };
    worker.once('message', done);
    worker.once('exit', done);
    worker.postMessage({ do: 'flush', limitMs } satisfies ToThread);
  });
}
