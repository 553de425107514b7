import { everyTenant } from '#kernel/whose.ts';
import { Alerts } from '#capabilities/alerts/index.ts';
import { budgetLimits, budgetsNow, limitsNow, type Tenants } from '#capabilities/tenants/index.ts';
import type { Spool } from '#ledger/index.ts';
import type { StoreThread } from '#stores/remote/thread.ts';
import type { GateConfig } from '#gateway/config/resolve.ts';
import type { Log } from '#gateway/gate.ts';
import { systemClock, systemRng } from './system.ts';

interface Parts {
  readonly present: { readonly config: GateConfig };
  readonly tenants: Tenants;
  readonly stores: Pick<StoreThread, 'ledger'>;
  readonly spool: Spool;
  readonly dataDir: string;
  readonly log: Log;
}

const ALL = everyTenant('alerts are the operator’s');

export const openAlerts = ({ present, tenants, stores, spool, dataDir, log }: Parts): Alerts =>
  new Alerts({
    now: () => {
      const { file, webhooks } = present.config;
      return { alerts: file.alerts, webhooks, environment: file.environment };
    },
    sources: {
      ledger: stores.ledger,
      keys: () => tenants.directory.keys(ALL),
      budgets: () => budgetLimits(tenants.directory.budgets(ALL), systemClock.now()),
      budgetsSpent: () => budgetsNow(tenants, systemClock.now()),
      limits: (sinceMs) => limitsNow(tenants, systemClock.now(), sinceMs),
      spoolLagMs: () => spool.stats().oldestUnshippedMs,
    },
    dataDir,
    instance: spool.owner,
    clock: systemClock,
    rng: systemRng,
    onTrouble: (what, facts) => log.warn(facts, what),
  });
