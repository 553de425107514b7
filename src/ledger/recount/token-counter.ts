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

export type Counted = Pick<CountReply, 'tokens' | 'why'>;

export interface CounterLimits {
  /** Longest that one count may take, its tokenizer's loading (0.4 s) not included. */
  readonly mostMs: number;
  readonly mostWaiting: number;
  /** A thread with a vocabulary holds 110 MB: it ends when nothing was cut for so long. */
  readonly idleMs: number;
}

const LIMITS: CounterLimits = { mostMs: 2_000, mostWaiting: 256, idleMs: 60_000 };
/** Loading the vocabulary on a busy machine. */
const LOAD_MS = 8_000;
const HEAP = { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 16 } as const;

type Job = Omit<CountRequest, 'id' | 'bytes'> & { readonly chunks: readonly Buffer[] };
interface Waiting {
  readonly job: Job;
  readonly done: (counted: Counted) => void;
}

/** Counts tokens in a thread of its own, one stream at a time. A count that takes too long ends with its thread. */
export class TokenCounter {
  readonly #limits: CounterLimits;
  readonly #waiting: Waiting[] = [];
  readonly #loaded = new Set<Tokenizer>();
  #running: Waiting | null = null;
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
      if (!this.#running) void this.#next();
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#end({ tokens: null, why: 'failed' });
    for (const { done } of this.#waiting.splice(0)) done({ tokens: null, why: 'failed' });
  }

  async #next(): Promise<void> {
    const next = (this.#running = this.#waiting.shift() ?? null);
    this.#after(next ? null : this.#limits.idleMs, () => void this.#end(null));
    if (!next) return;
    const { chunks, ...job } = next.job;
    const bytes = await copied(chunks);
    if (this.#running !== next) return;
    const load = this.#loaded.has(job.tokenizer) ? 0 : LOAD_MS;
    this.#after(this.#limits.mostMs + load, () => void this.#end({ tokens: null, why: 'timeout' }));
    this.#thread().postMessage({ id: ++this.#id, ...job, bytes } satisfies CountRequest, [bytes.buffer]);
  }

  #settle({ id, tokens, why }: CountReply): void {
    if (id !== this.#id || !this.#running) return;
    if (tokens !== null) this.#loaded.add(this.#running.job.tokenizer);
    this.#running.done({ tokens, why });
    void this.#next();
  }

  /** Ends the thread, and with it the count under way, and goes on with the next. */
  async #end(counted: Counted | null): Promise<void> {
    const [worker, running] = [this.#worker, this.#running];
    this.#worker = null;
    this.#running = null;
    this.#id++;
    this.#loaded.clear();
    this.#after(null, () => undefined);
    await worker?.terminate();
    if (running) running.done(counted ?? { tokens: null, why: 'failed' });
    if (!this.#closed && !this.#running && this.#waiting.length > 0) await this.#next();
  }

  #thread(): Worker {
    if (this.#worker) return this.#worker;
    const worker = new Worker(moduleUrl('./thread.ts', import.meta.url), { resourceLimits: HEAP, name: 'recount' });
    worker.unref();
    const lost = (): void => void (this.#worker === worker && this.#end({ tokens: null, why: 'failed' }));
    worker.on('message', (reply: CountReply) => this.#settle(reply));
    worker.on('error', lost);
    worker.on('exit', lost);
    return (this.#worker = worker);
  }

  #after(ms: number | null, then: () => void): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = ms === null ? null : setTimeout(then, ms).unref();
  }
}

/** What is copied in one turn of the loop: more of it holds the loop for milliseconds. */
const COPY_BYTES = 256 * 1024;

/** One allocation that can change threads: the chunks themselves may still be on their way to the client. */
async function copied(chunks: readonly Buffer[]): Promise<Uint8Array<ArrayBuffer>> {
  const whole = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
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
