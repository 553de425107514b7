import { epochMs } from '#kernel/brand.ts';
import { timeOfId } from '#kernel/ids.ts';
import { nanoUsd } from '#kernel/money.ts';
import type { Attempt, Cost, LedgerEntry } from '#ports/entry.ts';
import type { Usage } from '#wire/usage.ts';

/*
 * An entry as a row: real columns for what is asked for, `dims` for what rollups are keyed by, and one JSON array for
 * the rest. The array is positional (less than half the bytes of named fields, and bytes are the dear part of an insert): a new field goes to the END of its list, and no list is ever reordered.
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
  'rest',
] as const;

const PLAIN_FIELDS = [
  'agent',
  'parentAgent',
  'traceId',
  'client',
  'clientVersion',
  'clientRetry',
  'retryOf',
  'dialect',
  'stream',
  'fingerprint',
  'usageSource',
  'priceVersion',
  'interToken',
  'errorCode',
  'finish',
  'truncated',
  'cancelledBy',
  'degraded',
  'shed',
  'dropped',
  'templateHash',
  'prefixHash',
  'configHash',
  'protocol',
  'resumes',
  'bytesIn',
  'bytesOut',
] as const satisfies readonly (keyof LedgerEntry)[];

const OTHER_USAGE = [
  'cacheWrite1hTokens',
  'inputAudioTokens',
  'inputImageTokens',
  'outputAudioTokens',
  'toolUses',
  'serviceTier',
  'speed',
  'inferenceGeo',
  'statedCostUsd',
] as const satisfies readonly (keyof Usage)[];
const COLUMN_USAGE = [
  'inputTokens',
  'cachedReadTokens',
  'cacheWriteTokens',
  'outputTokens',
  'reasoningTokens',
] as const satisfies readonly (keyof Usage)[];
const ALL_USAGE = [...COLUMN_USAGE, ...OTHER_USAGE] as const;
const COST_PARTS = [
  'total',
  'input',
  'cachedRead',
  'cacheWrite',
  'output',
  'other',
] as const satisfies readonly (keyof Cost)[];
const OTHER_TIMING = [
  'connectedMs',
  'headersMs',
  'lastTokenMs',
] as const satisfies readonly (keyof LedgerEntry['timing'])[];
const ATTEMPT_TIMING = [
  'connectedMs',
  'headersMs',
  'firstTokenMs',
  'lastTokenMs',
  'doneMs',
] as const satisfies readonly (keyof Attempt['timing'])[];
const ATTEMPT_FIELDS = [
  'n',
  'deployment',
  'provider',
  'dialect',
  'startedMs',
  'status',
  'httpStatus',
  'errorCode',
  'usageSource',
  'upstreamRequestId',
] as const satisfies readonly (keyof Attempt)[];

function unpick(names: readonly string[], values: readonly unknown[]): Record<string, unknown> {
  // A list that was written before a field existed is shorter: what it lacks is null.
  return Object.fromEntries(names.map((name, i) => [name, values[i] ?? null]));
}

/*
 * The lists below are written out in the order of the names above, which read them: loads by name, which no
 * inline cache serves, were the dearest part of the script in a profile. That both agree is what the round trip of the contract suite shows.
 */
const costToJson = (cost: Cost): string[] => [
  `${cost.total}`,
  `${cost.input}`,
  `${cost.cachedRead}`,
  `${cost.cacheWrite}`,
  `${cost.output}`,
  `${cost.other}`,
];

const otherUsage = (usage: Usage): unknown[] => [
  usage.cacheWrite1hTokens,
  usage.inputAudioTokens,
  usage.inputImageTokens,
  usage.outputAudioTokens,
  usage.toolUses,
  usage.serviceTier,
  usage.speed,
  usage.inferenceGeo,
  usage.statedCostUsd,
];

const usageToJson = (usage: Usage): unknown[] => [
  usage.inputTokens,
  usage.cachedReadTokens,
  usage.cacheWriteTokens,
  usage.outputTokens,
  usage.reasoningTokens,
  usage.cacheWrite1hTokens,
  usage.inputAudioTokens,
  usage.inputImageTokens,
  usage.outputAudioTokens,
  usage.toolUses,
  usage.serviceTier,
  usage.speed,
  usage.inferenceGeo,
  usage.statedCostUsd,
];

const timingToJson = (timing: Attempt['timing']): unknown[] => [
  timing.connectedMs,
  timing.headersMs,
  timing.firstTokenMs,
  timing.lastTokenMs,
  timing.doneMs,
];

const attemptToJson = (attempt: Attempt): unknown[] => [
  [
    attempt.n,
    attempt.deployment,
    attempt.provider,
    attempt.dialect,
    attempt.startedMs,
    attempt.status,
    attempt.httpStatus,
    attempt.errorCode,
    attempt.usageSource,
    attempt.upstreamRequestId,
  ],
  timingToJson(attempt.timing),
  attempt.usage && usageToJson(attempt.usage),
  attempt.cost && costToJson(attempt.cost),
];

const plainToJson = (entry: LedgerEntry): unknown[] => [
  entry.agent,
  entry.parentAgent,
  entry.traceId,
  entry.client,
  entry.clientVersion,
  entry.clientRetry,
  entry.retryOf,
  entry.dialect,
  entry.stream,
  entry.fingerprint,
  entry.usageSource,
  entry.priceVersion,
  entry.interToken,
  entry.errorCode,
  entry.finish,
  entry.truncated,
  entry.cancelledBy,
  entry.degraded,
  entry.shed,
  entry.dropped,
  entry.templateHash,
  entry.prefixHash,
  entry.configHash,
  entry.protocol,
  entry.resumes,
  entry.bytesIn,
  entry.bytesOut,
];

