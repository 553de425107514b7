import type { LedgerStore } from '#ports/ledger-store.ts';
import type { AdminRoute } from '#capabilities/tenants/routes.ts';
import { echoTicketRoutes, type EchoParts } from './echo-tickets.ts';
import { configurationRoutes, type ConfigurationReport } from './configuration.ts';
import { providerRoutes } from './providers.ts';
import { statusRoutes, type StatusParts } from './status.ts';

export interface OperationParts extends StatusParts, EchoParts {
  readonly ledger: LedgerStore;
  readonly configuration: () => Promise<ConfigurationReport>;
}

/** Operations of the admin API that the gate itself answers. */
export const gateOperations = (parts: OperationParts): AdminRoute[] => [
  ...statusRoutes(parts),
  ...providerRoutes(parts),
  ...configurationRoutes(parts.configuration),
  ...echoTicketRoutes(parts),
];
