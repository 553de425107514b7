import { iso } from '#kernel/clock.ts';
import { sumUsd, usdDecimal, nanoUsd, type NanoUsd } from '#kernel/money.ts';
import type { SpendRow } from '#ports/ledger-store.ts';
import { takenShare, type BudgetNow, type LimitNow } from '#capabilities/tenants/index.ts';
import { failingFromLedger, failingFromNode } from './core/attempts.ts';
import { changesOf } from './core/changes.ts';
import { findingsOf } from './core/findings.ts';
import { judge } from './core/hurt.ts';
import { leaksOf } from './core/leak-findings.ts';
import { lostStreams } from './core/lost-streams.ts';
import type { Evidence, LedgerEvidence } from './evidence.ts';
import type { BudgetLine, LimitUseLine, NowReport, NowTotals, RefusalLine } from './report.ts';

const LEAST_USUAL = 100;
/** A budget that its pace empties sooner is told of, however full it is. */
const SOON_MS = 2 * 3_600_000;

/** The report from what was read. `since`: the window as it was asked for, for the commands that it names. Pure. */
export function nowReport(evidence: Evidence, since: string): NowReport {
  const { at, from, usual, ledger, node, audit } = evidence;
  const changes = audit === null && !node ? null : changesOf(from, audit ?? [], node?.configuration ?? null);
  const hurt = ledger && judge(ledger.now, ledger.usual, ledger.weeks);
  const streams = ledger && lostStreams(ledger.streams.now, ledger.streams.usual);
  const leaks = audit && leaksOf(from, audit);
  const failing = ledger ? failingFromLedger(ledger) : node ? failingFromNode(node.recent) : null;
  const refusals = node && refusalsOf(node.recent.refusals);
  const spending = ledger && spendingBy(ledger.money);
  const budgets = evidence.budgets?.flatMap((one) => budgetLine(one, evidence, spending) ?? []) ?? null;
  const limits = evidence.limits?.flatMap((one) => limitLine(one) ?? []) ?? null;
  const findings = findingsOf({
    ...{ since, at, hurt },
    ledgerAway: ledger === null && node !== null,
    streams: streams ?? [],
    failing: failing ?? [],
    leaks: leaks ?? [],
    fallen: node?.fallen ?? [],
    alerts: node?.alerts ?? [],
    refusals: refusals ?? [],
    budgets: budgets ?? [],
    limits: limits ?? [],
    node: node?.facts ?? null,
    configuration: node?.configuration ?? null,
    changes: changes ?? [],
    drains: node?.drains ?? [],
    strandedBy: node?.strandedBy ?? null,
  });
  return {
    report: 'now',
    at: iso(at),
    window: { from: iso(from), to: iso(at) },
    usual: { from: iso(usual.from), to: iso(usual.to) },
    source: node ? 'gate' : 'store',
    verdict: findings.some(({ grade }) => grade === 'bad') ? 'trouble' : findings.length > 0 ? 'warned' : 'calm',
    findings,
    totals: ledger && totalsOf(ledger),
    ...{
      changes,
      hurt,
      streams,
      failing,
      leaks,
      alerts: node?.alerts ?? null,
      quality: node?.fallen ?? null,
      refusals,
      budgets,
      limits,
    },
    sampledCalls: ledger ? ledger.calls.length : null,
    node: node?.facts ?? null,
    drains: node?.drains ?? null,
    unknown: [
      ...evidence.unknown,
      ...(ledger === null && node ? [`counted by this node since ${iso(node.recent.from)}`] : []),
    ],
  };
}

function totalsOf({ money, usualOfAll }: LedgerEvidence): NowTotals {
  const sum = (of: (row: SpendRow) => number): number => money.reduce((all, row) => all + of(row), 0);
  return {
    calls: sum(({ calls }) => calls),
    failed: sum(({ errors }) => errors),
    usualFailed: usualOfAll.calls < LEAST_USUAL ? null : usualOfAll.failed / usualOfAll.calls,
    costUsd: usdDecimal(sumUsd(money.map(({ costNanoUsd }) => costNanoUsd))),
    unknownCostCalls: sum(({ unknownCostCalls }) => unknownCostCalls),
  };
}

