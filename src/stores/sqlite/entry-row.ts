import type { CallId, EpochMs } from '#kernel/brand.ts';
import { timeOfId } from '#kernel/ids.ts';
import type { LedgerEntry } from '#ports/entry.ts';
import { entryOf as decoded, type EntryHead, type ShippedEntry } from '#ports/entry-text.ts';
import { moneyToJson, type CostJson } from '#ports/money-json.ts';

/*
 * An entry as a row: real columns for what is asked for, `dims` for what rollups are keyed by, and the rest as the text
 * in which it came (bytes are the dear part of an insert).
 */

/** Values of a row in the order of {@link ENTRY_COLUMNS}. */
export type SqlValue = string | number | bigint | null | Uint8Array;

export const ENTRY_COLUMNS = [
  'id',
  'at',
  'dims',
  'tenant',
  'key',
  'session',
  'end_user',
  'corrects',
  'id_time',
  'counted',
  'model_returned',
  'http_status',
  'estimated',
  'cost',
  'cost_input',
  'cost_cached_read',
  'cost_cache_write',
  'cost_output',
  'cost_other',
  'saved_cost',
  'input_tokens',
  'cached_read_tokens',
  'cache_write_tokens',
  'output_tokens',
  'reasoning_tokens',
  'queued_ms',
  'first_token_ms',
  'total_ms',
  'labels',
  'usage_source',
  'exact',
  'rest',
] as const;

/** Every column of entries `e` with the JSON of their dims `d`. */
export const SELECT_ENTRIES = `SELECT ${ENTRY_COLUMNS.map((name) => `e.${name}`).join(', ')}, d.json AS dims_json
  FROM entries e JOIN dims d ON d.id = e.dims`;

// SQLite's text is UTF-8, which cannot carry a lone surrogate: such texts are kept as JSON, which escapes it.
const column = (text: string | null): string | null =>
  text === null || text.isWellFormed() ? text : text.toWellFormed();
const wellFormed = (text: string | null): boolean => text === null || text.isWellFormed();
const exactOf = ({ session, endUser, modelReturned }: EntryHead): string | null =>
  wellFormed(session) && wellFormed(endUser) && wellFormed(modelReturned)
    ? null
    : JSON.stringify([session, endUser, modelReturned]);

/** Interned numbers of a row. */
export interface RowNumbers {
  readonly dims: number;
  readonly tenant: number;
  readonly key: number;
}

/** Values of {@link ENTRY_COLUMNS}; `counted` starts as 1. Money beyond 2^53 is text that its column reads as integer. */
export function rowOf({ head, rest }: ShippedEntry, numbers: RowNumbers): SqlValue[] {
  const { cost, tokens, timesMs } = head;
  return [
    head.id,
    head.at,
    numbers.dims,
    numbers.tenant,
    numbers.key,
    column(head.session),
    column(head.endUser),
    head.corrects,
    timeOfId(head.id) === head.at ? 1 : 0,
    1,
    column(head.modelReturned),
    head.httpStatus,
    head.usageSource === 'estimated' ? 1 : 0,
    cost && cost[0],
    cost && cost[1],
    cost && cost[2],
    cost && cost[3],
    cost && cost[4],
    cost && cost[5],
    head.saved,
    tokens[0]!,
    tokens[1]!,
    tokens[2]!,
    tokens[3]!,
    tokens[4]!,
    timesMs[0]!,
    timesMs[1]!,
    timesMs[2]!,
    head.labels && JSON.stringify(head.labels),
    SOURCES.indexOf(head.usageSource),
    exactOf(head),
    rest,
  ];
}

/** Numbers of usage sources in rows: only ever appended to. */
const SOURCES = ['provider', 'estimated', 'none', 'counted'] as const satisfies readonly EntryHead['usageSource'][];

/** A row as it is read: integers as BigInt, joined with the JSON of its dims. */
export type EntryRow = Readonly<Record<(typeof ENTRY_COLUMNS)[number] | 'dims_json', SqlValue>>;

const number = (value: SqlValue): number | null => (value === null ? null : Number(value));
const money = (value: SqlValue) => moneyToJson(value as bigint as never)!;

function headOf(row: EntryRow): EntryHead {
  const [session, endUser, modelReturned] = row.exact === null ? [] : (JSON.parse(row.exact as string) as string[]);
  return {
    id: row.id as CallId,
    at: Number(row.at) as EpochMs,
    session: session ?? (row.session as string | null),
    endUser: endUser ?? (row.end_user as string | null),
    corrects: row.corrects as CallId | null,
    modelReturned: modelReturned ?? (row.model_returned as string | null),
    httpStatus: number(row.http_status),
    usageSource: SOURCES[Number(row.usage_source)]!,
    cost: row.cost === null ? null : costOf(row),
    saved: row.saved_cost === null ? null : money(row.saved_cost),
    tokens: [
      row.input_tokens,
      row.cached_read_tokens,
      row.cache_write_tokens,
      row.output_tokens,
      row.reasoning_tokens,
    ].map(number),
    timesMs: [row.queued_ms, row.first_token_ms, row.total_ms].map(number),
    labels: row.labels === null ? null : (JSON.parse(row.labels as string) as Record<string, string>),
  };
}

const costOf = (row: EntryRow): CostJson => [
  money(row.cost),
  money(row.cost_input),
  money(row.cost_cached_read),
  money(row.cost_cache_write),
  money(row.cost_output),
  money(row.cost_other),
];

/** The row in the form in which it came. */
export const shippedOf = (row: EntryRow): ShippedEntry => ({
  head: headOf(row),
  dims: row.dims_json as string,
  rest: row.rest as string,
});

/** The entry exactly as it was shipped. */
export const entryOf = (row: EntryRow): LedgerEntry => decoded(shippedOf(row));
