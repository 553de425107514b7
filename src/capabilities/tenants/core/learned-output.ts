import { BoundedMap } from './bounded-map.ts';

/** Before so many answers a p95 says little: the twentieth largest of 50 is the third. */
export const ANSWERS_TO_LEARN = 50;
/** Answers remembered for each feature and model: the p95 of 512 is known to about 2 % of the ranks. */
const REMEMBERED = 512;
/** 2,000 pairs of 2 KB: 4 MB at the most. */
const MAX_PAIRS = 2_000;
/** Sorting 512 numbers takes about 20 µs; the p95 of a window moves little in 16 answers. */
const SORT_EVERY = 16;
const SHARE = 0.95;

interface Ring {
  readonly values: Uint32Array;
  count: number;
  next: number;
  p95: number | null;
}

/** The p95 of output tokens of one choice, learnt for each feature and model from the last 512 answers. */
export class LearnedOutput {
  readonly #rings = new BoundedMap<string, Ring>(MAX_PAIRS);

  /** Notes an answer that came to its end. Cut answers would teach that answers are short. */
  note(feature: string | null, model: string, outputTokens: number): void {
    let ring = this.#ringOf(feature, model);
    if (!ring) {
      ring = { values: new Uint32Array(REMEMBERED), count: 0, next: 0, p95: null };
      this.#rings.set(pairName(feature, model), ring);
    }
    ring.values[ring.next] = Math.min(outputTokens, 0xffffffff);
    ring.next = (ring.next + 1) % REMEMBERED;
    ring.count = Math.min(ring.count + 1, REMEMBERED);
    if (ring.next % SORT_EVERY === 0 || ring.count === ANSWERS_TO_LEARN) ring.p95 = null;
  }

  /** A call asks twice for the same pair, and the next one often for it again: its name is made once. */
  #ringOf(feature: string | null, model: string): Ring | undefined {
    const last = this.#last;
    if (last !== null && last.feature === feature && last.model === model) return last.ring;
    const ring = this.#rings.get(pairName(feature, model));
    if (ring) this.#last = { feature, model, ring };
    return ring;
  }
  #last: { readonly feature: string | null; readonly model: string; readonly ring: Ring } | null = null;

  /** Tokens, or null before there are 50 answers. */
  p95(feature: string | null, model: string): number | null {
    const ring = this.#ringOf(feature, model);
    if (!ring || ring.count < ANSWERS_TO_LEARN) return null;
    return (ring.p95 ??= quantile(ring.values.slice(0, ring.count)));
  }
}

// A feature's name has no line break.
const pairName = (feature: string | null, model: string): string => `${feature ?? ''}\n${model}`;

const quantile = (values: Uint32Array): number => values.sort()[Math.ceil(SHARE * values.length) - 1]!;
