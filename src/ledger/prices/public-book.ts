import type { EpochMs } from '#kernel/brand.ts';
import { fromNumber, type Bucket, type Buckets, type Price } from './buckets.ts';

/** What `@pydantic/genai-prices` (MIT) gives of a model; see its `types.d.ts`. */
interface ListedModel {
  readonly id: string;
  readonly prices: ListedPrices | readonly ConditionalPrices[];
}
type ListedPrices = Readonly<
  Record<
    string,
    number | { readonly base: number; readonly tiers: readonly { start: number; price: number }[] } | undefined
  >
>;
interface ConditionalPrices {
  readonly constraint?: { readonly type: string; readonly start_date?: string };
  readonly prices: ListedPrices;
}

/** Its key, our bucket, and for how many units its price is. */
const KEYS: readonly (readonly [string, Bucket, number])[] = [
  ['input_mtok', 'input', 1_000_000],
  ['cache_read_mtok', 'cachedRead', 1_000_000],
  ['cache_write_mtok', 'cacheWrite', 1_000_000],
  ['cache_write_1h_mtok', 'cacheWrite1h', 1_000_000],
  ['output_mtok', 'output', 1_000_000],
  ['output_reasoning_mtok', 'reasoning', 1_000_000],
  ['input_audio_mtok', 'inputAudio', 1_000_000],
  ['output_audio_mtok', 'outputAudio', 1_000_000],
  ['input_image_mtok', 'inputImage', 1_000_000],
  ['output_image_mtok', 'outputImage', 1_000_000],
  // Input and output of sound are one: what was heard.
  ['audio_hours', 'audioSecond', 3_600],
  ['input_audio_hours', 'audioSecond', 3_600],
  ['requests_kcount', 'request', 1_000],
  ['web_searches_kcount', 'webSearch', 1_000],
];

/** One dated set of prices of a listed model. */
export interface ListedRow {
  readonly model: string;
  readonly validFrom: EpochMs;
  readonly buckets: Buckets;
}

/** All dated prices of one model of the public list, oldest first. Prices by time of day are not used: null. */
export function rowsOf(model: ListedModel): readonly ListedRow[] | null {
  const conditional: readonly ConditionalPrices[] = Array.isArray(model.prices)
    ? (model.prices as readonly ConditionalPrices[])
    : [{ prices: model.prices as ListedPrices }];
  if (conditional.some(({ constraint }) => constraint && constraint.type !== 'start_date')) return null;
  return conditional
    .map(({ constraint, prices }) => ({
      model: model.id,
      validFrom: (constraint?.start_date ? Date.parse(`${constraint.start_date}T00:00:00Z`) : 0) as EpochMs,
      buckets: bucketsOf(prices),
    }))
    .sort((a, b) => a.validFrom - b.validFrom);
}

function bucketsOf(prices: ListedPrices): Buckets {
  const out = new Map<string, Price>();
  for (const [key, bucket, units] of KEYS) {
    const value = prices[key];
    if (value === undefined) continue;
    const [base, tiers] = typeof value === 'number' ? [value, []] : [value.base, value.tiers];
    out.set(bucket, {
      base: fromNumber(base, units),
      tiers: tiers
        .map(({ start, price }) => ({ above: start, price: fromNumber(price, units) }))
        .sort((a, b) => a.above - b.above),
    });
  }
  return out;
}
