import type { EpochMs } from '#kernel/brand.ts';
import { everyTenant } from '#kernel/whose.ts';
import type { LedgerStore } from '#ports/ledger-store.ts';
import type { PriceOverride } from '#ports/state-store.ts';
import type { Pricing } from '#ledger/entry/correction.ts';
import type { PricedModel, VersionedPriceBook } from '#ledger/prices/index.ts';

/** The price book as it serves, for the operations that show and change it. */
export interface PriceDesk {
  readonly book: VersionedPriceBook;
  /** Prices of stored attempts, for what is priced again. */
  readonly pricing: Pricing;
  /** Deployments of the configuration whose model is one; a pattern's models are known once they are called. */
  readonly configured: () => readonly PricedModel[];
  /** Id of a provider in public price lists; null: it has none, or is not configured. */
  readonly bookOf: (provider: string) => string | null;
  /** Prices of the operator's file. */
  readonly ofFile: () => readonly PriceOverride[];
  /** Takes the stored rows anew: later calls are priced by them. */
  readonly refresh: () => void;
}

const ALL_CALLED = everyTenant('which models are called, whoever calls them');
const CALLED_WITHIN_MS = 30 * 86_400_000;

/** Models that matter: those of the configuration, and those that were called in the last 30 days. */
export async function modelsInUse(
  desk: PriceDesk,
  { ledger, now }: { ledger: Pick<LedgerStore, 'spend'>; now: EpochMs },
): Promise<readonly PricedModel[]> {
  const window = { from: (now - CALLED_WITHIN_MS) as EpochMs, to: (now + 1) as EpochMs };
  const called = await ledger.spend({ ...window, whose: ALL_CALLED, by: ['provider', 'deployment'] });
  const found = new Map<string, PricedModel>();
  const add = (one: PricedModel): void => void found.set(`${one.provider}/${one.model}`, one);
  desk.configured().forEach(add);
  for (const { by } of called) {
    const [provider, deployment] = by;
    if (provider && deployment)
      add({ provider, book: desk.bookOf(provider), model: deployment.slice(provider.length + 1) });
  }
  return [...found.keys()].sort().map((name) => found.get(name)!);
}