const refusalsOf = (counts: ReadonlyMap<string, number>): RefusalLine[] =>
  [...counts]
    .map(([name, count]): RefusalLine => {
      const [code, tenant] = name.startsWith('[') ? (JSON.parse(name) as [string, string | null]) : [name, null];
      return { code, tenant, count };
    })
    .sort((a, b) => b.count - a.count);

/** Null: neither near its limit nor soon there. */
function budgetLine(now: BudgetNow, { at, from }: Evidence, spending: Spending | null): BudgetLine | null {
  const { budget, limitNanoUsd: limit, spentNanoUsd, reservedNanoUsd } = now;
  const held = nanoUsd(spentNanoUsd + reservedNanoUsd);
  const used = limit === 0n ? 1 : Number((held * 1_000_000n) / limit) / 1e6;
  const spent = spending && spending(budget.scope);
  const perHour =
    spent === null || spent === 0n ? null : nanoUsd((spent * 3_600_000n) / BigInt(Math.max(1, at - from)));
  const left = limit - held;
  const emptyInMs = perHour === null || left <= 0n ? null : Number((left * 3_600_000n) / (perHour || 1n));
  const near = used >= Math.min(1, ...budget.warnAt) || (emptyInMs !== null && emptyInMs < SOON_MS);
  if (!near) return null;
  return {
    id: budget.id,
    whose: whoseText(budget.scope),
    limitUsd: usdDecimal(limit),
    spentUsd: usdDecimal(spentNanoUsd),
    reservedUsd: usdDecimal(reservedNanoUsd),
    used,
    usdPerHour: perHour === null ? null : usdDecimal(rounded(perHour)),
    emptyInMs,
  };
}

/** A limit is told of from here on; one that refuses is in any case. */
const NEARLY_USED = 0.8;

function limitLine({ limit, most, taken, refused }: LimitNow): LimitUseLine | null {
  // A limit of nothing is a door that somebody has shut.
  const used = taken === null || most === 0 ? null : takenShare(taken, most);
  if (refused === 0 && (used === null || used < NEARLY_USED)) return null;
  const { id, scope, unit, window } = limit;
  const what = unit === 'concurrency' ? 'calls in flight' : `${unit.replace('_', ' ')} a ${window}`;
  return { id, whose: whoseText(scope), what, most, used, refused };
}

/** A pace to the cent, or as it is where it is less. */
const CENT = 10_000_000n;
const rounded = (value: NanoUsd): NanoUsd => (value < CENT ? value : nanoUsd((value / CENT) * CENT));

type Spending = (scope: BudgetNow['budget']['scope']) => bigint | null;

/**
 * What was spent on a scope. Rows are by tenant, team, feature and key, summed once: ten thousand budgets would else look
 * at as many rows each. Null: the ledger does not sum by end users.
 */
function spendingBy(rows: readonly SpendRow[]): Spending {
  const sums = new Map<string, bigint>();
  const add = (name: string, cost: bigint): void => void sums.set(name, (sums.get(name) ?? 0n) + cost);
  for (const { by, costNanoUsd } of rows) {
    add(scopeName('operator', null, null), costNanoUsd);
    const tenant = by[0] ?? null;
    add(scopeName('tenant', tenant, null), costNanoUsd);
    for (const [i, level] of (['team', 'feature', 'key'] as const).entries()) {
      const id = by[i + 1] ?? null;
      if (id !== null) add(scopeName(level, tenant, id), costNanoUsd);
    }
  }
  return ({ level, tenant, id }) =>
    level === 'end_user'
      ? null
      : (sums.get(
          id === null ? scopeName(tenant === null ? 'operator' : 'tenant', tenant, null) : scopeName(level, tenant, id),
        ) ?? 0n);
}

const scopeName = (level: string, tenant: string | null, id: string | null): string =>
  JSON.stringify([level, tenant, id]);

const whoseText = ({ level, tenant, id }: BudgetNow['budget']['scope']): string => {
  if (level === 'operator') return 'all tenants';
  return id === null ? `tenant ${tenant}` : `${level.replace('_', ' ')} ${id} of ${tenant}`;
};
