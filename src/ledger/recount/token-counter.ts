import { Worker } from 'node:worker_threads';
import { moduleUrl } from '#kernel/module-url.ts';
import type { DialectName } from '#wire/canonical.ts';
import type { Tokenizer } from './tokenizer-of.ts';

export interface CountRequest {
  readonly id: number;
  readonly dialect: DialectName;
  readonly tokenizer: Tokenizer;
  /** The stream as the provider sent it. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Why a stream has no exact count. */
export type Uncounted =
  /** It outgrew the room that is kept. */
  | 'no_room'
  /** Too many wait already. */
  | 'busy'
  /** One unbroken run of characters, which a tokenizer takes quadratic time for. */
  | 'too_hard'
  /** The time of a count was over. */
  | 'timeout'
  | 'failed';

export interface CountReply {
  readonly id: number;
  readonly tokens: number | null;
  readonly why: Uncounted | null;
}

/** The vocabulary is loaded: from here on the time of the count runs. */
export interface CountBegun {
  readonly id: number;
  readonly begun: true;
}

export type Counted = Pick<CountReply, 'tokens' | 'why'>;

export interface CounterLimits {
  /** Longest that one count may take once its vocabulary is loaded (0.4 s). */
  readonly mostMs: number;
  readonly mostWaiting: number;
  /** A thread with a vocabulary holds 110 MB: it ends when nothing was cut for so long. */
  readonly idleMs: number;
}

const LIMITS: CounterLimits = { mostMs: 2_000, mostWaiting: 256, idleMs: 60_000 };
/** Starting the thread and loading a vocabulary, on a busy machine. */
const LOAD_MS = 8_000;
const HEAP = { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 16 } as const;

type Job = Omit<CountRequest, 'id' | 'bytes'> & { readonly chunks: readonly Buffer[] };
interface Waiting {
  readonly job: Job;
  readonly done: (counted: Counted) => void;
}

/**
 * Counts tokens in a thread of its own, one stream at a time. A count that takes too long ends with its thread, and
 * after each the thread rests as long as it worked: whoever cuts streams on purpose gets half a core at most.
 */
export class TokenCounter {
  readonly #limits: CounterLimits;
  readonly #waiting: Waiting[] = [];
  #running: Waiting | null = null;
  /** Counting, or resting from it. */
  #busy = false;
  #since = 0;
  #worker: Worker | null = null;
  #timer: NodeJS.Timeout | null = null;
  #id = 0;
  #closed = false;

  constructor(limits: Partial<CounterLimits> = {}) {
    this.#limits = { ...LIMITS, ...limits };
  }

  /** Never rejects. The chunks may be let go once it has resolved. */
  count(job: Job): Promise<Counted> {
    if (this.#closed) return Promise.resolve({ tokens: null, why: 'failed' });
    if (this.#waiting.length >= this.#limits.mostWaiting) return Promise.resolve({ tokens: null, why: 'busy' });
    return new Promise((done) => {
      this.#waiting.push({ job, done });
      if (!this.#busy) void this.#next();
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#end('failed');
    for (const { done } of this.#waiting.splice(0)) done({ tokens: null, why: 'failed' });
  }

  async #next(): Promise<void> {
    const next = (this.#running = this.#waiting.shift() ?? null);
    this.#busy = next !== null;
    if (!next) return this.#after(this.#limits.idleMs, () => void this.#end(null));
    this.#since = performance.now();
    const { chunks, ...job } = next.job;
    const bytes = await copied(chunks);
    if (this.#running !== next) return;
    this.#after(LOAD_MS, () => void this.#end('timeout'));
    this.#thread().postMessage({ id: ++this.#id, ...job, bytes } satisfies CountRequest, [bytes.buffer]);
  }

  #heard(reply: CountReply | CountBegun): void {
    if (reply.id !== this.#id || !this.#running) return;
    if ('begun' in reply) return this.#after(this.#limits.mostMs, () => void this.#end('timeout'));
    const { done } = this.#running;
    this.#running = null;
    this.#rest();
    done({ tokens: reply.tokens, why: reply.why });
  }

  #rest(): void {
    this.#after(performance.now() - this.#since, () => void this.#next());
  }

  /** Ends the thread, and with it the count under way. */
  async #end(why: Uncounted | null): Promise<void> {
    const [worker, running] = [this.#worker, this.#running];
    this.#worker = null;
    this.#running = null;
    this.#id++;
    if (this.#timer) clearTimeout(this.#timer);
    await worker?.terminate();
    if (!running) return;
    if (!this.#closed) this.#rest();
    running.done({ tokens: null, why });
  }

  #thread(): Worker {
    if (this.#worker) return this.#worker;
    const worker = new Worker(moduleUrl('./thread.ts', import.meta.url), { resourceLimits: HEAP, name: 'recount' });
    worker.unref();
    const lost = (): void => void (this.#worker === worker && this.#end('failed'));
    worker.on('message', (reply: CountReply | CountBegun) => this.#heard(reply));
    worker.on('error', lost);
    worker.on('exit', lost);
    return (this.#worker = worker);
  }

  #after(ms: number, then: () => void): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = setTimeout(then, ms).unref();
  }
}

/** What is copied in one turn of the loop: more of it holds the loop for milliseconds. */
const COPY_BYTES = 256 * 1024;

/** One allocation that can change threads: the chunks themselves may still be on their way to the client. */
async function copied(chunks: readonly Buffer[]): Promise<Buffer<ArrayBuffer>> {
  // Unpooled, so that the whole allocation is its own.
  const whole = Buffer.allocUnsafeSlow(chunks.reduce((sum, { length }) => sum + length, 0));
  let [at, turn] = [0, 0];
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
    if (at - turn < COPY_BYTES) continue;
    turn = at;
    await new Promise(setImmediate);
  }
  return whole;
}
