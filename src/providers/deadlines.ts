import { Ring, type RingNode } from '#kernel/ring.ts';

/** A moment by which something must be over. */
export interface Deadline extends RingNode {
  readonly atMono: number;
  /** Null once it is dropped, so that it keeps nothing alive. */
  expire: (() => void) | null;
}

/**
 * Deadlines of what is under way, watched by one timer that sleeps until the first of them. Nearly all are dropped
 * within milliseconds, long before it wakes: a timer of Node's own for each is dearer to make, and each call has two.
 */
export class Deadlines {
  readonly #open = new Ring<Deadline>();
  #timer: NodeJS.Timeout | null = null;
  #wakesAtMono = Infinity;

  /** `expire` runs once, unless the deadline was dropped before. */
  add(ms: number, expire: () => void): Deadline {
    const deadline: Deadline = { atMono: performance.now() + ms, expire, ringPrevious: null, ringNext: null };
    this.#open.add(deadline);
    if (deadline.atMono < this.#wakesAtMono) this.#sleepUntil(deadline.atMono);
    return deadline;
  }

  drop(deadline: Deadline): void {
    this.#open.drop(deadline);
    deadline.expire = null;
  }

  #sleepUntil(atMono: number): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#wakesAtMono = atMono;
    this.#timer = setTimeout(() => this.#wake(), Math.ceil(atMono - performance.now())).unref();
  }

  #wake(): void {
    this.#timer = null;
    this.#wakesAtMono = Infinity;
    const now = performance.now();
    let next = Infinity;
    for (const deadline of this.#open) {
      if (deadline.atMono > now) next = Math.min(next, deadline.atMono);
      else this.#expire(deadline);
    }
    if (next < this.#wakesAtMono) this.#sleepUntil(next);
  }

  #expire(deadline: Deadline): void {
    const { expire } = deadline;
    this.drop(deadline);
    expire?.();
  }
}
