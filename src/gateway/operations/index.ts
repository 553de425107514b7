import type { LedgerStore } from '#ports/ledger-store.ts';
import type { AdminRoute } from '#capabilities/tenants/routes.ts';
import { alertRoutes } from './alerts.ts';
import { cacheRoutes } from './cache.ts';
import { jobRoutes, type JobParts } from './jobs.ts';
import { drainRoutes } from '#capabilities/failover/routes.ts';
import { captureRoutes } from '#capabilities/parity/routes.ts';
import { echoTicketRoutes, type EchoParts } from './echo-tickets.ts';
import { configurationRoutes, type ConfigurationReport } from './configuration.ts';
import { feedRoutes } from './feeds.ts';
import { nowRoute } from './now.ts';
import { providerRoutes } from './providers.ts';
import { qualityPlanRoute, qualityRoute } from './quality.ts';
import { streamRoutes } from './streams.ts';
import { statusRoutes, type StatusParts } from './status.ts';

export interface OperationParts extends StatusParts, JobParts, EchoParts {
  readonly ledger: LedgerStore;
  readonly configuration: () => Promise<ConfigurationReport>;
}

/** Operations of the admin API that the gate itself answers. */
export const gateOperations = (parts: OperationParts): AdminRoute[] => [
  ...statusRoutes(parts),
  ...providerRoutes(parts),
  ...jobRoutes(parts),
  ...cacheRoutes(parts),
  ...configurationRoutes(parts.configuration),
  ...alertRoutes(parts),
  ...feedRoutes(parts),
  nowRoute(parts),
  ...captureRoutes(
    () => parts.gate,
    () => parts.ledger,
  ),
  ...drainRoutes(() => {
    const { tenants, clock, rng, config: known } = parts.gate;
    return { tenants, clock, rng, known };
  }),
  ...echoTicketRoutes(parts),
  ...streamRoutes(parts),
  qualityRoute(parts),
  qualityPlanRoute(parts),
];
