import { epochMs } from '#kernel/brand.ts';
import type { PriceOverride } from '#ports/state-store.ts';
import { VersionedPriceBook, loadPublicList } from '#ledger/prices/index.ts';
import type { Tenants } from '#capabilities/tenants/index.ts';
import type { GateConfig } from '#gateway/config/resolve.ts';

/** Prices of the file, then those of the store: the one that people set by hand is the later word. */
const overridesOf = (config: GateConfig, tenants: Tenants): readonly PriceOverride[] => [
  ...config.file.prices.map((price, i) => ({
    id: `file-${i}`,
    provider: price.provider,
    model: price.model,
    validFrom: epochMs(Date.parse(price.validFrom)),
    prices: price.perMillion,
    source: 'headgate.yaml',
  })),
  ...tenants.directory.prices(),
];

/** The price book; the public list is loaded only where a provider has public prices. */
export async function openPrices(config: GateConfig, tenants: Tenants): Promise<VersionedPriceBook> {
  const wanted = [...config.providers.values()].some(({ data }) => data.priceBook !== null);
  const list = wanted ? await loadPublicList() : { list: null, source: 'none' };
  return new VersionedPriceBook({ ...list, overrides: overridesOf(config, tenants) });
}

export const refreshPrices = (book: VersionedPriceBook, config: GateConfig, tenants: Tenants): void =>
  book.setOverrides(overridesOf(config, tenants));
