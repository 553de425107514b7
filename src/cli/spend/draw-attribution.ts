/** A month's bill as text. Pure. */
import { ZERO_USD, type NanoUsd } from '#kernel/money.ts';
import { count, dateTime, money, ratioOf, share } from '../format.ts';
import { drawTable, type Cell, type Column, type Table } from '../table.ts';
import type { Terminal } from '../terminal.ts';
import { plain } from '../text.ts';
import {
  billRows,
  PARTS,
  sumsOf,
  usdOf,
  type Bill,
  type BillLine,
  type BillPrice,
  type BillProvider,
  type BillRow,
  type MonthHead,
  type Part,
} from './attribution-view.ts';

export interface BillDrawing {
  readonly terminal: Pick<Terminal, 'width' | 'paint'>;
  readonly zone: string;
  /** Rows to show. */
  readonly limit: number;
  /** Only this tenant's lines are there. */
  readonly tenant: string | undefined;
}

const RIGHT = { align: 'right' } as const;

export function drawBill(bill: Bill, drawing: BillDrawing): string {
  const { terminal, tenant } = drawing;
  const style = { width: terminal.width, heading: terminal.paint.dim, strong: terminal.paint.bold };
  if (bill.lines.length === 0)
    return [headOf(bill, drawing), '', 'Nothing was billed.', '', 'hint: --month 2026-11 names another month'].join(
      '\n',
    );
  const rows = drawTable(rowsTable(bill.lines, drawing), style);
  const parts = [headOf(bill, drawing), '', ...rows.lines];
  const shared = sharedTable(bill.lines);
  if (shared) parts.push('', ...drawTable(shared, style).lines);
  if (tenant === undefined) parts.push('', ...drawTable(providersTable(bill), style).lines);
  const notes = [...(rows.left.length > 0 ? [`no room for: ${rows.left.join(', ')}`] : []), ...notesOf(bill, drawing)];
  if (notes.length > 0) parts.push('', ...notes);
  return [...parts, '', 'hint: --csv has every line with its provider, purpose and bucket'].join('\n');
}

/** `2026-11 UTC · open · $12.47` */
export function headOf(head: MonthHead, { zone }: Pick<BillDrawing, 'zone'>): string {
  const state = head.closedAt === null ? 'open' : `closed ${dateTime(Date.parse(head.closedAt), zone)}`;
  return [`${head.month} ${head.timeZone}`, state, `${money(usdOf(head.billedUsd))} billed`].join(' · ');
}

const named = (value: string | null, none: string): string => (value === null ? none : plain(value));

/** Columns in which there is any money. */
const partsIn = (lines: readonly BillLine[]): readonly Part[] => {
  const { parts } = sumsOf(lines);
  const all = new Set(billRows(lines).flatMap((row) => [...row.parts.keys()]));
  return PARTS.filter((part) => all.has(part) || (parts.get(part) ?? ZERO_USD) !== 0n);
};

function rowsTable(lines: readonly BillLine[], { limit }: BillDrawing): Table {
  const columns = partsIn(lines);
  const rows = billRows(lines);
  const [shown, rest] = [rows.slice(0, limit), rows.slice(limit)];
  const whole = sumsOf(lines);
  const cells = ({ parts, total }: Pick<BillRow, 'parts' | 'total'>): Cell[] => [
    ...columns.map((part) => money(parts.get(part) ?? ZERO_USD)),
    money(total),
    share(ratioOf(total, whole.total)),
  ];
  const others = rest.length === 0 ? [] : [[`other (${rest.length})`, '', ...cells(merged(rest))]];
  return {
    columns: [
      { title: 'tenant', shrinkTo: 8 },
      { title: 'feature', shrinkTo: 8 },
      ...columns.map((title, i): Column => ({ title, ...RIGHT, leaves: i + 1 })),
      { title: 'cost', ...RIGHT },
      { title: 'share', ...RIGHT },
    ],
    rows: [
      ...shown.map((row) => [named(row.tenant, '(nobody)'), named(row.feature, '(none)'), ...cells(row)]),
      ...others,
    ],
    footer: ['total', '', ...cells(whole)],
  };
}

