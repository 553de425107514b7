import { divideHalfEven, parsePricePerMillion, pricePerMillion, type PricePerMillion } from '#kernel/money.ts';

/**
 * What has a price of its own, in nano-dollars for a million units. Tokens by kind; `request`, `webSearch` and
 * `searchUnit` count uses, `image` made images, `character` the text that is spoken, `audioSecond` sound. A bucket of a
 * tier or speed is written with its name before it: `flex.input`, `batch.output`, `fast.input`; of an image its quality
 * and size: `hd-1024x1792.image`.
 */
export const BUCKETS = [
  'input',
  'cachedRead',
  'cacheWrite',
  'cacheWrite1h',
  'output',
  'reasoning',
  'inputAudio',
  'outputAudio',
  'inputImage',
  'request',
  'webSearch',
  'outputImage',
  'image',
  'character',
  'audioSecond',
  'searchUnit',
] as const;
export type Bucket = (typeof BUCKETS)[number];

/** A price that may step up with the size of the whole prompt: the tier that the prompt reaches prices every token. */
export interface Price {
  readonly base: PricePerMillion;
  /** Ascending by `above` (tokens of input, all kinds). */
  readonly tiers: readonly { readonly above: number; readonly price: PricePerMillion }[];
}

export type Buckets = ReadonlyMap<string, Price>;

export const flat = (price: PricePerMillion): Price => ({ base: price, tiers: [] });

/** The price at a prompt of so many tokens. */
export function priceAt(price: Price, inputTokens: number): PricePerMillion {
  let at = price.base;
  for (const tier of price.tiers) if (inputTokens > tier.above) at = tier.price;
  return at;
}

export const dearestOf = (price: Price | undefined): PricePerMillion =>
  price ? price.tiers.reduce((most, tier) => (tier.price > most ? tier.price : most), price.base) : pricePerMillion(0n);

/** A float of a price list as exact money: its shortest decimal text is what the list says. */
export function fromNumber(value: number, unitsPerPrice: number): PricePerMillion {
  const price = parsePricePerMillion(String(value)) ?? pricePerMillion(0n);
  return pricePerMillion(divideHalfEven(price * 1_000_000n, BigInt(unitsPerPrice)));
}
