import {
  Cut,
  StreamError,
  StreamGone,
  StreamInterrupted,
  StreamRefused,
  StreamTruncated,
  type StreamEnd,
} from './errors.ts';
import {
  isKeyed,
  seqOf,
  type Call,
  type Connecting,
  type Form,
  type Item,
  type Source,
  type StreamEvent,
} from './source.ts';
import { sha256, textIn } from './text.ts';

/** How long and how often a stream that broke off is taken up again. */
export interface Patience {
  /** Connections without a new event, one after the other; then it is interrupted. Default 8. */
  readonly attempts: number;
  /** Without a new event for so long, in milliseconds, it is interrupted. Default 60,000. */
  readonly totalMs: number;
  /** First and longest wait before another connection, in milliseconds; drawn from 0 to that. Default 250, 10,000. */
  readonly waitMs: number;
  readonly mostWaitMs: number;
}

export interface StreamParts {
  readonly source: Source;
  readonly connecting: Connecting;
  readonly patience: Patience;
  readonly call: Call | null;
  readonly id: string | null;
  readonly after: string | null;
  readonly form: Form;
  readonly signal: AbortSignal | undefined;
  /** Milliseconds that only go forward. */
  readonly now: () => number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly cancel: (id: string) => Promise<void>;
}

/** A stream of events that goes on over connections that break. Read it once, with `for await`. */
export class HeadgateStream<T = unknown> implements AsyncIterable<StreamEvent<T>> {
  readonly #parts: StreamParts;
  readonly #left = new AbortController();
  #id: string | null;
  #position: string | null;
  /** Of what was handed out; -1: nothing. */
  #seq: number;
  #end: StreamEnd | null = null;
  /** Null: it cannot be compared, since the start is missing or a text is of no form that we know. */
  #text: string | null;
  #cancelled = false;
  #connections = 0;
  #known!: () => void;
  readonly #answered = new Promise<void>((resolve) => (this.#known = resolve));

  constructor(parts: StreamParts) {
    this.#parts = parts;
    this.#id = parts.id;
    this.#position = parts.after;
    this.#seq = parts.after === null ? -1 : seqOf(parts.after);
    this.#text = parts.after === null ? '' : null;
    if (parts.id !== null) this.#known();
  }

  /** Of the call; null until the gate has answered. */
  get id(): string | null {
    return this.#id;
  }
  /** Of the last event that was handed out. */
  get position(): string | null {
    return this.#position;
  }
  /** The terminal event; null: it has not come. */
  get end(): StreamEnd | null {
    return this.#end;
  }
  /** How many connections it took so far. */
  get connections(): number {
    return this.#connections;
  }

