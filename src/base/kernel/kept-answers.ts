import { BoundedMap } from './bounded-map.ts';

/** An answer with the time at which it was asked for. */
export interface Kept<T> {
  readonly value: T;
  readonly at: number;
}

interface Options {
  /** Answers that are kept: the ones unused for longest are forgotten. */
  readonly most: number;
  /** An answer this old is given as it is. */
  readonly freshMs: number;
  /** One this old is given while a new one is made; an older one is waited for. */
  readonly staleMs: number;
  readonly now: () => number;
}

interface Held<T> {
  last: (Kept<T> & { readonly tookMs: number }) | null;
  making: Promise<Kept<T>> | null;
}

/** An answer that took long is fresh for longer, so that no question takes more than a twentieth of the time. */
const REST = 20;

/** Answers that are dear to make and may be a little old: of each question one is made at a time. */
export class KeptAnswers<T> {
  readonly #options: Options;
  readonly #held: BoundedMap<string, Held<T>>;

  constructor(options: Options) {
    this.#options = options;
    // The map forgets by halves.
    this.#held = new BoundedMap(options.most * 2);
  }

  /** Rejects as `make` does, but only where there is no answer that is young enough. */
  get(question: string, make: () => Promise<T>): Promise<Kept<T>> {
    const { now, freshMs, staleMs } = this.#options;
    let held = this.#held.get(question);
    if (!held) this.#held.set(question, (held = { last: null, making: null }));
    const { last } = held;
    const age = last === null ? Infinity : now() - last.at;
    if (last !== null && age >= 0 && age <= Math.max(freshMs, last.tookMs * REST)) return Promise.resolve(last);
    const making = (held.making ??= this.#make(held, make));
    if (last === null || age < 0 || age > staleMs) return making;
    // Whoever needs a younger one is told of the failure.
    making.catch(() => undefined);
    return Promise.resolve(last);
  }

  async #make(held: Held<T>, make: () => Promise<T>): Promise<Kept<T>> {
    const { now } = this.#options;
    const at = now();
    try {
      const value = await make();
      held.last = { value, at, tookMs: Math.max(0, now() - at) };
      return held.last;
    } finally {
      held.making = null;
    }
  }
}
