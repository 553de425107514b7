import { divideHalfEven, pricePerMillion, type PricePerMillion } from '#kernel/money.ts';
import type { Bucket, Buckets, Price } from './buckets.ts';

/** The name that a batch's buckets carry, and that its usage says as its tier. */
export const BATCH_TIER = 'batch';
const PREFIX = `${BATCH_TIER}.`;

/** Uses of a provider's own tools cost in a batch what they cost elsewhere: the discount is on tokens. */
const NOT_DISCOUNTED: ReadonlySet<string> = new Set<Bucket>(['webSearch', 'request']);

/** Does a list state batch prices of its own? */
export const statesBatch = (buckets: Buckets): boolean => buckets.has(`${PREFIX}input`);

/** The batch's buckets under their plain names: what a reservation multiplies with. */
export const plainBatch = (buckets: Buckets): Buckets =>
  new Map(
    [...buckets].flatMap(([name, price]) => (name.startsWith(PREFIX) ? [[name.slice(PREFIX.length), price]] : [])),
  );

/** The plain buckets once more as a batch's, each token less the discount in per cent, half to even. */
export function discounted(buckets: Buckets, percent: number): Buckets {
  const cheaper = (price: PricePerMillion): PricePerMillion =>
    pricePerMillion(divideHalfEven(price * BigInt(100 - percent), 100n));
  const out = new Map(buckets);
  for (const [name, price] of buckets) {
    if (name.includes('.')) continue;
    const of: Price = NOT_DISCOUNTED.has(name)
      ? price
      : {
          base: cheaper(price.base),
          tiers: price.tiers.map(({ above, price: step }) => ({ above, price: cheaper(step) })),
        };
    out.set(PREFIX + name, of);
  }
  return out;
}