function merged(rows: readonly BillRow[]): Pick<BillRow, 'parts' | 'total'> {
  const parts = new Map<Part, NanoUsd>();
  for (const row of rows)
    for (const [part, amount] of row.parts) parts.set(part, ((parts.get(part) ?? 0n) + amount) as NanoUsd);
  return { parts, total: rows.reduce((sum, { total }) => sum + total, 0n) as NanoUsd };
}

/** Buckets with their rule and what went through each; null: there is none. */
function sharedTable(lines: readonly BillLine[]): Table | null {
  const groups = Map.groupBy(
    lines.filter(({ bucket }) => bucket !== null),
    ({ bucket, purpose }) => JSON.stringify([bucket, purpose]),
  );
  if (groups.size === 0) return null;
  return {
    columns: [{ title: 'shared' }, { title: 'for' }, { title: 'divided by' }, { title: 'cost', ...RIGHT }],
    rows: [...groups.values()].map((group) => {
      const { bucket, purpose, rule } = group[0]!;
      return [plain(bucket!), purpose, rule ?? '', money(sumsOf(group).total)];
    }),
  };
}

function providersTable({ providers }: Bill): Table {
  const hasStated = providers.some(({ statedUsd }) => usdOf(statedUsd) !== 0n);
  const cells = (one: BillProvider): Cell[] => [
    named(one.provider, '(none)'),
    count(one.attempts),
    money(usdOf(one.callsUsd)),
    money(usdOf(one.fixedUsd)),
    money(usdOf(one.adjustmentsUsd)),
    money(usdOf(one.billedUsd)),
    ...(hasStated ? [`${money(usdOf(one.statedUsd))} for ${money(usdOf(one.ownOfStatedUsd))}`] : []),
  ];
  return {
    columns: [
      { title: 'provider', shrinkTo: 8 },
      { title: 'requests', ...RIGHT },
      { title: 'calls', ...RIGHT },
      { title: 'contracts', ...RIGHT },
      { title: 'adjustments', ...RIGHT, leaves: 1 },
      { title: 'billed', ...RIGHT },
      ...(hasStated ? [{ title: 'its own word', ...RIGHT, leaves: 2 }] : []),
    ],
    rows: providers.map(cells),
  };
}

/** `priced by 2 versions: openai 5f21ab09 $8.21, openai c0ffee11 $1.54` */
function pricesText(prices: readonly BillPrice[]): string[] {
  if (prices.length === 0) return [];
  const each = prices.slice(0, MOST_PRICES).map(({ provider, version, callsUsd }) => {
    const name = version === null ? 'without a version' : plain(version.slice(0, 8));
    return `${named(provider, '(no provider)')} ${name} ${money(usdOf(callsUsd))}`;
  });
  const more = prices.length - each.length;
  const how = prices.length === 1 ? 'one version' : `${prices.length} versions`;
  return [`priced by ${how}: ${each.join(', ')}${more > 0 ? ` and ${more} more` : ''}`];
}
const MOST_PRICES = 4;

function notesOf({ providers, prices, knownFrom }: Bill, { zone, tenant }: BillDrawing): string[] {
  const notes: string[] = tenant === undefined ? pricesText(prices) : [];
  const sum = (values: readonly string[]): bigint => values.reduce((all, text) => all + usdOf(text), 0n);
  const unknown = providers.reduce((all, { unknownCostAttempts }) => all + unknownCostAttempts, 0);
  const estimated = sum(providers.map(({ estimatedUsd }) => estimatedUsd));
  const calls = sum(providers.map(({ callsUsd }) => callsUsd));
  if (unknown > 0)
    notes.push(
      `${count(unknown)} ${unknown === 1 ? 'request has' : 'requests have'} no known price: they are in no sum (≥)`,
    );
  if (estimated > 0n)
    notes.push(
      `${money(estimated)} of ${money(calls)} rests on estimated tokens (${share(ratioOf(estimated, calls))})`,
    );
  if (knownFrom !== null)
    notes.push(`the ledger knows nothing of this month before ${dateTime(Date.parse(knownFrom), zone)}`);
  return notes;
}
