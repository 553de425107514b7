import { epochMs, type CallId } from '#kernel/brand.ts';
import { usdDecimal, type NanoUsd } from '#kernel/money.ts';
import { asSaid, type LedgerEntry } from '#ports/entry.ts';
import type { LedgerFilter, LedgerStore } from '#ports/ledger-store.ts';
import { floorTo, GRAIN_MS } from '#ports/rollups.ts';
import { CALL_COLUMNS } from './call-columns.ts';
import { csvHead, csvLine } from './csv.ts';
import { FOCUS_COLUMNS, FocusGroups, type FocusPeriod } from './focus.ts';

export const EXPORT_FORMATS = ['csv', 'focus', 'jsonl'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

export interface ExportQuestion {
  readonly format: ExportFormat;
  /** Half-open window and whose calls. FOCUS takes whole periods: {@link exportWindow}. */
  readonly filter: LedgerFilter;
  /** Of FOCUS alone. */
  readonly period: FocusPeriod;
  readonly tenantName: (tenant: string) => string;
}

/** Entries in memory at once. Each crosses a thread: 200 take the serving thread about 2 ms. */
const PAGE = 200;

/** The window as it is exported: FOCUS knows whole periods alone, so that rows of two exports never overlap in part. */
export function exportWindow({ format, filter, period }: Pick<ExportQuestion, 'format' | 'filter' | 'period'>) {
  const { from, to } = filter;
  if (format !== 'focus') return { from, to };
  const start = floorTo(from, period);
  const end = floorTo(to, period);
  return { from: start, to: end === to ? to : epochMs(end + GRAIN_MS[period]) };
}

/**
 * The export as text, bit by bit: a page of entries is in memory and, of FOCUS, the rows of one period. Rejects where
 * the store is away; what came before is then no whole export.
 */
export async function* exportText(
  ledger: Pick<LedgerStore, 'calls'>,
  question: ExportQuestion,
): AsyncGenerator<string, void, undefined> {
  const window = { ...question.filter, ...exportWindow(question) };
  if (question.format === 'focus') return yield* focusText(ledger, { ...question, filter: window });
  if (question.format === 'csv') yield csvHead(CALL_COLUMNS);
  const line = question.format === 'csv' ? (entry: LedgerEntry) => csvLine(CALL_COLUMNS, entry) : jsonLine;
  for await (const page of pages(ledger, window)) yield page.map((entry) => line(asSaid(entry))).join('');
}

async function* focusText(
  ledger: Pick<LedgerStore, 'calls'>,
  { filter, period, tenantName }: ExportQuestion,
): AsyncGenerator<string, void, undefined> {
  yield csvHead(FOCUS_COLUMNS);
  for (let start: number = filter.from; start < filter.to; start += GRAIN_MS[period]) {
    const groups = new FocusGroups();
    const window = { ...filter, from: epochMs(start), to: epochMs(start + GRAIN_MS[period]) };
    for await (const page of pages(ledger, window)) for (const entry of page) groups.add(entry);
    const rows = groups.rows(start, period, tenantName);
    for (let i = 0; i < rows.length; i += PAGE)
      yield rows
        .slice(i, i + PAGE)
        .map((row) => csvLine(FOCUS_COLUMNS, row))
        .join('');
  }
}

/** Below every id. */
const FIRST = '' as CallId;

/** Entries that count, by id. */
async function* pages(
  ledger: Pick<LedgerStore, 'calls'>,
  filter: LedgerFilter,
): AsyncGenerator<readonly LedgerEntry[], void, undefined> {
  let after = FIRST;
  for (;;) {
    const page = await ledger.calls({ ...filter, counted: true, after, limit: PAGE });
    if (page.length > 0) yield page;
    if (page.length < PAGE) return;
    after = page.at(-1)!.id;
  }
}

const jsonLine = (entry: LedgerEntry): string => `${JSON.stringify(entry, moneyAsText)}\n`;

/** The admin API's form: `costNanoUsd: 5n` would be no JSON, `"0.000000005"` is. */
const moneyAsText = (_: string, value: unknown): unknown =>
  typeof value === 'bigint' ? usdDecimal(value as NanoUsd) : renamed(value);

function renamed(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const names = Object.keys(value);
  if (!names.some((name) => name.endsWith('NanoUsd'))) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name.replace(/NanoUsd$/, 'Usd'), part]));
}
