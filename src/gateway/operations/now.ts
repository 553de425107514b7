import { z } from 'zod';
import { epochMs } from '#kernel/brand.ts';
import { parseDuration } from '#kernel/config/quantities.ts';
import { ruleView } from '#capabilities/alerts/index.ts';
import type { Whose } from '#kernel/whose.ts';
import { strandedModels } from '#capabilities/failover/index.ts';
import { drainView } from '#capabilities/failover/routes.ts';
import { budgetsNow, limitsNow } from '#capabilities/tenants/index.ts';
import { duration, route, type AdminRoute } from '#capabilities/tenants/routes.ts';
import { inForce, type Drain } from '#ports/state-store.ts';
import { alertLines } from '../now/core/alert-findings.ts';
import { gather, nothingKept, type NodeSources } from '../now/evidence.ts';
import { nowReport } from '../now/now-report.ts';
import type { NodeFacts, NowReport } from '../now/report.ts';
import type { Gate } from '../gate.ts';
import { PRESENT_MS } from './quality.ts';
import type { OperationParts } from './index.ts';

const LONGEST_MS = 7 * 86_400_000;

/** 0: no span that can be asked for. */
function spanOf(text: string): number {
  const ms = parseDuration(text);
  return ms === null || ms > LONGEST_MS ? 0 : ms;
}

export function nowRoute(parts: OperationParts): AdminRoute {
  const kept = nothingKept();
  let last: { readonly at: number; readonly since: string; readonly report: NowReport } | null = null;
  return route('GET /admin/now', {
    tag: 'gate',
    summary: 'What is wrong now: findings with evidence and the next command, what changed, who is hurt and why',
    query: z.strictObject({
      since: z
        .string()
        .max(16)
        .refine((text) => spanOf(text) > 0, { message: 'is a duration such as 30m, 1h or 6h, at most 7d' })
        .default('1h')
        .describe('Window that ends now: 30m, 1h, 6h; at most 7d.'),
      maxAge: duration(60_000).optional().describe('A report of this age at most will do: `10s`. Default: made anew.'),
    }),
    run: async (_, { since, maxAge = 0 }) => {
      const { gate, ledger } = parts;
      const at = gate.clock.now();
      if (last && last.since === since && at - last.at < maxAge) return last.report;
      const sources = {
        ledger,
        audit: (whose: Whose, limit: number) => gate.tenants.audit({ whose, limit }),
        node: nodeOf(parts),
        kept,
      };
      const report = nowReport(await gather(sources, at, spanOf(since)), since);
      last = { at, since, report };
      return report;
    },
  });
}

function capturesOf(gate: Gate): NodeFacts['captures'] {
  const { full, failed, busy, isFull, trouble } = gate.captures.stats;
  const running = inForce(gate.tenants.directory.captures, gate.clock.now()).length;
  return { running, notKept: full + failed + busy, isFull, trouble };
}

function nodeOf({ gate, version, startedAt, isReady, configuration }: OperationParts): NodeSources {
  const live = (): readonly Drain[] => inForce(gate.tenants.directory.drains, gate.clock.now());
  return {
    facts: () => {
      const { unshippedCalls, oldestUnshippedMs, diskFull, lostRecords } = gate.spool.stats();
      return {
        ...{ version, ready: isReady(), draining: gate.draining, inFlight: gate.meter.inFlight },
        startedAt: new Date(startedAt).toISOString(),
        ...{ unshippedCalls, oldestUnshippedMs, diskFull, lostRecords },
        stateFrom: gate.tenants.origin,
        lateChanges: gate.tenants.lateChanges,
        captures: capturesOf(gate),
      };
    },
    recent: (from) => gate.meter.recent.since(from),
    limits: (sinceMs) => limitsNow(gate.tenants, gate.clock.now(), sinceMs),
    budgets: () => budgetsNow(gate.tenants, gate.clock.now()),
    configuration: async () => {
      const { reloads, refused } = await configuration();
      return { startedAt: new Date(startedAt).toISOString(), reloads, refused };
    },
    fallen: () => gate.quality.lines(gate.clock.now() - PRESENT_MS).filter(({ verdict }) => verdict === 'fell'),
    alerts: () => alertLines(gate.alerts.states().map(ruleView)),
    drains: () => live().map(drainView),
    strandedBy: (target) => {
      const { models } = gate.config;
      const before = new Set(strandedModels(models, live()));
      const supposed = {
        kind: 'drain',
        id: '',
        target,
        reason: '',
        actor: '',
        startedAt: epochMs(0),
        until: epochMs(0),
      } as const;
      return strandedModels(models, [...live(), supposed]).filter((model) => !before.has(model));
    },
  };
}
