import { epochMs, type CallId, type EpochMs, type TenantId } from '#kernel/brand.ts';
import type { NanoUsd } from '#kernel/money.ts';
import { isError } from '#ports/rollups.ts';
import type { LedgerEntry } from '#ports/entry.ts';
import type { LedgerFilter, LedgerStore, SpendRow } from '#ports/ledger-store.ts';

/** One task of an agent or user across calls, as a line of a list. Sums are of the whole session. */
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
  /** Asked for, by number of calls. */
  readonly models: readonly string[];
  readonly lastAt: EpochMs;
  readonly lastStatus: string;
  /** The last call that failed among those that were looked at; null: none did. */
  readonly failed: { readonly call: string; readonly status: string; readonly errorCode: string | null } | null;
}

export interface SessionPage {
  readonly sessions: readonly SessionLine[];
  /** Calls that were looked at to find them, newest first. */
  readonly lookedAt: number;
  /** Where to look further back; null: the window is done. */
  readonly next: CallId | null;
}

export interface SessionsQuestion {
  readonly filter: LedgerFilter;
  readonly limit: number;
  readonly before?: CallId | undefined;
}

/** Calls of one look. Sessions are in no rollup: a page costs two looks at most, whatever the window holds. */
const LOOK = 500;
const MOST_LOOKS = 2;

/** Sessions with the newest calls of a window, newest first. */
export async function recentSessions(ledger: LedgerStore, question: SessionsQuestion): Promise<SessionPage> {
  const found = new Map<string, LedgerEntry[]>();
  let next = question.before ?? null;
  let lookedAt = 0;
  for (let look = 0; look < MOST_LOOKS; look++) {
    const calls = await ledger.calls({ ...question.filter, limit: LOOK, ...(next !== null && { before: next }) });
    const taken = gather(found, calls, question.limit);
    lookedAt += taken;
    next = taken < calls.length || calls.length === LOOK ? (calls[taken - 1]?.id ?? next) : null;
    if (next === null || taken < calls.length) break;
  }
  const sessions = await Promise.all([...found.values()].map((calls) => lineOf(ledger, calls)));
  return { sessions, lookedAt, next };
}

/** Adds calls to their sessions until a new one would be one too many; how many were taken. */
function gather(found: Map<string, LedgerEntry[]>, calls: readonly LedgerEntry[], limit: number): number {
  for (const [i, call] of calls.entries()) {
    if (call.session === null) continue;
    const name = JSON.stringify([call.tenant, call.session]);
    const own = found.get(name);
    if (own) own.push(call);
    else if (found.size < limit) found.set(name, [call]);
    else return i;
  }
  return calls.length;
}

async function lineOf(ledger: LedgerStore, calls: readonly LedgerEntry[]): Promise<SessionLine> {
  const last = calls[0]!;
  const session = last.session!;
  const rows = await ledger.spend({ ...wholeOf(last.tenant, session), by: ['model'], sketches: false });
  const failed = calls.find(({ status }) => isError(status));
  return {
    tenant: last.tenant,
    session,
    ...sumsOf(rows),
    models: rows.toSorted((a, b) => b.calls - a.calls).map(({ by }) => by[0] ?? ''),
    lastAt: last.at,
    lastStatus: last.status,
    failed: failed ? { call: failed.id, status: failed.status, errorCode: failed.errorCode } : null,
  };
}

/** Later than any call, and still a time that an id can carry. */
const END_OF_TIME = epochMs(2 ** 47);

/** Everything of a session that is kept. */
const wholeOf = (tenant: TenantId, session: string): LedgerFilter => ({
  from: epochMs(0),
  to: END_OF_TIME,
  whose: tenant,
  session,
});

function sumsOf(rows: readonly SpendRow[]) {
  const money = (pick: (row: SpendRow) => bigint): NanoUsd => rows.reduce((sum, row) => sum + pick(row), 0n) as NanoUsd;
  const count = (pick: (row: SpendRow) => number): number => rows.reduce((sum, row) => sum + pick(row), 0);
  return {
    calls: count((row) => row.calls),
    errors: count((row) => row.errors),
    costNanoUsd: money((row) => row.costNanoUsd),
    unknownCostCalls: count((row) => row.unknownCostCalls),
    estimatedNanoUsd: money((row) => row.estimatedNanoUsd),
    inputTokens: count((row) => row.inputTokens),
    cachedReadTokens: count((row) => row.cachedReadTokens),
    outputTokens: count((row) => row.outputTokens),
  };
}
