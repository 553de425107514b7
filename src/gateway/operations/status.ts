import { route, type AdminRoute } from '#capabilities/tenants/routes.ts';
import type { Gate } from '../gate.ts';

export interface StatusParts {
  readonly gate: Gate;
  readonly version: string;
  readonly startedAt: number;
  readonly isReady: () => boolean;
}

/** What this process is and how it is: what a person asks before any figure. */
export const statusRoutes = (parts: StatusParts): AdminRoute[] => [
  route('GET /admin/status', {
    tag: 'gate',
    summary: 'This gate: version, start, calls in flight, what waits in the spool, which configuration is in force',
    run: async () => statusOf(parts),
  }),
];

function statusOf({ gate, version, startedAt, isReady }: StatusParts): object {
  const { unshippedCalls, oldestUnshippedMs, diskFull, lostRecords } = gate.spool.stats();
  return {
    version,
    node: process.version,
    now: new Date(gate.clock.now()).toISOString(),
    startedAt: new Date(startedAt).toISOString(),
    environment: gate.config.file.environment,
    ready: isReady(),
    draining: gate.draining,
    inFlight: gate.meter.inFlight,
    refusals: Object.fromEntries(gate.meter.refusals),
    spool: { unshippedCalls, oldestUnshippedMs, diskFull, lostRecords },
    telemetry: gate.telemetry.stats(),
    /** `snapshot`: the store was away at the start, and keys and budgets are the last known ones. */
    stateFrom: gate.tenants.origin,
    features: Object.keys(gate.config.file.features),
    labels: gate.config.file.labels,
    models: gate.config.models.names,
    configuration: gate.config.hash,
  };
}
