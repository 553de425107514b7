import type { CallId } from '#kernel/brand.ts';
import type { Clock } from '#kernel/clock.ts';
import type { KeptAnswer } from './kept-answer.ts';

export interface AnswerBounds {
  /** A finished answer is kept for so long, in milliseconds. */
  readonly keepMs: number;
  /** Bytes of finished answers in this process. */
  readonly totalBytes: number;
}

const SWEEP_MS = 5_000;
/** Whoever waits at another gate says so more often than that. */
const WANTED_MS = 2_000;

/** Answers of calls with an idempotency key. Finished ones are let go by age, and the oldest first where room is short. */
export class Answers {
  readonly #live = new Map<CallId, KeptAnswer>();
  readonly #finished = new Map<CallId, { readonly answer: KeptAnswer; readonly at: number }>();
  /** Those that somebody waits for at another gate. */
  readonly #wanted = new Map<CallId, NodeJS.Timeout>();
  readonly #bounds: () => AnswerBounds;
  readonly #clock: Clock;
  readonly #sweep: NodeJS.Timeout;

  constructor(bounds: () => AnswerBounds, clock: Clock) {
    this.#bounds = bounds;
    this.#clock = clock;
    this.#sweep = setInterval(() => this.#letGo(), SWEEP_MS);
    this.#sweep.unref();
  }

  find(id: CallId): KeptAnswer | null {
    return this.#live.get(id) ?? this.#finished.get(id)?.answer ?? null;
  }
  add(id: CallId, answer: KeptAnswer): void {
    this.#live.set(id, answer);
  }
  ended(id: CallId): void {
    const answer = this.#live.get(id);
    if (!answer) return;
    this.#live.delete(id);
    this.#finished.set(id, { answer, at: this.#clock.mono() });
  }
  forget(id: CallId): void {
    this.#live.delete(id);
    this.#finished.delete(id);
  }
  /** Somebody waits for it at another gate: it is not given up meanwhile. */
  wanted(id: CallId): void {
    const wanted = this.#wanted.get(id);
    if (wanted) return void wanted.refresh();
    const leave = this.#live.get(id)?.await();
    if (!leave) return;
    const over = (): void => {
      this.#wanted.delete(id);
      leave();
    };
    this.#wanted.set(id, setTimeout(over, WANTED_MS).unref());
  }
  close(): void {
    clearInterval(this.#sweep);
  }

  #letGo(): void {
    const { keepMs, totalBytes } = this.#bounds();
    const due = this.#clock.mono() - keepMs;
    let bytes = 0;
    for (const { answer } of this.#finished.values()) bytes += answer.bytes;
    for (const [id, { answer, at }] of this.#finished) {
      if (at > due && bytes <= totalBytes) return;
      bytes -= answer.bytes;
      this.#finished.delete(id);
    }
  }
}
