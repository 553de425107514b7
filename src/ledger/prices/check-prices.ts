import type { EpochMs } from '#kernel/brand.ts';
import { timeOfId } from '#kernel/ids.ts';
import type { PriceOverride } from '#ports/state-store.ts';
import type { VersionedPriceBook } from './book.ts';

/** A model as it is priced: at a configured provider, or as lists know it. */
export interface PricedModel {
  readonly provider: string;
  readonly book: string | null;
  readonly model: string;
}

/** Something about a price that a person should look at. */
export type PriceFinding =
  /** Sources state different prices. The first is the one that decides. */
  | {
      readonly kind: 'disagree';
      readonly model: string;
      readonly bucket: string;
      readonly says: readonly { readonly source: string; readonly price: string }[];
    }
  /** A stated price that nobody has confirmed for long. */
  | { readonly kind: 'old'; readonly model: string; readonly source: string; readonly at: EpochMs }
  /** Calls of it have an unknown cost. */
  | { readonly kind: 'unknown'; readonly model: string };

interface Checked {
  readonly models: readonly PricedModel[];
  readonly stored: Iterable<PriceOverride>;
  readonly now: EpochMs;
  readonly olderThanMs: number;
}

/** Where sources disagree, what is old, and what has no price; in the order of the models. */
export function checkPrices(book: VersionedPriceBook, { models, stored, now, olderThanMs }: Checked): PriceFinding[] {
  const findings = models.flatMap((model) => findingsOf(book, model, now));
  return [...findings, ...oldRows(stored, models, now - olderThanMs)];
}

function findingsOf(
  book: VersionedPriceBook,
  { provider, book: list, model }: PricedModel,
  at: EpochMs,
): PriceFinding[] {
  const name = `${provider}/${model}`;
  const opinions = book
    .opinions({ provider, book: list, model, at })
    .map(({ layer, row }) => ({ source: layer, prices: book.prices(row) }));
  if (opinions.length === 0) return [{ kind: 'unknown', model: name }];
  const buckets = new Set(opinions.flatMap(({ prices }) => Object.keys(prices)));
  return [...buckets].flatMap((bucket) => {
    const says = opinions
      .filter(({ prices }) => prices[bucket] !== undefined)
      .map(({ source, prices }) => ({ source, price: prices[bucket]! }));
    const differ = new Set(says.map(({ price }) => price)).size > 1;
    return differ ? [{ kind: 'disagree' as const, model: name, bucket, says }] : [];
  });
}

/** The newest row of each source and model, where its source was last read too long ago. */
function oldRows(stored: Iterable<PriceOverride>, models: readonly PricedModel[], before: number): PriceFinding[] {
  const wanted = new Map(
    models.flatMap((one) => [
      [`${one.book}\n${one.model}`, `${one.provider}/${one.model}`] as const,
      [`${one.provider}\n${one.model}`, `${one.provider}/${one.model}`] as const,
    ]),
  );
  const newest = new Map<string, PriceFinding & { kind: 'old' }>();
  for (const row of stored) {
    const model = wanted.get(`${row.provider}\n${row.model}`);
    const at = row.imported?.seenAt ?? timeOfId(row.id);
    if (model === undefined || at === null) continue;
    const source = row.imported?.list ?? 'own';
    const known = newest.get(`${source}\n${model}`);
    if (!known || known.at < at) newest.set(`${source}\n${model}`, { kind: 'old', model, source, at });
  }
  return [...newest.values()].filter(({ at }) => at < before);
}
