/** The console's questions, in the types of the ledger. */
import { entryOf, spendRowOf, usdOf, usdOrNull } from '#cli/connect/json-entry.ts';
import { spendReport, type SpendReport } from '#cli/spend/report.ts';
import type { NanoUsd } from '#kernel/money.ts';
import type { LedgerEntry } from '#ports/entry.ts';
import type { Dimension, SpendRow } from '#ports/ledger-store.ts';
import { read, type Query } from '../session/client.ts';
import type { Span } from './place.ts';

export interface Quantiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

export interface SpendFigures extends SpendRow {
  readonly totalMs: Quantiles | null;
  readonly firstTokenMs: Quantiles | null;
}

export type Filters = Readonly<Record<string, string>>;

export interface SpendAsked extends Span {
  readonly by: readonly Dimension[];
  readonly bucket?: 'minute' | 'hour' | 'day';
  readonly figures: 'sums' | 'quantiles';
  readonly filters: Filters;
}

export async function spendRows({ from, to, by, bucket, figures, filters }: SpendAsked): Promise<SpendFigures[]> {
  const query: Query = { ...filters, from, to, by: by.join(','), figures, ...(bucket && { bucket }) };
  const { rows } = (await read('/spend', { ...query, by: undefined, ...byOf(by) })) as { rows: unknown[] };
  return rows.map((row) => spendRowOf(row) as SpendFigures);
}

/** No dimension is a comma alone: an empty one would be left out of the address and mean the default. */
const byOf = (by: readonly Dimension[]): Query => ({ by: by.length === 0 ? ',' : by.join(',') });

/** A window and the one of the same length before it, in the report that the command line draws too. */
export async function spendCompared(asked: Omit<SpendAsked, 'bucket' | 'figures'>): Promise<SpendReport> {
  const { from, to, by, filters } = asked;
  const [rows, priorRows] = await Promise.all([
    spendRows({ ...asked, figures: 'sums' }),
    spendRows({ ...asked, figures: 'sums', from: 2 * from - to, to: from }),
  ]);
  return spendReport({ from, to, by, filters: filters as never, rows, priorRows, zone: zone() });
}

export const zone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone;

export async function callList(query: Query): Promise<LedgerEntry[]> {
  const { calls } = (await read('/calls', query)) as { calls: unknown[] };
  return calls.map(entryOf);
}

export const oneCall = async (id: string): Promise<LedgerEntry> =>
  entryOf(await read(`/calls/${encodeURIComponent(id)}`));

export interface SessionLine {
  readonly tenant: string;
  readonly session: string;
  readonly calls: number;
  readonly errors: number;
  readonly costNanoUsd: NanoUsd;
  readonly unknownCostCalls: number;
  readonly estimatedNanoUsd: NanoUsd;
  readonly inputTokens: number;
  readonly cachedReadTokens: number;
  readonly outputTokens: number;
  readonly models: readonly string[];
  readonly lastAt: string;
  readonly lastStatus: string;
  readonly failed: { readonly call: string; readonly status: string; readonly errorCode: string | null } | null;
}

export interface SessionPage {
  readonly sessions: readonly SessionLine[];
  readonly lookedAt: number;
  readonly next: string | null;
}

export async function sessionList(query: Query): Promise<SessionPage> {
  const page = (await read('/sessions', query)) as SessionPage;
  return {
    ...page,
    sessions: page.sessions.map((line) => {
      const { costUsd, estimatedUsd, ...rest } = line as unknown as Record<string, unknown>;
      return { ...rest, costNanoUsd: usdOf(costUsd), estimatedNanoUsd: usdOf(estimatedUsd) } as unknown as SessionLine;
    }),
  };
}

export interface BudgetView {
  readonly id: string;
  readonly scope: { readonly level: string; readonly tenant: string | null; readonly id: string | null };
  readonly limit: NanoUsd;
  readonly spent: NanoUsd | null;
  readonly reserved: NanoUsd | null;
  readonly resetsAt: string | null;
  readonly window: unknown;
  readonly mode: string;
  readonly warnAt: readonly number[];
  readonly contact: string | null;
  readonly raise: {
    readonly by: NanoUsd;
    readonly until: string;
    readonly reason: string;
    readonly actor: string;
  } | null;
}

export async function budgetList(tenant: string | undefined): Promise<BudgetView[]> {
  const { budgets } = (await read('/budgets', { tenant })) as { budgets: Record<string, unknown>[] };
  return budgets.map(budgetOf);
}

function budgetOf(json: Record<string, unknown>): BudgetView {
  const raise = json['raise'] as { byUsd: string; until: string; reason: string; actor: string } | null;
  return {
    ...json,
    limit: usdOf(json['limitUsd']),
    spent: usdOrNull(json['spentUsd']),
    reserved: usdOrNull(json['reservedUsd']),
    raise: raise && { ...raise, by: usdOf(raise.byUsd) },
  } as unknown as BudgetView;
}

export interface KeyView {
  readonly id: string;
  readonly tenant: string;
  readonly team: string | null;
  readonly name: string;
  readonly owner: string | null;
  readonly hint: string;
  readonly createdAt: string;
  readonly expiresAt: string | null;
  readonly revokedAt: string | null;
  readonly models: readonly string[] | null;
  readonly previousUntil: readonly string[];
  readonly operator: boolean;
}

export const keyList = async (query: Query): Promise<{ keys: readonly KeyView[]; total: number }> =>
  (await read('/keys', query)) as { keys: readonly KeyView[]; total: number };

export interface NamedView {
  readonly id: string;
  readonly name: string;
  readonly disabledAt: string | null;
}

export const tenantList = async (): Promise<readonly NamedView[]> =>
  ((await read('/tenants')) as { tenants: readonly NamedView[] }).tenants;

/** Names of the keys among `ids`. */
export async function keyNames(): Promise<ReadonlyMap<string, string>> {
  const { keys } = await keyList({ limit: 10_000 });
  return new Map(keys.map(({ id, name }) => [id, name]));
}