  /** Ends the call at the gate, from whatever connection; what is left of the stream then ends without an error. */
  async cancel(): Promise<void> {
    this.#cancelled = true;
    await this.#answered;
    if (this.#id !== null && this.#end === null) await this.#parts.cancel(this.#id);
  }

  /** Stops reading. The call goes on as long as the gate waits for a reader; `read({ id, after })` takes it up. */
  close(): void {
    this.#left.abort(new Error('The stream was closed.'));
    this.#known();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<StreamEvent<T>, void> {
    const { signal } = this.#parts;
    const leave = (): void => this.close();
    signal?.throwIfAborted();
    signal?.addEventListener('abort', leave);
    try {
      yield* this.#events();
    } finally {
      signal?.removeEventListener('abort', leave);
      this.close();
    }
    signal?.throwIfAborted();
  }

  async *#events(): AsyncGenerator<StreamEvent<T>, void> {
    const { patience, now } = this.#parts;
    let [attempts, since] = [0, now()];
    while (!this.#left.signal.aborted) {
      const before = this.#seq;
      let cut: unknown;
      try {
        yield* this.#connection();
      } catch (error) {
        cut = error;
      }
      if (this.#left.signal.aborted) return;
      if (this.#end && (await this.#whole(this.#end))) return;
      if (cut instanceof StreamError) throw cut;
      if (this.#seq > before) [attempts, since] = [0, now()];
      const wait = this.#waitFor(attempts++, cut);
      if (!this.#mayResume() || attempts > patience.attempts || now() + wait - since > patience.totalMs)
        throw this.#interrupted(cut);
      await sleep(wait, this.#left.signal);
    }
  }

  async *#connection(): AsyncGenerator<StreamEvent<T>> {
    const { source, connecting, call, form } = this.#parts;
    const own = new AbortController();
    const leave = (): void => own.abort(this.#left.signal.reason);
    this.#left.signal.addEventListener('abort', leave);
    this.#connections++;
    // Until the gate has said which call it is, only the call itself can ask for its answer.
    const wanted = { call: this.#id === null ? call : null, id: this.#id, after: this.#position, form };
    try {
      for await (const item of source({ ...wanted, signal: own.signal }, connecting)) {
        const event = this.#take(item);
        if (event) yield event;
        if (this.#end) return;
      }
    } finally {
      this.#left.signal.removeEventListener('abort', leave);
      own.abort();
    }
  }

  /** Null: nothing to hand out, or it was handed out before. */
  #take(item: Item): StreamEvent<T> | null {
    if (item.type === 'head') {
      this.#id = item.id ?? this.#id;
      this.#known();
      return null;
    }
    if (item.type === 'end') {
      this.#end = item.end;
      return null;
    }
    const { position, event, data } = item;
    const seq = position === null ? this.#seq + 1 : seqOf(position);
    if (seq <= this.#seq) return null;
    this.#seq = seq;
    this.#position = position;
    if (data === null) return null;
    const json = this.#hear(data);
    return { seq, position, event, data, json };
  }

  #hear(data: string): T | null {
    try {
      const json = JSON.parse(data);
      if (this.#text !== null) this.#text += textIn(json);
      return json;
    } catch {
      if (data[0] === '{') this.#text = null;
      return null;
    }
  }

  /** False: something is missing that another connection may bring. */
  async #whole(end: StreamEnd): Promise<boolean> {
    const { status, last, textSha256 } = end;
    if (status === 'cancelled' && this.#cancelled) return true;
    const missing = last !== null && seqOf(last) > this.#seq;
    if (missing && this.#mayResume()) {
      this.#end = null;
      return false;
    }
    const place = { id: this.#id, position: this.#position, end };
    if (missing || status === 'truncated')
      throw new StreamTruncated(`The stream ended as \`${status}\`, not whole.`, place);
    if (status !== 'ok') throw new StreamInterrupted(`The stream ended as \`${status}\`.`, place);
    const heard = this.#text ? await sha256(this.#text) : null;
    if (heard !== null && textSha256 !== null && heard !== textSha256)
      throw new StreamTruncated('The text that came is not the one that was sent.', place);
    return true;
  }

  /** What had no position has no log, and a call whose answer never came may be sent again by its key alone. */
  #mayResume(): boolean {
    const { call } = this.#parts;
    if (this.#id === null) return call !== null && isKeyed(call);
    return this.#position !== null || this.#seq < 0;
  }

  #waitFor(attempt: number, cut: unknown): number {
    const { patience, random } = this.#parts;
    const most = Math.min(patience.mostWaitMs, patience.waitMs * 2 ** attempt);
    return Math.max(cut instanceof Cut ? cut.waitMs : 0, random() * most);
  }

  #interrupted(cause: unknown): StreamError {
    const place = { id: this.#id, position: this.#position, cause };
    if (cause instanceof Cut && (cause.cause instanceof StreamGone || cause.cause instanceof StreamRefused))
      return cause.cause;
    const came = this.#seq < 0 ? 'before its first event' : `behind event ${this.#seq}`;
    return new StreamInterrupted(`The stream broke off ${came}, and was not to be had again.`, place);
  }
}

const sleep = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true });
  });
