import { SHINGLE, shingleHash, type IndexedText, type LeakIndex } from './leak-index.ts';
import { WordReader } from './words.ts';

/** A run of words of another tenant's text in an answer. */
export interface Leak {
  /** Whose text it is. */
  readonly owner: string;
  readonly text: string;
  /** Length of the run as far as it was followed, in words. */
  readonly words: number;
}

/** Words of an answer that are remembered: a run is followed back this far. */
const RING = 64;
/** Runs that are followed at once: more of them are pieces of one another. */
const MOST_RUNS = 8;

interface Run {
  readonly text: IndexedText;
  /** Word of the text that comes next. */
  next: number;
  weight: number;
  words: number;
}

/**
 * Reads an answer as it comes and finds a run of words that is another tenant's: each shingle is looked for among the
 * fingerprints, and what is found is followed word by word, back and on. Its memory is the same however long the answer.
 */
export class LeakDetector {
  readonly #index: LeakIndex;
  readonly #tenant: string;
  readonly #least: number;
  readonly #reader: WordReader;
  readonly #hashes = new Uint32Array(RING);
  readonly #weights = new Float32Array(RING);
  #words = 0;
  #runs: Run[] = [];
  #found: Leak | null = null;

  /** `tenant` is answered; `least` is the weight of a run that is a leak, in words. */
  constructor(index: LeakIndex, tenant: string, least: number) {
    this.#index = index;
    this.#tenant = tenant;
    this.#least = least;
    this.#reader = new WordReader(index.key);
  }

  /** A piece of the answer's text. The leak that it completes, the first alone; null: none. */
  push(piece: string): Leak | null {
    this.#reader.push(piece, this.#word);
    return this.#taken();
  }

  /** No piece follows. */
  end(): Leak | null {
    this.#reader.end(this.#word);
    return this.#taken();
  }

  #taken(): Leak | null {
    const found = this.#found;
    this.#found = null;
    return found;
  }

  readonly #word = (hash: number, weight: number): void => {
    const at = this.#words++;
    this.#hashes[at % RING] = hash;
    this.#weights[at % RING] = weight;
    if (this.#runs.length > 0) this.#follow(hash, weight);
    if (this.#words < SHINGLE) return;
    const places = this.#index.places(shingleHash((place) => this.#hashes[place % RING]!, at));
    if (places === undefined) return;
    for (const { text, at: from } of places)
      if (text.tenant !== this.#tenant && this.#runs.length < MOST_RUNS) this.#begin(text, from + SHINGLE);
  };

  #follow(hash: number, weight: number): void {
    this.#runs = this.#runs.filter((run) => {
      if (run.text.hashes[run.next] !== hash) return false;
      run.next++;
      run.words++;
      run.weight += weight;
      this.#judge(run);
      return true;
    });
  }

  /** A fingerprint was met: the run began with it or before. */
  #begin(text: IndexedText, next: number): void {
    if (this.#runs.some((run) => run.text === text && run.next === next)) return;
    const run = { text, next, weight: 0, words: 0 };
    const last = this.#words - 1;
    for (let back = 0; back < Math.min(RING, this.#words, next); back++) {
      if (text.hashes[next - 1 - back] !== this.#hashes[(last - back) % RING]) break;
      run.words++;
      run.weight += this.#weights[(last - back) % RING]!;
    }
    if (run.words < SHINGLE) return;
    this.#runs.push(run);
    this.#judge(run);
  }

  #judge({ text, weight, words }: Run): void {
    if (weight >= this.#least) this.#found ??= { owner: text.tenant, text: text.name, words };
  }
}

/** Does a text hold so long a run of words of the index's text? For what the caller itself has sent. */
export function holdsRun(index: LeakIndex, tenant: string, text: string, least: number): boolean {
  const detector = new LeakDetector(index, tenant, least);
  return detector.push(text) !== null || detector.end() !== null;
}
