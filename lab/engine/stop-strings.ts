/** Ends an answer at the first stop string, wherever token borders fall. */

/** What may be sent on now, and whether a stop string was found (nothing after it is ever sent). */
export interface Released {
  readonly text: string;
  readonly stopped: boolean;
}

/** Text in, text out; the tail that may be the start of a stop string is held back until it is decided. */
export class StopStrings {
  readonly #stops: readonly string[];
  #held = '';

  constructor(stops: readonly string[]) {
    this.#stops = stops.filter((stop) => stop !== '');
  }

  push(text: string): Released {
    const all = this.#held + text;
    const found = this.#stops.map((stop) => all.indexOf(stop)).filter((at) => at >= 0);
    if (found.length > 0) {
      this.#held = '';
      return { text: all.slice(0, Math.min(...found)), stopped: true };
    }
    const keep = this.#undecided(all);
    this.#held = all.slice(all.length - keep);
    return { text: all.slice(0, all.length - keep), stopped: false };
  }

  /** The tail that was held back, when the answer ends for another reason. */
  flush(): string {
    const text = this.#held;
    this.#held = '';
    return text;
  }

  /** Length of the longest tail that begins a stop string. */
  #undecided(all: string): number {
    const longest = Math.max(0, ...this.#stops.map((stop) => stop.length - 1));
    for (let length = Math.min(longest, all.length); length > 0; length--) {
      const tail = all.slice(all.length - length);
      if (this.#stops.some((stop) => stop.startsWith(tail))) return length;
    }
    return 0;
  }
}
