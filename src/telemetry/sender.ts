import { verdictOf } from './core/backoff.ts';
import type { Counts } from './counts.ts';
import type { Payload, Poster } from './post.ts';

export interface SenderParts {
  /** Of payloads that may wait for the collector; beyond it the oldest go. 0: the newest alone is worth sending. */
  readonly mostBytes: number;
  readonly counts: Counts;
  readonly now: () => number;
  readonly random: () => number;
}

/**
 * Sends batches one after the other, and each again while the collector is away or asks for patience. What waits is
 * bounded: a dead collector costs spans, which are counted, and never a call.
 */
export class Sender {
  readonly #parts: SenderParts;
  #poster: Poster;
  readonly #queue: Payload[] = [];
  #bytes = 0;
  #failures = 0;
  #running: Promise<void> | null = null;
  #wake: (() => void) | null = null;
  readonly #aborted = new AbortController();

  constructor(poster: Poster, parts: SenderParts) {
    this.#poster = poster;
    this.#parts = parts;
  }

  /** Another collector from the next request on. */
  use(poster: Poster): void {
    const old = this.#poster;
    this.#poster = poster;
    void old.close();
    this.#failures = 0;
    this.#wake?.();
  }

  send(payload: Payload): void {
    this.#queue.push(payload);
    this.#bytes += payload.body.length;
    while (this.#bytes > this.#parts.mostBytes && this.#queue.length > 1) this.#drop(this.#queue[0]!);
    this.#show();
    this.#running ??= this.#run();
  }

  #drop(payload: Payload): void {
    this.#leave(payload);
    this.#parts.counts.add('droppedSpans', payload.spans);
  }

  #leave(payload: Payload): void {
    const at = this.#queue.indexOf(payload);
    if (at < 0) return;
    this.#queue.splice(at, 1);
    this.#bytes -= payload.body.length;
    this.#show();
  }

  #show(): void {
    if (this.#parts.mostBytes > 0) this.#parts.counts.set('queuedBytes', this.#bytes);
  }

  async #run(): Promise<void> {
    while (this.#queue.length > 0) {
      const payload = this.#queue[0]!;
      const waitMs = await this.#try(payload);
      if (this.#aborted.signal.aborted) break;
      if (waitMs === null) this.#leave(payload);
      else await this.#pause(waitMs);
    }
    this.#running = null;
  }

  /** Null: done with it. Else when to send it again; it may have been dropped for room by then. */
  async #try(payload: Payload): Promise<number | null> {
    const { counts, now, random } = this.#parts;
    const answer = await this.#poster.post(payload, this.#aborted.signal);
    const verdict = verdictOf(answer, this.#failures, now(), random());
    if (verdict.is === 'retry') {
      this.#failures += 1;
      counts.add('requestsRetried', 1);
      return verdict.afterMs;
    }
    this.#failures = 0;
    // What was dropped for room while it was under way is counted already.
    const spans = this.#queue.includes(payload) ? payload.spans : 0;
    if (verdict.is === 'rejected') {
      counts.add('requestsRejected', 1);
      counts.add('rejectedSpans', spans);
      return null;
    }
    const leftOut = payload.path === '/v1/traces' ? Math.min(answer.leftOut, spans) : 0;
    counts.add('requestsOk', 1);
    counts.add('sentSpans', spans - leftOut);
    counts.add('rejectedSpans', leftOut);
    counts.set('lastOkAtMs', now());
    return null;
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#wake = null;
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#wake = done;
    });
  }

  /** Sends what waits for at most `limitMs`, then gives it up. True: nothing was left. */
  async close(limitMs: number): Promise<boolean> {
    const timer = setTimeout(() => {
      this.#aborted.abort();
      this.#wake?.();
    }, limitMs);
    this.#wake?.();
    await this.#running;
    clearTimeout(timer);
    const left = [...this.#queue];
    for (const payload of left) this.#drop(payload);
    await this.#poster.close();
    return left.length === 0;
  }
}
