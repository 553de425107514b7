import { NO_LAYERS } from '#ports/entry.ts';
import type { CallId } from '#kernel/brand.ts';
import type { PricePerMillion } from '#kernel/money.ts';
import type { Admission, AttemptStart, PriceSnapshot, ProgressMark } from './admission.ts';
import { attemptsFromRows, attemptsToRows } from '#ports/attempt-text.ts';
import { moneyFromJson, moneyOrNull, moneyToJson } from '#ports/money-json.ts';
import type { MoneyJson } from '#ports/money-json.ts';

// Positional rows by the rule of entry-text.ts: new fields at the end, a missing one reads as null.
type Row = unknown[];

// Prices have NanoUsd's range and JSON form; only the brand differs.
const priceToRow = (price: PriceSnapshot | null): Row | null =>
  price === null
    ? null
    : [moneyToJson(price.input as bigint as never), moneyToJson(price.output as bigint as never), price.version];

const priceFromRow = (row: Row | null | undefined): PriceSnapshot | null =>
  row
    ? {
        input: moneyFromJson(row[0] as MoneyJson) as bigint as PricePerMillion,
        output: moneyFromJson(row[1] as MoneyJson) as bigint as PricePerMillion,
        version: row[2] as string,
      }
    : null;

const attemptStartToRow = (start: AttemptStart): Row => [
  start.n,
  start.deployment,
  start.provider,
  start.dialect,
  start.startedMs,
  moneyToJson(start.worstCostNanoUsd),
  moneyToJson(start.reservedNanoUsd),
  priceToRow(start.price),
  start.finished.length === 0 ? null : attemptsToRows(start.finished, null),
];

function attemptStartFromRow(row: Row): AttemptStart {
  return {
    n: row[0],
    deployment: row[1],
    provider: row[2],
    dialect: row[3],
    startedMs: row[4],
    worstCostNanoUsd: moneyOrNull(row[5] as MoneyJson | null),
    reservedNanoUsd: moneyOrNull(row[6] as MoneyJson | null),
    price: priceFromRow(row[7] as Row | null),
    finished: attemptsFromRows((row[8] ?? []) as Row[], null),
  } as AttemptStart;
}

/** The admission and, in the same record, the first attempt: one write that is there whole or not at all. */
export function encodeAdmission(admission: Admission, first: AttemptStart | null): string {
  return JSON.stringify([
    admission.id,
    admission.at,
    admission.environment,
    admission.tenant,
    admission.team,
    admission.feature,
    admission.key,
    admission.endUser,
    admission.session,
    admission.agent,
    admission.parentAgent,
    admission.labels,
    admission.traceId,
    admission.client,
    admission.clientVersion,
    admission.clientRetry,
    admission.retryOf,
    admission.kind,
    admission.purpose,
    admission.dialect,
    admission.stream,
    admission.modelAsked,
    moneyToJson(admission.reservedNanoUsd),
    admission.templateHash,
    admission.prefixHash,
    admission.configHash,
    admission.protocol,
    admission.bytesIn,
    admission.estimatedInputTokens,
    admission.reservedOutputTokens,
    admission.maxOutputTokens,
    moneyToJson(admission.worstCostNanoUsd),
    priceToRow(admission.price),
    first === null ? null : attemptStartToRow(first),
    admission.layers.length === 0 && admission.alias === null ? null : [admission.alias, ...admission.layers],
    admission.redriveOf,
    admission.asOther,
  ]);
}

export function decodeAdmission(text: string): { readonly admission: Admission; readonly first: AttemptStart | null } {
  const row = JSON.parse(text) as Row;
  const layered = row[34] as readonly (string | null)[] | null | undefined;
  const admission = {
    id: row[0],
    at: row[1],
    environment: row[2],
    tenant: row[3],
    team: row[4] ?? null,
    feature: row[5] ?? null,
    key: row[6],
    endUser: row[7] ?? null,
    session: row[8] ?? null,
    agent: row[9] ?? null,
    parentAgent: row[10] ?? null,
    labels: row[11] ?? {},
    traceId: row[12] ?? null,
    client: row[13] ?? null,
    clientVersion: row[14] ?? null,
    clientRetry: row[15],
    retryOf: row[16] ?? null,
    redriveOf: row[35] ?? null,
    kind: row[17],
    purpose: row[18] ?? null,
    dialect: row[19],
    stream: row[20],
    modelAsked: row[21],
    reservedNanoUsd: moneyFromJson(row[22] as MoneyJson),
    templateHash: row[23] ?? null,
    prefixHash: row[24] ?? null,
    configHash: row[25] ?? null,
    protocol: row[26],
    bytesIn: row[27],
    estimatedInputTokens: row[28] ?? null,
    reservedOutputTokens: row[29] ?? null,
    maxOutputTokens: row[30] ?? null,
    worstCostNanoUsd: moneyOrNull(row[31] as MoneyJson | null),
    price: priceFromRow(row[32] as Row | null),
    alias: layered?.[0] ?? null,
    layers: layered?.slice(1) ?? NO_LAYERS,
    asOther: row[36] ?? null,
  } as Admission;
  return { admission, first: row[33] ? attemptStartFromRow(row[33] as Row) : null };
}

export const encodeAttempt = (id: CallId, start: AttemptStart): string =>
  JSON.stringify([id, attemptStartToRow(start)]);
export const decodeAttempt = (text: string): AttemptStart =>
  attemptStartFromRow((JSON.parse(text) as [string, Row])[1]);

export const encodeProgress = (id: CallId, mark: ProgressMark): string =>
  JSON.stringify([id, mark.outputTokens, mark.textBytes, mark.atMs]);

export function decodeProgress(text: string): ProgressMark {
  const row = JSON.parse(text) as Row;
  return { outputTokens: row[1] ?? null, textBytes: row[2], atMs: row[3] } as ProgressMark;
}
