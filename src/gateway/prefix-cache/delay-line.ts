/** Milliseconds from `sinceStartMs` to the next multiple of a quantum: from 0, where it is one already, to below the quantum. */
export const untilGrid = (sinceStartMs: number, quantumMs: number): number =>
  Math.max(0, Math.ceil(sinceStartMs / quantumMs) * quantumMs - sinceStartMs);

/** What waits is at most so large: then the provider waits as well. A second of any model's text is a hundredth of it. */
const MOST_WAITING_BYTES = 4 * 1024 * 1024;

interface Step {
  readonly dueMono: number;
  readonly bytes: number;
  readonly run: () => void;
}

/** Lets steps happen in their order, each so many milliseconds after it came: the gaps between them stay. */
export class DelayLine {
  readonly #delayMs: number;
  readonly #mono: () => number;
  /** There is room again. */
  readonly #resume: () => void;
  readonly #steps: Step[] = [];
  #bytes = 0;
  #full = false;
  #stopped = false;
  #timer: NodeJS.Timeout | NodeJS.Immediate | null = null;

  constructor(options: { readonly delayMs: number; readonly mono: () => number; readonly resume: () => void }) {
    this.#delayMs = options.delayMs;
    this.#mono = options.mono;
    this.#resume = options.resume;
  }

  /** False: what waits is too much, and `resume` tells when it is not any more. */
  push(bytes: number, run: () => void): boolean {
    this.#steps.push({ dueMono: this.#mono() + this.#delayMs, bytes, run });
    this.#bytes += bytes;
    if (this.#timer === null) this.#wait();
    this.#full = this.#bytes > MOST_WAITING_BYTES;
    return !this.#full;
  }

  /** What waits does not happen. */
  stop(): void {
    this.#stopped = true;
    this.#steps.length = 0;
  }

  /** A timer counts whole milliseconds and may be early: the rest is waited for, or it would show. */
  #wait(): void {
    const [next] = this.#steps;
    const left = next ? next.dueMono - this.#mono() : 0;
    if (!next) this.#timer = null;
    else if (left >= 1) this.#timer = setTimeout(this.#due, left);
    else this.#timer = setImmediate(this.#due);
  }

  readonly #due = (): void => {
    const now = this.#mono();
    while (!this.#stopped && this.#steps.length > 0 && this.#steps[0]!.dueMono <= now) {
      const { bytes, run } = this.#steps.shift()!;
      this.#bytes -= bytes;
      run();
    }
    if (this.#full && this.#bytes <= MOST_WAITING_BYTES) {
      this.#full = false;
      this.#resume();
    }
    this.#wait();
  };
}
