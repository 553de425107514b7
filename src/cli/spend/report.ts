/** Spend over a window against the window before: from rows of the ledger to typed data. Pure. */
import { iso } from '#kernel/clock.ts';
import { ZERO_USD, addUsd, type NanoUsd } from '#kernel/money.ts';
import type { Dimension, SpendRow } from '#ports/ledger-store.ts';
import { ratioOf } from '../format.ts';
import type { Filters } from '../flags.ts';

export interface SpendSums {
  readonly calls: number;
  readonly errors: number;
  readonly costNanoUsd: NanoUsd;
  /** Calls without a known price: their money is not in `costNanoUsd`. */
  readonly unknownCostCalls: number;
  readonly estimatedNanoUsd: NanoUsd;
  readonly savedNanoUsd: NanoUsd;
  readonly inputTokens: number;
  readonly cachedReadTokens: number;
  readonly cacheWriteTokens: number;
  readonly outputTokens: number;
  readonly reasoningTokens: number;
}

export interface SpendLine extends SpendSums {
  /** Value of each dimension in order; null: the calls have none. */
  readonly by: readonly (string | null)[];
  /** Part of the whole window's money, 0..1; null where nothing was spent. */
  readonly share: number | null;
  /** Null: the group had no calls in the window before. */
  readonly priorCostNanoUsd: NanoUsd | null;
  /** Growth of the money as a ratio − 1; null where there was none before. */
  readonly change: number | null;
}

export interface SpendReport {
  readonly report: 'spend';
  /** ISO times, half-open. */
  readonly window: { readonly from: string; readonly to: string };
  /** Null: the window before was not asked about. */
  readonly prior: { readonly from: string; readonly to: string } | null;
  readonly zone: string;
  readonly by: readonly Dimension[];
  readonly filters: Filters;
  /** Dearest first. */
  readonly lines: readonly SpendLine[];
  readonly total: Omit<SpendLine, 'by'>;
  /** Groups of the window before that have no calls in this one. */
  readonly vanishedGroups: number;
}

export interface SpendInput {
  readonly from: number;
  readonly to: number;
  readonly zone: string;
  readonly by: readonly Dimension[];
  readonly filters: Filters;
  readonly rows: readonly SpendRow[];
  readonly priorRows: readonly SpendRow[] | null;
}

const NOTHING: SpendSums = {
  calls: 0,
  errors: 0,
  costNanoUsd: ZERO_USD,
  unknownCostCalls: 0,
  estimatedNanoUsd: ZERO_USD,
  savedNanoUsd: ZERO_USD,
  inputTokens: 0,
  cachedReadTokens: 0,
  cacheWriteTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
};

/** Sums of several groups. */
export function sumOf(rows: Iterable<SpendSums>): SpendSums {
  let sum = NOTHING;
  for (const row of rows) {
    sum = Object.fromEntries(
      Object.entries(sum).map(([name, value]) => {
        const more = row[name as keyof SpendSums];
        return [name, typeof value === 'bigint' ? addUsd(value as NanoUsd, more as NanoUsd) : value + (more as number)];
      }),
    ) as unknown as SpendSums;
  }
  return sum;
}

const groupKey = (by: readonly (string | null)[]): string => JSON.stringify(by);

export function spendReport({ from, to, zone, by, filters, rows, priorRows }: SpendInput): SpendReport {
  const priors = new Map((priorRows ?? []).map((row) => [groupKey(row.by), row.costNanoUsd]));
  const sums = sumOf(rows);
  const priorTotal = !priorRows || priorRows.length === 0 ? null : sumOf(priorRows).costNanoUsd;
  const now = new Set(rows.map((row) => groupKey(row.by)));
  return {
    report: 'spend',
    window: { from: iso(from), to: iso(to) },
    prior: priorRows && { from: iso(2 * from - to), to: iso(from) },
    zone,
    by,
    filters,
    lines: rows.map((row) => ({
      by: row.by,
      ...pick(row),
      ...compared(row.costNanoUsd, { whole: sums.costNanoUsd, prior: priors.get(groupKey(row.by)) ?? null }),
    })),
    total: { ...sums, ...compared(sums.costNanoUsd, { whole: sums.costNanoUsd, prior: priorTotal }) },
    vanishedGroups: [...priors.keys()].filter((key) => !now.has(key)).length,
  };
}

const pick = (row: SpendRow): SpendSums =>
  Object.fromEntries(Object.keys(NOTHING).map((name) => [name, row[name as keyof SpendSums]])) as unknown as SpendSums;

/** What a group is of the whole, and against the window before. */
export function compared(cost: NanoUsd, { whole, prior }: { readonly whole: NanoUsd; readonly prior: NanoUsd | null }) {
  const growth = prior === null ? null : ratioOf(cost - prior, prior);
  return { share: ratioOf(cost, whole), priorCostNanoUsd: prior, change: growth };
}

/** The dearest groups, and the rest as one line that keeps the totals whole. */
export function folded(
  report: SpendReport,
  most: number,
): { readonly shown: readonly SpendLine[]; readonly rest: SpendLine | null } {
  if (report.lines.length <= most) return { shown: report.lines, rest: null };
  const others = report.lines.slice(most);
  const sums = sumOf(others);
  const known = others.flatMap(({ priorCostNanoUsd }) => (priorCostNanoUsd === null ? [] : [priorCostNanoUsd]));
  const prior = known.length === 0 ? null : known.reduce(addUsd, ZERO_USD);
  const rest = { by: [], ...sums, ...compared(sums.costNanoUsd, { whole: report.total.costNanoUsd, prior }) };
  return { shown: report.lines.slice(0, most), rest };
}
