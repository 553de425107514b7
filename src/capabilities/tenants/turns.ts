import { HeadgateError } from '#kernel/errors.ts';

/** Changes that wait: people and scripts make a few at a time, and a store that hangs must not gather more. */
const MOST_WAITING = 200;

/** One piece of work after the other, in the order in which they came. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  /** Rejects with `store_unavailable` where too many wait already. */
  async take<T>(work: () => Promise<T>): Promise<T> {
    if (this.#waiting >= MOST_WAITING)
      throw new HeadgateError('store_unavailable', { message: `${MOST_WAITING} changes wait for the store already.` });
    this.#waiting++;
    const turn = this.#last.then(work).finally(() => this.#waiting--);
    // A failed change is its own caller's; the next one has its turn all the same.
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}
