import { epochMs } from '#kernel/brand.ts';
import type { PriceOverride } from '#ports/state-store.ts';
import { modelOf, type Pricing } from '#ledger/entry/correction.ts';
import {
  BATCH_TIER,
  VersionedPriceBook,
  loadPublicList,
  type PriceBook,
  type PricedModel,
} from '#ledger/prices/index.ts';
import type { Tenants } from '#capabilities/tenants/index.ts';
import type { PriceDesk } from '#capabilities/tenants/routes.ts';
import type { Gate } from '#gateway/gate.ts';
import type { GateConfig } from '#gateway/config/resolve.ts';

/** Prices of the file, then those of the store: the one that people set by hand is the later word. */
const overridesOf = (config: GateConfig, tenants: Tenants): readonly PriceOverride[] => [
  ...pricesOfFile(config),
  ...tenants.directory.prices(),
];

const pricesOfFile = (config: GateConfig): readonly PriceOverride[] =>
  config.file.prices.map((price, i) => ({
    id: `file-${i}`,
    provider: price.provider,
    model: price.model,
    validFrom: epochMs(Date.parse(price.validFrom)),
    prices: price.perMillion,
    source: 'headgate.yaml',
  }));

/** The price book; the public list is loaded only where a provider has public prices. */
export async function openPrices(config: GateConfig, tenants: Tenants): Promise<VersionedPriceBook> {
  const wanted = [...config.providers.values()].some(({ data }) => data.priceBook !== null);
  const list = wanted ? await loadPublicList() : { list: null, source: 'none' };
  return new VersionedPriceBook({ ...list, overrides: overridesOf(config, tenants) });
}

export const refreshPrices = (book: VersionedPriceBook, config: GateConfig, tenants: Tenants): void =>
  book.setOverrides(overridesOf(config, tenants));

/** Prices of stored attempts: by the provider as it is configured now, at the time of the call. */
export const storedPricing = (present: { readonly config: GateConfig }, book: PriceBook): Pricing => ({
  book,
  priceOf: (attempt, at) => {
    const row = book.row({
      provider: attempt.provider,
      book: bookOf(present.config, attempt.provider),
      model: modelOf(attempt),
      at,
    });
    if (row === null || attempt.usage?.serviceTier !== BATCH_TIER) return row;
    const discount = present.config.accounts.get(attempt.provider)?.data.batchDiscountPercent;
    return book.batchRow(row, discount ?? null);
  },
});

const bookOf = (config: GateConfig, provider: string): string | null =>
  config.accounts.get(provider)?.data.priceBook ?? null;

/** What the admin API needs to show and change prices. */
export const priceDesk = (gate: Gate, book: VersionedPriceBook): PriceDesk => ({
  book,
  pricing: storedPricing(gate, book),
  configured: () => configuredModels(gate.config),
  bookOf: (provider) => bookOf(gate.config, provider),
  ofFile: () => pricesOfFile(gate.config),
  refresh: () => refreshPrices(book, gate.config, gate.tenants),
});

/** A pattern without a model of its own sends what is asked: it names no model here. */
function configuredModels({ models }: GateConfig): readonly PricedModel[] {
  return models.names.flatMap((name) =>
    models.find(name)!.deployments.flatMap(({ provider, model }) => {
      const sent = model ?? name;
      return sent.endsWith('*') ? [] : [{ provider: provider.name, book: provider.data.priceBook, model: sent }];
    }),
  );
}
