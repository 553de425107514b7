import { costOf, ZERO_USD, type NanoUsd, type PricePerMillion } from '#kernel/money.ts';

/** Prices of one deployment as far as a reservation needs them, in nano-dollars for a million tokens. */
export interface PriceQuote {
  readonly inputPerMillion: PricePerMillion;
  readonly outputPerMillion: PricePerMillion;
  /** The dearest that an input or output token can cost in any tier or bucket (cache write, long context, audio). */
  readonly dearestInputPerMillion: PricePerMillion;
  readonly dearestOutputPerMillion: PricePerMillion;
  /** For each request, whatever it holds. */
  readonly perCallNanoUsd: NanoUsd;
}

/** A deployment that may serve the call: price, and the largest figures of its data file. */
export interface ServingQuote {
  /** Null: the price is not known. */
  readonly price: PriceQuote | null;
  /** The model's largest answer in tokens; null: the data file does not say. */
  readonly maxOutputTokens: number | null;
  /** The model's context; null: the data file does not say. */
  readonly maxInputTokens: number | null;
  /** Tokens of the largest image, sound and file that the model takes. */
  readonly imageTokens: number;
  readonly audioTokens: number;
  readonly fileTokens: number;
}

/** What is known of a call before it is sent. */
export interface CallSize {
  readonly bodyBytes: number;
  /** Calibrated estimate of all input tokens, media included. */
  readonly inputTokensEstimate: number;
  readonly media: { readonly images: number; readonly audios: number; readonly files: number };
  /** The call continues a conversation that the provider keeps, so that its input is not in the body. */
  readonly hiddenInput: boolean;
  /** The caller's own limit of output tokens. */
  readonly maxOutputTokens: number | null;
  readonly n: number;
  /** False for embeddings and the like. */
  readonly hasOutput: boolean;
}

export interface OutputKnowledge {
  /** p95 of this feature and model; null: fewer than 50 answers. */
  readonly learnedP95: number | null;
  /** The feature's `maxOutputTokens`. */
  readonly featureMaxOutputTokens: number | null;
}

/** Reservation of a call whose feature and model are new. */
export const UNLEARNED_OUTPUT_TOKENS = 4_096;
/** Largest answer of a model whose data file is silent: the largest that any listed model gives. */
export const LARGEST_OUTPUT_TOKENS = 128_000;
/** Largest context of a model whose data file is silent. */
export const LARGEST_INPUT_TOKENS = 1_000_000;

/** Output tokens that one choice is expected to have, never above the caller's own limit. */
export function expectedOutputTokens(size: CallSize, known: OutputKnowledge): number {
  if (!size.hasOutput) return 0;
  return Math.min(known.learnedP95 ?? UNLEARNED_OUTPUT_TOKENS, size.maxOutputTokens ?? Infinity);
}

/** The model's largest answer: the smallest over the deployments, since each of them must accept it as a limit. */
function largestOutput(serving: readonly ServingQuote[]): number {
  const stated = serving.flatMap(({ maxOutputTokens }) => maxOutputTokens ?? []);
  return stated.length > 0 ? Math.min(...stated) : LARGEST_OUTPUT_TOKENS;
}

/** Output tokens that `strict` pays for and sends upstream where the caller named none. */
export function strictOutputTokens(size: CallSize, known: OutputKnowledge, serving: readonly ServingQuote[]): number {
  if (!size.hasOutput) return 0;
  const most = largestOutput(serving);
  return size.maxOutputTokens ?? Math.min(known.featureMaxOutputTokens ?? most, most);
}

/** Cost of the dearest deployment for the expected tokens; null: one that may serve has no price. */
export function boundedAmount(size: CallSize, outputTokens: number, serving: readonly ServingQuote[]): NanoUsd | null {
  return dearest(serving, (quote) => {
    const input = costOf(Math.ceil(size.inputTokensEstimate), quote.inputPerMillion);
    const output = costOf(Math.ceil(outputTokens * size.n), quote.outputPerMillion);
    return input + output + quote.perCallNanoUsd;
  });
}

/**
 * Worst case of the dearest deployment: one token for each byte of the body (a token is never shorter than a byte),
 * media at their largest, all input and output at the dearest rate. Null: one that may serve has no price.
 */
export function worstAmount(size: CallSize, outputTokens: number, serving: readonly ServingQuote[]): NanoUsd | null {
  return dearest(serving, (quote, limits) => {
    const input = costOf(Math.ceil(worstInputTokens(size, limits)), quote.dearestInputPerMillion);
    const output = costOf(Math.ceil(outputTokens * size.n), quote.dearestOutputPerMillion);
    return input + output + quote.perCallNanoUsd;
  });
}

function worstInputTokens(size: CallSize, limits: ServingQuote): number {
  if (size.hiddenInput) return limits.maxInputTokens ?? LARGEST_INPUT_TOKENS;
  const { images, audios, files } = size.media;
  return size.bodyBytes + images * limits.imageTokens + audios * limits.audioTokens + files * limits.fileTokens;
}

/** Cost of the largest answer that may come: what the stated overshoot of `bounded` is measured against. */
export function largestAmount(size: CallSize, serving: readonly ServingQuote[]): NanoUsd | null {
  return worstAmount(size, size.hasOutput ? (size.maxOutputTokens ?? largestOutputOfAny(serving)) : 0, serving);
}

const largestOutputOfAny = (serving: readonly ServingQuote[]): number =>
  Math.max(...serving.map(({ maxOutputTokens }) => maxOutputTokens ?? LARGEST_OUTPUT_TOKENS), 0);

function dearest(
  serving: readonly ServingQuote[],
  cost: (price: PriceQuote, quote: ServingQuote) => bigint,
): NanoUsd | null {
  let most: bigint = ZERO_USD;
  for (const quote of serving) {
    if (quote.price === null) return null;
    const amount = cost(quote.price, quote);
    if (amount > most) most = amount;
  }
  return most as NanoUsd;
}
