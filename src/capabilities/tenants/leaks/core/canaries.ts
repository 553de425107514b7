import type { Leak } from './leak-detector.ts';

export interface Canary {
  readonly owner: string;
  readonly text: string;
}

/** Looks for whole canaries in a text that comes in pieces; case makes no difference. */
export class CanaryReader {
  readonly #canaries: readonly Canary[];
  readonly #longest: number;
  #tail = '';

  constructor(canaries: readonly Canary[]) {
    this.#canaries = canaries.map(({ owner, text }) => ({ owner, text: text.toLowerCase() }));
    this.#longest = Math.max(0, ...canaries.map(({ text }) => text.length));
  }

  push(piece: string): Leak | null {
    if (this.#longest === 0) return null;
    const text = this.#tail + piece.toLowerCase();
    this.#tail = text.slice(Math.max(0, text.length - this.#longest + 1));
    const found = this.#canaries.find((one) => text.includes(one.text));
    return found ? { owner: found.owner, text: 'canary', words: 1 } : null;
  }
}
