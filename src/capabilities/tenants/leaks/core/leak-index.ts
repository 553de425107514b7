import { WordReader, type HashKey } from './words.ts';

/** Words of a shingle. */
export const SHINGLE = 6;
/** Of so many shingles in a row the one with the least hash is kept (winnowing, Schleimer et al., SIGMOD 2003). */
export const WINDOW = 4;

/** A text that no other tenant may be answered with. */
export interface ProtectedText {
  readonly tenant: string;
  /** What an incident calls it: `tenant:acme@3`. */
  readonly name: string;
  readonly text: string;
}

export interface IndexedText extends Omit<ProtectedText, 'text'> {
  readonly hashes: Uint32Array;
  readonly weights: Float32Array;
}

export interface Place {
  readonly text: IndexedText;
  /** Of the shingle's first word. */
  readonly at: number;
}

const MOST_PLACES = 8;

/**
 * Keyed fingerprints of all protected texts: about two of five shingles of each, and any run of
 * `SHINGLE + WINDOW - 1` words has one. What stands in texts of two tenants is nobody's own, and is left out.
 */
export class LeakIndex {
  readonly #places = new Map<number, Place[]>();
  readonly key: HashKey;
  readonly texts: number;

  constructor(key: HashKey, texts: Iterable<ProtectedText>) {
    this.key = key;
    let count = 0;
    const common = new Set<number>();
    for (const text of texts) {
      count++;
      this.#add(indexed(key, text), common);
    }
    this.texts = count;
    for (const hash of common) this.#places.delete(hash);
  }

  get fingerprints(): number {
    return this.#places.size;
  }

  places(shingle: number): readonly Place[] | undefined {
    return this.#places.get(shingle);
  }

  #add(text: IndexedText, common: Set<number>): void {
    for (const { hash, at } of winnowed(text.hashes)) {
      const known = this.#places.get(hash);
      if (known === undefined) this.#places.set(hash, [{ text, at }]);
      else if (known[0]!.text.tenant !== text.tenant) common.add(hash);
      else if (known.length < MOST_PLACES) known.push({ text, at });
    }
  }
}

function indexed(key: HashKey, { tenant, name, text }: ProtectedText): IndexedText {
  const [hashes, weights]: [number[], number[]] = [[], []];
  const reader = new WordReader(key);
  const each = (hash: number, weight: number): void => {
    hashes.push(hash);
    weights.push(weight);
  };
  reader.push(text, each);
  reader.end(each);
  return { tenant, name, hashes: Uint32Array.from(hashes), weights: Float32Array.from(weights) };
}

/** The hash of `SHINGLE` words that end at `end`, of a ring or an array that holds them: 52 bits. */
export function shingleHash(wordAt: (at: number) => number, end: number): number {
  let [high, low] = [0x9e3779b9, 0x85ebca6b];
  for (let i = end - SHINGLE + 1; i <= end; i++) {
    const word = wordAt(i);
    high = Math.imul(high ^ word, 0x01000193);
    high ^= high >>> 15;
    low = Math.imul(low ^ (word >>> 7) ^ (word << 9), 0xc2b2ae35);
    low ^= low >>> 13;
  }
  return (high >>> 0) * 0x100000 + ((low >>> 0) & 0xfffff);
}

/** Of each window the rightmost of the least hashes, each place once. */
function* winnowed(words: Uint32Array): Generator<{ readonly hash: number; readonly at: number }> {
  const shingles: number[] = [];
  for (let end = SHINGLE - 1; end < words.length; end++) shingles.push(shingleHash((at) => words[at]!, end));
  let last = -1;
  for (let from = 0; from < Math.max(1, shingles.length - WINDOW + 1) && from < shingles.length; from++) {
    let least = from;
    for (let at = from; at < Math.min(from + WINDOW, shingles.length); at++)
      if (shingles[at]! <= shingles[least]!) least = at;
    if (least !== last) yield { hash: shingles[least]!, at: least };
    last = least;
  }
}
