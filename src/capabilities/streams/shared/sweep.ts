import type { StreamLog } from '#ports/stream-log.ts';

/** Streams that are looked at in one step. */
const MOST_AT_ONCE = 200;
/** A log that was away kept producers from renewing their leases: it has answered so many rounds before one is ended. */
const STEADY_ROUNDS = 2;

export interface SweepParts {
  readonly log: StreamLog;
  readonly leaseMs: number;
  readonly graceMs: () => number;
  /** So many were ended. */
  readonly swept: (count: number) => void;
}

/**
 * Ends streams whose gates are gone and that nobody has read for the grace, without anybody coming for them. Every gate
 * sweeps, once a lease; a stream is ended by one of them.
 */
export class Sweep {
  readonly #parts: SweepParts;
  readonly #timer: NodeJS.Timeout;
  #steady = 0;
  #lastAt = performance.now();
  #works = false;

  constructor(parts: SweepParts) {
    this.#parts = parts;
    this.#timer = setInterval(() => void this.#round(), parts.leaseMs).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #round(): Promise<void> {
    if (this.#works) return;
    this.#works = true;
    const { log, leaseMs, graceMs } = this.#parts;
    const now = performance.now();
    // Whoever was paused itself may have been so with all producers.
    const paused = now - this.#lastAt > 2 * leaseMs;
    this.#lastAt = now;
    if (paused) this.#steady = 0;
    for (;;) {
      // Until it is steady it is asked for nothing, and whether it answers.
      const most = this.#steady < STEADY_ROUNDS ? 0 : MOST_AT_ONCE;
      const said = await log.sweep(graceMs(), most);
      this.#steady = said === 'away' ? 0 : this.#steady + 1;
      if (said === 'away') break;
      if (said.ended > 0) this.#parts.swept(said.ended);
      if (most === 0 || !said.more) break;
    }
    this.#works = false;
  }
}
