import type { Estimator, ModelError } from './price-book.ts';

/** Before anything is known: English is about 4 bytes a token, JSON around it included. */
const FIRST_BYTES_PER_TOKEN = 4;
/** Weight of one more answer: about the last hundred count. */
const WEIGHT = 0.02;
/** Bounds of what is learnt: a token is never shorter than a byte, and 40 bytes a token is white space. */
const [FEWEST, MOST] = [1, 40];
/** Names come from callers; beyond this many models the oldest is forgotten. */
const MOST_MODELS = 2_048;

interface Side {
  bytesPerToken: number;
  /** Mean absolute relative error of the estimate before each answer was learnt. */
  error: number | null;
}
interface Model {
  readonly input: Side;
  readonly output: Side;
}

/**
 * Tokens from bytes, corrected per model by what providers counted: an exponentially weighted mean of bytes per
 * token. Exact counting is no work for the serving loop (a public tokenizer takes 35 s for 200,000 equal letters).
 */
export class ByteEstimator implements Estimator {
  readonly #models = new Map<string, Model>();

  inputTokens(model: string, bytes: number): number {
    return tokens(this.#models.get(model)?.input, bytes);
  }
  outputTokens(model: string, textBytes: number): number {
    return tokens(this.#models.get(model)?.output, textBytes);
  }
  learn(
    model: string,
    seen: { bytesIn: number; inputTokens: number | null; textBytes: number; outputTokens: number | null },
  ): void {
    const known = this.#models.get(model) ?? this.#add(model);
    learnSide(known.input, seen.bytesIn, seen.inputTokens);
    learnSide(known.output, seen.textBytes, seen.outputTokens);
  }
  error(model: string): { readonly input: number | null; readonly output: number | null } {
    const known = this.#models.get(model);
    return { input: known?.input.error ?? null, output: known?.output.error ?? null };
  }
  *errors(): Iterable<ModelError> {
    for (const [model, { input, output }] of this.#models) yield { model, input: input.error, output: output.error };
  }

  #add(model: string): Model {
    if (this.#models.size >= MOST_MODELS) this.#models.delete(this.#models.keys().next().value!);
    const side = (): Side => ({ bytesPerToken: FIRST_BYTES_PER_TOKEN, error: null });
    const made = { input: side(), output: side() };
    this.#models.set(model, made);
    return made;
  }
}

const tokens = (side: Side | undefined, bytes: number): number =>
  Math.ceil(bytes / (side?.bytesPerToken ?? FIRST_BYTES_PER_TOKEN));

function learnSide(side: Side, bytes: number, counted: number | null): void {
  if (counted === null || counted <= 0 || bytes <= 0) return;
  const error = Math.abs(tokens(side, bytes) - counted) / counted;
  const ratio = Math.min(MOST, Math.max(FEWEST, bytes / counted));
  // The first answer says more than the guess that it replaces.
  side.bytesPerToken = side.error === null ? ratio : side.bytesPerToken + WEIGHT * (ratio - side.bytesPerToken);
  side.error = side.error === null ? error : side.error + WEIGHT * (error - side.error);
}
