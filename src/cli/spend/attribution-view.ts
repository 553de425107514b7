/** What the admin API says of a month, and what is drawn of it. Pure. */
import { partOf, type Part } from '#capabilities/tenants/cli.ts';
import { parseUsd, ZERO_USD, type NanoUsd, addUsd } from '#kernel/money.ts';

export { PARTS, type Part } from '#capabilities/tenants/cli.ts';

/** A line of the bill: money is decimal dollars. */
export interface BillLine {
  readonly provider: string | null;
  readonly tenant: string | null;
  readonly feature: string | null;
  readonly bucket: string | null;
  readonly rule: string | null;
  readonly purpose: string;
  readonly amountUsd: string;
}

export interface BillProvider {
  readonly provider: string | null;
  readonly billedUsd: string;
  readonly callsUsd: string;
  readonly fixedUsd: string;
  readonly adjustmentsUsd: string;
  readonly estimatedUsd: string;
  readonly statedUsd: string;
  readonly ownOfStatedUsd: string;
  readonly unknownCostAttempts: number;
  readonly attempts: number;
}

export interface BillPrice {
  readonly provider: string | null;
  readonly version: string | null;
  readonly attempts: number;
  readonly callsUsd: string;
}

export interface MonthHead {
  readonly month: string;
  readonly from: string;
  readonly to: string;
  readonly timeZone: string;
  readonly closedAt: string | null;
  readonly knownFrom: string | null;
  readonly billedUsd: string;
}

export interface Bill extends MonthHead {
  readonly report: 'attribution';
  readonly providers: readonly BillProvider[];
  readonly prices: readonly BillPrice[];
  readonly lines: readonly BillLine[];
}

export const usdOf = (text: string): NanoUsd => parseUsd(text) ?? ZERO_USD;

/** Money of one tenant and feature by part. */
export interface BillRow {
  readonly tenant: string | null;
  readonly feature: string | null;
  readonly parts: ReadonlyMap<Part, NanoUsd>;
  readonly total: NanoUsd;
}

/** One row a tenant and feature, the dearest first. */
export function billRows(lines: readonly BillLine[]): readonly BillRow[] {
  const groups = Map.groupBy(lines, ({ tenant, feature }) => JSON.stringify([tenant, feature]));
  return [...groups.values()].map(rowOf).sort((a, b) => (a.total === b.total ? 0 : a.total > b.total ? -1 : 1));
}

function rowOf(lines: readonly BillLine[]): BillRow {
  const { tenant, feature } = lines[0]!;
  return { tenant, feature, ...sumsOf(lines) };
}

export function sumsOf(lines: readonly BillLine[]): Pick<BillRow, 'parts' | 'total'> {
  const parts = new Map<Part, NanoUsd>();
  let total = ZERO_USD;
  for (const line of lines) {
    const amount = usdOf(line.amountUsd);
    const part = partOf(line);
    parts.set(part, addUsd(parts.get(part) ?? ZERO_USD, amount));
    total = addUsd(total, amount);
  }
  return { parts, total };
}
