import { callId } from '#kernel/ids.ts';
import type { StoreThread } from '#stores/remote/thread.ts';
import type { Pricing } from '#ledger/entry/correction.ts';
import { modelOf } from '#ledger/entry/correction.ts';
import type { PriceBook } from '#ledger/prices/index.ts';
import { Recounts, TokenCounter } from '#ledger/recount/index.ts';
import type { Tenants } from '#capabilities/tenants/index.ts';
import type { GateConfig } from '#gateway/config/resolve.ts';
import { systemClock, systemRng } from './system.ts';

interface Parts {
  readonly present: { readonly config: GateConfig };
  readonly prices: PriceBook;
  readonly tenants: Tenants;
  readonly stores: StoreThread;
}

/** Prices of stored attempts: by the provider as it is configured now, at the time of the call. */
export const storedPricing = (present: Parts['present'], book: PriceBook): Pricing => ({
  book,
  priceOf: (attempt, at) =>
    book.row({
      provider: attempt.provider,
      book: present.config.providers.get(attempt.provider)?.data.priceBook ?? null,
      model: modelOf(attempt),
      at,
    }),
});

export const openRecounts = ({ present, prices, tenants, stores }: Parts): Recounts =>
  new Recounts({
    counter: new TokenCounter(),
    pricing: storedPricing(present, prices),
    newId: () => callId(systemClock.now(), systemRng),
    ship: (correction) => stores.ledger.ship([correction]),
    moved: (before, after) => tenants.corrected(before, after),
  });
