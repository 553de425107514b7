export { VersionedPriceBook, type Opinion, type PublicList } from './book.ts';
export { BATCH_TIER } from './batch-price.ts';
export { problemsOf } from './bucket-name.ts';
export { BUCKETS } from './buckets.ts';
export { checkPrices, type PriceFinding, type PricedModel } from './check-prices.ts';
export { ImportPlanner, type ImportPlan, type PriceChange } from './import/plan-import.ts';
export { samePrices, type ListedPrice } from './import/parsed-list.ts';
export { ByteEstimator } from './estimator.ts';
export type { Estimator, PriceBook, PriceKey, PriceQuote, PriceRow } from './price-book.ts';

/** Version of the public list, part of every price row's hash. */
const LIST_SOURCE = 'genai-prices@0.1.8';

/**
 * The public price list, loaded when the first provider with public prices is configured: it is 0.8 MB of code
 * that a gate of self-hosted models does not need.
 */
export async function loadPublicList(): Promise<{ list: import('./book.ts').PublicList; source: string }> {
  const { findProvider } = await import('@pydantic/genai-prices');
  const { findModel } = await import('./match.ts');
  return {
    source: LIST_SOURCE,
    list: (book, model) => {
      const provider = findProvider({ providerId: book });
      return provider ? (findModel(provider, model, (id) => findProvider({ providerId: id })) as never) : null;
    },
  };
}
