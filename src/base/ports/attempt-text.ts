import type { Attempt, LedgerEntry } from './entry.ts';
import { costFromJson, costToJson } from './money-json.ts';
import type { CostJson } from './money-json.ts';
import { otherUsage, usageOf } from './usage-text.ts';

type Row = readonly unknown[];
/** Fields that the only attempt of a call shares with its entry; they are written once. */
type Shared = Pick<LedgerEntry, 'deployment' | 'provider' | 'usage' | 'usageSource' | 'cost'>;

/** Stands for "as in the entry". Null is a value of its own, so it cannot. */
const SAME = 0;

/** Places in an attempt's row that a store reads without the whole of it; 0 there: as in the entry. */
export const ATTEMPT_AT = { deployment: 1, provider: 2, status: 10, usageSource: 14, usage: 15, cost: 16 } as const;

/** Attempts as positional rows. `entry` null: there is no entry yet, and nothing is shared. */
export const attemptsToRows = (attempts: readonly Attempt[], entry: Shared | null): Row[] =>
  attempts.map((attempt) => rowOf(attempt, entry));

export const attemptsFromRows = (rows: readonly Row[], entry: Shared | null): Attempt[] =>
  rows.map((row) => attemptOf(row, entry));

const rowOf = (attempt: Attempt, entry: Shared | null): Row => [
  attempt.n,
  attempt.deployment === entry?.deployment ? SAME : attempt.deployment,
  attempt.provider === entry?.provider ? SAME : attempt.provider,
  attempt.dialect,
  attempt.startedMs,
  attempt.timing.connectedMs,
  attempt.timing.headersMs,
  attempt.timing.firstTokenMs,
  attempt.timing.lastTokenMs,
  attempt.timing.doneMs,
  attempt.status,
  attempt.httpStatus,
  attempt.errorCode,
  attempt.upstreamRequestId,
  attempt.usageSource === entry?.usageSource ? SAME : attempt.usageSource,
  attempt.usage === entry?.usage ? SAME : attempt.usage && usageRow(attempt.usage),
  attempt.cost === entry?.cost ? SAME : attempt.cost && costToJson(attempt.cost),
  ...keptApart(attempt),
];

/** Nothing of most attempts. */
const keptApart = ({ preambleBytes, heldMs }: Attempt): Row =>
  preambleBytes === undefined && heldMs === undefined ? NO_MORE : [preambleBytes ?? null, heldMs ?? null];
const NO_MORE: Row = [];

const usageRow = (usage: Attempt['usage'] & object): Row => [
  [usage.inputTokens, usage.cachedReadTokens, usage.cacheWriteTokens, usage.outputTokens, usage.reasoningTokens],
  otherUsage(usage),
];

function attemptOf(row: Row, entry: Shared | null): Attempt {
  const [usage, cost] = [row[15] as Row | 0 | null, row[16] as CostJson | 0 | null];
  return {
    n: row[0],
    deployment: row[1] === SAME ? entry!.deployment : row[1],
    provider: row[2] === SAME ? entry!.provider : row[2],
    dialect: row[3],
    startedMs: row[4],
    timing: {
      connectedMs: row[5],
      headersMs: row[6],
      firstTokenMs: row[7],
      lastTokenMs: row[8],
      doneMs: row[9],
    },
    status: row[10],
    httpStatus: row[11],
    errorCode: row[12],
    usage: usage === SAME ? entry!.usage : usage && usageOf(usage[0] as Row, usage[1] as Row | null),
    usageSource: row[14] === SAME ? entry!.usageSource : row[14],
    cost: cost === SAME ? entry!.cost : cost && costFromJson(cost),
    upstreamRequestId: row[13],
    ...(row[17] != null && { preambleBytes: row[17] }),
    ...(row[18] != null && { heldMs: row[18] }),
  } as Attempt;
}