type AttemptJson = [unknown[], unknown[], unknown[] | null, string[] | null];

function attemptFromJson([fields, timing, usage, cost]: AttemptJson): Attempt {
  return {
    ...unpick(ATTEMPT_FIELDS, fields),
    timing: unpick(ATTEMPT_TIMING, timing),
    usage: usage && unpick(ALL_USAGE, usage),
    cost: cost && unpick(COST_PARTS, cost.map(BigInt)),
  } as unknown as Attempt;
}

// SQLite's text is UTF-8, which cannot carry a lone surrogate: such a value is kept exactly in the JSON alone.
const column = (text: string | null): string | null =>
  text === null || text.isWellFormed() ? text : text.toWellFormed();
const exact = (text: string | null): string | null => (text === null || text.isWellFormed() ? null : text);

const restOf = (entry: LedgerEntry): string =>
  JSON.stringify([
    plainToJson(entry),
    otherUsage(entry.usage),
    [entry.timing.connectedMs, entry.timing.headersMs, entry.timing.lastTokenMs],
    `${entry.reservedNanoUsd}`,
    entry.attempts.map(attemptToJson),
    [exact(entry.session), exact(entry.endUser), exact(entry.modelReturned)],
  ]);

type RestJson = [unknown[], unknown[], unknown[], string, AttemptJson[], (string | null)[]];

function hasLabels(entry: LedgerEntry): boolean {
  for (const _name in entry.labels) return true;
  return false;
}

/** Interned numbers of a row. */
export interface RowNumbers {
  readonly dims: number;
  readonly tenant: number;
  readonly key: number;
}

/** Values of {@link ENTRY_COLUMNS}; `counted` starts as 1. */
export function rowOf(entry: LedgerEntry, numbers: RowNumbers): SqlValue[] {
  const { cost, usage, timing } = entry;
  return [
    entry.id,
    entry.at,
    numbers.dims,
    numbers.tenant,
    numbers.key,
    column(entry.session),
    column(entry.endUser),
    entry.corrects,
    timeOfId(entry.id) === entry.at ? 1 : 0,
    1,
    column(entry.modelReturned),
    entry.httpStatus,
    entry.usageSource === 'estimated' ? 1 : 0,
    cost && cost.total,
    cost && cost.input,
    cost && cost.cachedRead,
    cost && cost.cacheWrite,
    cost && cost.output,
    cost && cost.other,
    entry.savedCostNanoUsd,
    usage.inputTokens,
    usage.cachedReadTokens,
    usage.cacheWriteTokens,
    usage.outputTokens,
    usage.reasoningTokens,
    timing.queuedMs,
    timing.firstTokenMs,
    timing.totalMs,
    hasLabels(entry) ? JSON.stringify(entry.labels) : null,
    restOf(entry),
  ];
}

/** A row as it is read: integers as BigInt, joined with the JSON of its dims. */
export type EntryRow = Readonly<Record<(typeof ENTRY_COLUMNS)[number] | 'dims_json', SqlValue>>;

const number = (value: SqlValue): number | null => (value === null ? null : Number(value));

function costOfRow(row: EntryRow): Cost | null {
  if (row.cost === null) return null;
  const { cost, cost_input, cost_cached_read, cost_cache_write, cost_output, cost_other } = row;
  const parts = [cost, cost_input, cost_cached_read, cost_cache_write, cost_output, cost_other];
  return unpick(COST_PARTS, parts) as unknown as Cost;
}

function usageOfRow(row: EntryRow, others: readonly unknown[]): Usage {
  const { input_tokens, cached_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens } = row;
  const counts = [input_tokens, cached_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens].map(number);
  return { ...unpick(COLUMN_USAGE, counts), ...unpick(OTHER_USAGE, others) } as unknown as Usage;
}

/** The values of `rollupKey`, in its order, as fields of the entry. */
const KEY_FIELDS = [
  'environment',
  'tenant',
  'team',
  'feature',
  'key',
  'kind',
  'purpose',
  'modelAsked',
  'deployment',
  'provider',
  'status',
] as const satisfies readonly (keyof LedgerEntry)[];

/** The entry exactly as it was shipped. */
export function entryOf(row: EntryRow): LedgerEntry {
  const [plain, usage, timing, reserved, attempts, exactTexts] = JSON.parse(row.rest as string) as RestJson;
  return {
    id: row.id,
    at: epochMs(Number(row.at)),
    ...unpick(KEY_FIELDS, JSON.parse(row.dims_json as string) as unknown[]),
    ...unpick(PLAIN_FIELDS, plain),
    session: exactTexts[0] ?? row.session,
    endUser: exactTexts[1] ?? row.end_user,
    modelReturned: exactTexts[2] ?? row.model_returned,
    labels: row.labels === null ? {} : JSON.parse(row.labels as string),
    usage: usageOfRow(row, usage),
    cost: costOfRow(row),
    savedCostNanoUsd: row.saved_cost,
    reservedNanoUsd: nanoUsd(BigInt(reserved)),
    timing: {
      queuedMs: number(row.queued_ms),
      firstTokenMs: number(row.first_token_ms),
      totalMs: number(row.total_ms),
      ...unpick(OTHER_TIMING, timing),
    },
    httpStatus: number(row.http_status),
    attempts: attempts.map(attemptFromJson),
    corrects: row.corrects,
  } as unknown as LedgerEntry;
}
