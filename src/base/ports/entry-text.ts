import { BoundedMap } from '#kernel/bounded-map.ts';
import type { CallId, EpochMs } from '#kernel/brand.ts';
import { cacheHitOf, cacheHitRow } from './cache-hit-text.ts';
import { attemptsFromRows, attemptsToRows } from './attempt-text.ts';
import { NO_LAYERS } from './entry.ts';
import type { LedgerEntry, OutcomeStatus, UsageSource } from './entry.ts';
import { costFromJson, moneyFromJson, moneyOrNull, moneyToJson } from './money-json.ts';
import type { CostJson, MoneyJson } from './money-json.ts';
import { rollupKey } from './rollups.ts';
import { otherUsage, usageOf } from './usage-text.ts';

/*
 * An entry as text, one form for spool and stores. Three lines, each a positional JSON array: the head holds what a
 * store has columns for, the second line what rollups are keyed by, the third the rest, which a store keeps as the
 * text that it is. So the thread that ships parses a third of an entry and writes none of it anew (measured: 6 of its
 * 25 µs). The position is the format: a new field goes to the END of its array, a reader takes a missing one as null,
 * and no position is ever used again for another meaning. JSON escapes line breaks: a raw one divides.
 */

/** What a store asks of an entry, read. */
export interface EntryHead {
  readonly id: CallId;
  readonly at: EpochMs;
  readonly session: string | null;
  readonly endUser: string | null;
  readonly corrects: CallId | null;
  readonly modelReturned: string | null;
  readonly httpStatus: number | null;
  readonly usageSource: UsageSource;
  /** Total, input, cached read, cache write, output, other; null: the price is not known. */
  readonly cost: CostJson | null;
  readonly saved: MoneyJson | null;
  /** Input, cached read, cache write, output, reasoning. */
  readonly tokens: readonly (number | null)[];
  /** Queued, first token, total: milliseconds since admission. */
  readonly timesMs: readonly (number | null)[];
  readonly labels: Readonly<Record<string, string>> | null;
}

/** An entry on its way into a store. */
export interface ShippedEntry {
  readonly head: EntryHead;
  /** JSON of `rollupKey`. */
  readonly dims: string;
  /** JSON of all other fields; for `entryOf` alone. */
  readonly rest: string;
}

type Row = readonly unknown[];

/** The three lines of an entry. Lone surrogates are escaped, so the text is always valid UTF-8. */
export function encodeEntry(entry: LedgerEntry): string {
  return `${JSON.stringify(headRow(entry))}\n${dimsText(entry)}\n${JSON.stringify(restRow(entry))}`;
}

interface Dims {
  readonly key: readonly (string | null)[];
  readonly text: string;
}

// A key calls the same model with the same outcome again and again: its last line is made once (0.5 µs an entry).
const lastDims = new BoundedMap<string, Dims>(10_000);

function dimsText(entry: LedgerEntry): string {
  const key = rollupKey(entry);
  const last = lastDims.get(entry.key);
  if (last && last.key.every((value, i) => value === key[i])) return last.text;
  const text = JSON.stringify(key);
  lastDims.set(entry.key, { key, text });
  return text;
}

function headRow(entry: LedgerEntry): Row {
  const { cost, usage, timing } = entry;
  return [
    entry.id,
    entry.at,
    entry.session,
    entry.endUser,
    entry.corrects,
    entry.modelReturned,
    entry.httpStatus,
    entry.usageSource,
    cost && moneyToJson(cost.total),
    cost && moneyToJson(cost.input),
    cost && moneyToJson(cost.cachedRead),
    cost && moneyToJson(cost.cacheWrite),
    cost && moneyToJson(cost.output),
    cost && moneyToJson(cost.other),
    moneyToJson(entry.savedCostNanoUsd),
    usage.inputTokens,
    usage.cachedReadTokens,
    usage.cacheWriteTokens,
    usage.outputTokens,
    usage.reasoningTokens,
    timing.queuedMs,
    timing.firstTokenMs,
    timing.totalMs,
    hasLabels(entry) ? entry.labels : null,
  ];
}

function hasLabels({ labels }: LedgerEntry): boolean {
  for (const _ in labels) return true;
  return false;
}

function headOf(row: Row): EntryHead {
  return {
    id: row[0],
    at: row[1],
    session: row[2],
    endUser: row[3],
    corrects: row[4],
    modelReturned: row[5],
    httpStatus: row[6],
    usageSource: row[7],
    cost: row[8] === null ? null : row.slice(8, 14),
    saved: row[14],
    tokens: row.slice(15, 20),
    timesMs: row.slice(20, 23),
    labels: row[23] ?? null,
  } as EntryHead;
}

