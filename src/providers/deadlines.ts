import { Ring, type RingNode } from '#kernel/ring.ts';

/** How late a deadline may be noticed. Limits are seconds to minutes; the shortest that a configuration allows is 10 ms. */
const TICK_MS = 20;

/** A moment by which something must be over. */
export interface Deadline extends RingNode {
  readonly atMono: number;
  /** Null once it is dropped, so that it keeps nothing alive. */
  expire: (() => void) | null;
}

/**
 * Deadlines of what is under way, watched by one timer. Nearly all are met within milliseconds, and each call has two:
 * a timer of Node's own is dearer to make than to look through them 50 times a second.
 */
export class Deadlines {
  readonly #open = new Ring<Deadline>();
  #timer: NodeJS.Timeout | null = null;

  /** `expire` runs once, at most a tick late, unless the deadline was dropped before. */
  add(ms: number, expire: () => void): Deadline {
    const deadline: Deadline = { atMono: performance.now() + ms, expire, ringPrevious: null, ringNext: null };
    this.#open.add(deadline);
    this.#timer ??= setInterval(() => this.#tick(), TICK_MS).unref();
    return deadline;
  }

  drop(deadline: Deadline): void {
    this.#open.drop(deadline);
    deadline.expire = null;
  }

  #tick(): void {
    const now = performance.now();
    for (const deadline of this.#open) {
      if (deadline.atMono > now) continue;
      const { expire } = deadline;
      this.drop(deadline);
      expire?.();
    }
    if (!this.#open.isEmpty) return;
    clearInterval(this.#timer!);
    this.#timer = null;
  }
}
