import type { EpochMs } from '#kernel/brand.ts';
import type { DialectName } from '#wire/canonical.ts';
import type { PriceRow } from '#ledger/prices/index.ts';
import type { Deployment } from '#capabilities/failover/index.ts';
import type { Gate } from './gate.ts';

/** Does the provider state that calls of this dialect cost nothing? */
export const isFree = ({ provider }: Deployment, dialect: DialectName): boolean =>
  provider.data.free?.includes(dialect) === true;

/** The price of a deployment at a time, or null where nobody knows it. Reserving and settling ask the same question. */
export const deploymentPrice = (
  gate: Gate,
  { provider, model }: Deployment,
  modelAsked: string,
  at: EpochMs,
): PriceRow | null =>
  gate.prices.row({ provider: provider.name, book: provider.data.priceBook, model: model ?? modelAsked, at });
