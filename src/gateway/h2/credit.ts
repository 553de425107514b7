/** A budget that fills steadily: so much at once, and so much a second. Pure: `now` in milliseconds comes in. */
export class Credit {
  readonly #burst: number;
  readonly #perSecond: number;
  #left: number;
  #at: number;

  constructor({ burst, perSecond }: { readonly burst: number; readonly perSecond: number }, now: number) {
    this.#burst = burst;
    this.#perSecond = perSecond;
    this.#left = burst;
    this.#at = now;
  }

  /** False: it is spent. */
  take(now: number): boolean {
    this.#left = Math.min(this.#burst, this.#left + ((now - this.#at) / 1_000) * this.#perSecond) - 1;
    this.#at = now;
    return this.#left >= 0;
  }
}
