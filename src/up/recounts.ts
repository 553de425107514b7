import { callId } from '#kernel/ids.ts';
import type { StoreThread } from '#stores/remote/thread.ts';
import type { PriceBook } from '#ledger/prices/index.ts';
import { Recounts, TokenCounter } from '#ledger/recount/index.ts';
import type { Tenants } from '#capabilities/tenants/index.ts';
import type { GateConfig } from '#gateway/config/resolve.ts';
import { storedPricing } from './prices.ts';
import { shipped } from '#ports/entry-text.ts';
import { systemClock, systemRng } from './system.ts';

interface Parts {
  readonly present: { readonly config: GateConfig };
  readonly prices: PriceBook;
  readonly tenants: Tenants;
  readonly stores: Pick<StoreThread, 'ledger'>;
}

export const openRecounts = ({ present, prices, tenants, stores }: Parts): Recounts =>
  new Recounts({
    counter: new TokenCounter(),
    pricing: storedPricing(present, prices),
    newId: () => callId(systemClock.now(), systemRng),
    ship: (correction) => stores.ledger.ship(shipped([correction])),
    moved: (before, after) => tenants.corrected(before, after),
  });
