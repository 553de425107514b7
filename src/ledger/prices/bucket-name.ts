import { nearest } from '#kernel/did-you-mean.ts';
import { parsePricePerMillion, pricePerMillion, usdDecimal, type PricePerMillion } from '#kernel/money.ts';
import { BUCKETS, type Bucket, type Buckets, type Price } from './buckets.ts';

/** `flex.input>200000`: a tier or speed, a bucket, and the size of the prompt above which the price holds. */
const NAME = /^(?:([a-z][a-z0-9_-]{0,31})\.)?([a-zA-Z0-9]+)(?:>([1-9]\d{0,8}))?$/;

/** Dearer than any price ever listed (150 dollars) by three figures: a slip of the decimal point or of the unit. */
export const MOST_PER_MILLION: PricePerMillion = pricePerMillion(100_000n * 1_000_000_000n);

/** One use of these costs cents and not millionths: a million images at $0.12 are $120,000. */
const BY_USE: ReadonlySet<Bucket> = new Set(['request', 'webSearch', 'image', 'audioSecond', 'searchUnit'] as const);
const MOST_PER_MILLION_USES: PricePerMillion = pricePerMillion(10_000_000n * 1_000_000_000n);

interface BucketName {
  /** With its tier's or speed's name before it. */
  readonly bucket: string;
  readonly above: number | null;
}

/** Reads a bucket's name, or null where it is none. */
export function readBucketName(name: string): BucketName | null {
  const match = NAME.exec(name);
  if (!match || !BUCKETS.includes(match[2] as Bucket)) return null;
  return { bucket: match[1] ? `${match[1]}.${match[2]}` : match[2]!, above: match[3] ? Number(match[3]) : null };
}

/** Without its tier, speed or variant. */
export const plainBucket = (bucket: string): Bucket =>
  bucket.slice(bucket.lastIndexOf('.') + 1).replace(/>\d+$/, '') as Bucket;

export const bucketText = (bucket: string, above: number | null): string =>
  above === null ? bucket : `${bucket}>${above}`;

/** What is wrong with a price in dollars for a million, or null. */
export function priceProblem(price: PricePerMillion | null, bucket: Bucket | null = null): string | null {
  if (price === null) return 'is no number';
  if (price < 0n) return 'is negative';
  const most = bucket !== null && BY_USE.has(bucket) ? MOST_PER_MILLION_USES : MOST_PER_MILLION;
  return price > most ? `is over $${most / 1_000_000_000n} for a million` : null;
}

/** What is wrong with stated prices, one line each; empty where they can be used. */
export function problemsOf(prices: Readonly<Record<string, string>>): string[] {
  const problems: string[] = [];
  for (const [name, text] of Object.entries(prices)) {
    const read = readBucketName(name);
    if (!read) problems.push(`there is no bucket ${name}${nearTo(name)}`);
    else if (read.above !== null && prices[read.bucket] === undefined)
      problems.push(`${name} is a step without its first price ${read.bucket}`);
    const wrong = priceProblem(parsePricePerMillion(text), read && plainBucket(read.bucket));
    if (wrong) problems.push(`${name} ${wrong} (${text})`);
  }
  return Object.keys(prices).length === 0 ? ['no price is stated'] : problems;
}

function nearTo(name: string): string {
  const [near] = nearest(name, BUCKETS);
  return near === undefined ? `, only ${BUCKETS.join(', ')}` : ` (nearest: ${near})`;
}

/** Stated prices as buckets with their steps. What cannot be read is left out: it was refused where it was stated. */
export function bucketsOf(prices: Readonly<Record<string, string>>): Buckets {
  const buckets = new Map<
    string,
    { base: PricePerMillion | null; tiers: { above: number; price: PricePerMillion }[] }
  >();
  for (const [name, text] of Object.entries(prices)) {
    const [read, price] = [readBucketName(name), parsePricePerMillion(text)];
    if (!read || price === null) continue;
    const bucket = buckets.get(read.bucket) ?? { base: null, tiers: [] };
    buckets.set(read.bucket, bucket);
    if (read.above === null) bucket.base = price;
    else bucket.tiers.push({ above: read.above, price });
  }
  return new Map(
    [...buckets].flatMap(([name, { base, tiers }]): [string, Price][] =>
      base === null ? [] : [[name, { base, tiers: tiers.sort((a, b) => a.above - b.above) }]],
    ),
  );
}

/** The same way back: bucket name to decimal dollars, steps after their first price. */
export const pricesOf = (buckets: Buckets): Record<string, string> =>
  Object.fromEntries(
    [...buckets].flatMap(([name, { base, tiers }]) => [
      [name, usdDecimal(base as never)],
      ...tiers.map(({ above, price }) => [bucketText(name, above), usdDecimal(price as never)]),
    ]),
  );