const restRow = (entry: LedgerEntry): Row => [
  entry.agent,
  entry.parentAgent,
  entry.traceId,
  entry.client,
  entry.clientVersion,
  entry.clientRetry,
  entry.retryOf,
  entry.dialect,
  entry.stream ? 1 : 0,
  entry.fingerprint,
  entry.priceVersion,
  entry.interToken,
  entry.errorCode,
  entry.finish,
  entry.truncated ? 1 : 0,
  entry.cancelledBy,
  entry.degraded ? 1 : 0,
  entry.shed ? 1 : 0,
  entry.dropped.length === 0 ? null : entry.dropped,
  entry.templateHash,
  entry.prefixHash,
  entry.configHash,
  entry.protocol,
  entry.resumes,
  entry.bytesIn,
  entry.bytesOut,
  moneyToJson(entry.reservedNanoUsd),
  entry.timing.connectedMs,
  entry.timing.headersMs,
  entry.timing.lastTokenMs,
  otherUsage(entry.usage),
  attemptsToRows(entry.attempts, entry),
  entry.movedFrom === null ? null : [entry.movedFrom, moneyToJson(entry.moveCostNanoUsd)],
  entry.layers.length === 0 && entry.alias === null ? null : [entry.alias, ...entry.layers],
  entry.cacheHit === null ? null : cacheHitRow(entry.cacheHit),
  entry.redriveOf,
  entry.asOther,
];

/** Places in the third line that a store reads without the whole of it. */
export const REST_AT = {
  client: 3,
  stream: 8,
  priceVersion: 10,
  errorCode: 12,
  cancelledBy: 15,
  protocol: 22,
  resumes: 23,
  otherUsage: 30,
  attempts: 31,
  redriveOf: 35,
  asOther: 36,
} as const;

/** Reads what {@link encodeEntry} wrote, as far as a store asks. The bytes are known to be whole (CRC). */
export function readShipped(text: string): ShippedEntry {
  const first = text.indexOf('\n');
  const second = text.indexOf('\n', first + 1);
  return {
    head: headOf(JSON.parse(text.slice(0, first)) as Row),
    dims: text.slice(first + 1, second),
    rest: text.slice(second + 1),
  };
}

/** Entries that were made and not read from a spool. */
export const shipped = (entries: readonly LedgerEntry[]): readonly ShippedEntry[] =>
  entries.map((entry) => readShipped(encodeEntry(entry)));

export const decodeEntry = (text: string): LedgerEntry => entryOf(readShipped(text));

/** The entry exactly as it was encoded. */
export function entryOf({ head, dims, rest }: ShippedEntry): LedgerEntry {
  const key = JSON.parse(dims) as (string | null)[];
  const row = JSON.parse(rest) as Row;
  const moved = row[32] as Row | null | undefined;
  const layered = row[33] as readonly (string | null)[] | null | undefined;
  const entry = {
    id: head.id,
    at: head.at,
    environment: key[0],
    tenant: key[1],
    team: key[2],
    feature: key[3],
    key: key[4],
    endUser: head.endUser,
    session: head.session,
    agent: row[0],
    parentAgent: row[1],
    labels: head.labels ?? {},
    traceId: row[2],
    client: row[3],
    clientVersion: row[4],
    clientRetry: row[5],
    retryOf: row[6],
    redriveOf: row[35] ?? null,
    kind: key[5],
    purpose: key[6],
    dialect: row[7],
    stream: row[8] === 1,
    modelAsked: key[7],
    modelReturned: head.modelReturned,
    deployment: key[8],
    provider: key[9],
    fingerprint: row[9],
    usage: usageOf(head.tokens, row[30] as Row | null),
    usageSource: head.usageSource,
    cost: head.cost && costFromJson(head.cost),
    priceVersion: row[10],
    savedCostNanoUsd: moneyOrNull(head.saved),
    reservedNanoUsd: moneyFromJson(row[26] as MoneyJson),
    timing: {
      queuedMs: head.timesMs[0] ?? null,
      connectedMs: row[27],
      headersMs: row[28],
      firstTokenMs: head.timesMs[1] ?? null,
      lastTokenMs: row[29],
      totalMs: head.timesMs[2] ?? null,
    },
    interToken: row[11],
    status: key[10] as OutcomeStatus,
    httpStatus: head.httpStatus,
    errorCode: row[12],
    finish: row[13],
    truncated: row[14] === 1,
    cancelledBy: row[15],
    degraded: row[16] === 1,
    shed: row[17] === 1,
    dropped: row[18] ?? [],
    attempts: [],
    templateHash: row[19],
    prefixHash: row[20],
    configHash: row[21],
    protocol: row[22],
    resumes: row[23],
    bytesIn: row[24],
    bytesOut: row[25],
    corrects: head.corrects,
    movedFrom: moved?.[0] ?? null,
    moveCostNanoUsd: moneyOrNull((moved?.[1] ?? null) as MoneyJson | null),
    alias: layered?.[0] ?? null,
    layers: layered?.slice(1) ?? NO_LAYERS,
    cacheHit: cacheHitOf((row[34] ?? null) as Row | null),
    asOther: row[36] ?? null,
  } as unknown as LedgerEntry;
  return { ...entry, attempts: attemptsFromRows(row[31] as Row[], entry) };
}
