/** Tasks of agents and people: calls of one session together. Pure. */
import { addUsd, ZERO_USD, type NanoUsd } from '#kernel/money.ts';
import type { LedgerEntry } from '#ports/entry.ts';

export interface SessionSums {
  readonly session: string;
  readonly tenant: string;
  /** ISO times of the first admission and the last end. */
  readonly from: string;
  readonly to: string;
  readonly calls: number;
  /** Calls that failed by other than their caller's will. */
  readonly failed: number;
  readonly models: readonly string[];
  readonly agents: readonly string[];
  readonly clients: readonly string[];
  readonly inputTokens: number;
  readonly cachedReadTokens: number;
  readonly outputTokens: number;
  readonly costNanoUsd: NanoUsd;
  /** Calls whose cost is unknown: their money is not in `costNanoUsd`. */
  readonly unknownCostCalls: number;
  /** Part of the cost that rests on estimated tokens. */
  readonly estimatedNanoUsd: NanoUsd;
}

export const hasFailed = ({ status }: LedgerEntry): boolean => status !== 'ok' && status !== 'cancelled';
export const endOf = ({ at, timing }: LedgerEntry): number => at + (timing.totalMs ?? 0);

const distinct = (values: readonly (string | null)[]): string[] => [
  ...new Set(values.filter((value): value is string => value !== null)),
];
const sum = (calls: readonly LedgerEntry[], of: (entry: LedgerEntry) => number | null): number =>
  calls.reduce((all, entry) => all + (of(entry) ?? 0), 0);
const money = (calls: readonly LedgerEntry[]): NanoUsd =>
  calls.reduce((all, { cost }) => (cost === null ? all : addUsd(all, cost.total)), ZERO_USD);

/** Sums of calls that share tenant and session. */
export function sessionSums(calls: readonly LedgerEntry[]): SessionSums {
  const [first] = calls;
  return {
    session: first!.session!,
    tenant: first!.tenant,
    from: new Date(Math.min(...calls.map(({ at }) => at))).toISOString(),
    to: new Date(Math.max(...calls.map(endOf))).toISOString(),
    calls: calls.length,
    failed: calls.filter(hasFailed).length,
    models: distinct(calls.map(({ modelAsked }) => modelAsked)),
    agents: distinct(calls.map(({ agent }) => agent)),
    clients: distinct(
      calls.map(({ client, clientVersion }) => (client && clientVersion ? `${client} ${clientVersion}` : client)),
    ),
    inputTokens: sum(calls, ({ usage }) => usage.inputTokens),
    cachedReadTokens: sum(calls, ({ usage }) => usage.cachedReadTokens),
    outputTokens: sum(calls, ({ usage }) => usage.outputTokens),
    costNanoUsd: money(calls),
    unknownCostCalls: calls.filter(({ cost }) => cost === null).length,
    estimatedNanoUsd: money(calls.filter(({ usageSource }) => usageSource === 'estimated')),
  };
}

/** Sessions of the calls, the one that moved last first. A session is its tenant's: equal names of two are two. */
export function sessionsOf(calls: readonly LedgerEntry[]): SessionSums[] {
  const named = calls.filter(({ session }) => session !== null);
  const groups = Map.groupBy(named, ({ tenant, session }) => `${tenant}\n${session}`);
  return [...groups.values()].map(sessionSums).sort((a, b) => (a.to < b.to ? 1 : a.to > b.to ? -1 : 0));
}

/** Share of the input that came from the provider's cache; null where nothing was sent. */
export const cacheShare = ({ inputTokens, cachedReadTokens }: SessionSums): number | null =>
  inputTokens === 0 ? null : cachedReadTokens / inputTokens;
