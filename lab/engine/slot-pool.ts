/** Slots of the engine: as many answers at once as there are sequences, a bounded queue before them. */

/** What the pool must see of a sequence: the tokens that its KV cache holds. */
export interface Slot {
  readonly contextTokens: readonly number[];
  /** Under which salt they came there; absent: under none. */
  cacheSalt?: string | undefined;
}

/** The queue is full: the caller gets 429. */
export class QueueFull extends Error {}

interface Waiting<S> {
  readonly give: (slot: S) => void;
}

/** Length of the common prefix, at most all but the last token of `prompt`: one must be evaluated to get a logit. */
export function cachedPrefix(held: readonly number[], prompt: readonly number[]): number {
  const most = Math.min(held.length, prompt.length - 1);
  let length = 0;
  while (length < most && held[length] === prompt[length]) length++;
  return length;
}

const NOTHING_SHARED = -1;

/** First come, first served; among free slots, the one whose cache holds the longest prefix of the prompt. */
export class SlotPool<S extends Slot> {
  readonly #free: S[];
  readonly #waiting: Waiting<S>[] = [];
  readonly #queueLimit: number;

  constructor(slots: readonly S[], queueLimit: number) {
    this.#free = [...slots];
    this.#queueLimit = queueLimit;
  }

  get free(): number {
    return this.#free.length;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /**
   * Resolves with a slot that the caller gives back, the one that is warmest for the prompt; what came there under
   * another salt is as if it were not there. Rejects with {@link QueueFull}, or the signal's reason.
   */
  take(prompt: readonly number[], signal: AbortSignal, salt?: string): Promise<S> {
    if (signal.aborted) return Promise.reject(signal.reason as Error);
    if (this.#free.length > 0) return Promise.resolve(this.#warmest(prompt, salt));
    if (this.#waiting.length >= this.#queueLimit) return Promise.reject(new QueueFull('the queue is full'));
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(entry), 1);
        reject(signal.reason as Error);
      };
      const give = (slot: S): void => {
        signal.removeEventListener('abort', leave);
        resolve(slot);
      };
      const entry = { give };
      this.#waiting.push(entry);
      signal.addEventListener('abort', leave, { once: true });
    });
  }

  give(slot: S): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free.push(slot);
    else next.give(slot);
  }

  #warmest(prompt: readonly number[], salt: string | undefined): S {
    const warmth = this.#free.map((slot) =>
      slot.cacheSalt === salt ? cachedPrefix(slot.contextTokens, prompt) : NOTHING_SHARED,
    );
    const best = warmth.indexOf(Math.max(...warmth));
    const [slot] = this.#free.splice(best, 1);
    if (slot === undefined) throw new Error('no slot is free');
    return slot;
  }
}
