import { NO_LAYERS } from '#ports/entry.ts';
import { nanoUsd, type NanoUsd } from '#kernel/money.ts';
import type { Attempt, Cost, LedgerEntry, OutcomeStatus, UsageSource } from '#ports/entry.ts';
import { BATCH_TIER, type PriceBook, type PriceRow } from '#ledger/prices/index.ts';
import { NO_USAGE, type Usage } from '#wire/usage.ts';
import type { AnswerView } from '#wire/dialect.ts';
import { FREE_COST } from '../free-cost.ts';
import { DIALECTS } from '../dialects.ts';
import { lineDeployment } from './batch-intake.ts';
import { lineCallId, type BatchPlan, type PlanModel } from './batch-plan.ts';

/** What became of one line. */
export type LineEnd =
  | { readonly is: 'answered'; readonly view: AnswerView }
  /** The provider's own error, by its code; nothing of it is billed. */
  | { readonly is: 'failed'; readonly httpStatus: number | null; readonly code: string }
  | { readonly is: 'expired' | 'cancelled' }
  /** Nobody knows: the batch never ended, or its results are gone. */
  | { readonly is: 'lost'; readonly code: string };

export interface LinePricing {
  readonly book: Pick<PriceBook, 'cost'>;
  /** Batch price of the line's model; null: nobody knows it. */
  readonly row: PriceRow | null;
}

const OUTCOME: Readonly<Record<LineEnd['is'], OutcomeStatus>> = {
  answered: 'ok',
  failed: 'provider_error',
  expired: 'timeout',
  cancelled: 'cancelled',
  lost: 'interrupted',
};

interface Billed {
  readonly usage: Usage;
  readonly source: UsageSource;
  readonly cost: Cost | null;
}

/** The entry of one line: its id is the same however often it is made. A line that was not answered costs nothing. */
export function lineEntry(
  plan: BatchPlan,
  hash: string,
  model: PlanModel,
  end: LineEnd,
  pricing: LinePricing,
): LedgerEntry {
  const { admitted, lines } = plan;
  const dialect = DIALECTS[lines.dialect];
  const billed = billOf(end, pricing);
  const view = end.is === 'answered' ? end.view : null;
  const status = OUTCOME[end.is];
  const httpStatus = end.is === 'answered' ? 200 : end.is === 'failed' ? end.httpStatus : null;
  const errorCode = 'code' in end ? end.code.slice(0, 64) : end.is === 'expired' ? 'batch_expired' : null;
  const deployment = lineDeployment(lines.provider, model);
  const ran = end.is === 'answered' || end.is === 'failed' || end.is === 'lost';
  return {
    ...admitted,
    id: lineCallId(plan.id, admitted.at, hash),
    clientRetry: 0,
    retryOf: null,
    redriveOf: null,
    kind: dialect.kind,
    dialect: lines.dialect,
    stream: false,
    modelAsked: model.model,
    modelReturned: view?.modelReturned ?? null,
    deployment,
    provider: lines.provider,
    fingerprint: view?.fingerprint ?? null,
    usage: billed.usage,
    usageSource: billed.source,
    cost: billed.cost,
    priceVersion: billed.source === 'provider' && billed.cost ? (pricing.row?.version ?? null) : null,
    savedCostNanoUsd: null,
    reservedNanoUsd: shareOf(plan),
    timing: NOT_TIMED,
    interToken: null,
    status,
    httpStatus,
    errorCode,
    finish: view?.finish ?? null,
    truncated: false,
    cancelledBy: end.is === 'cancelled' ? 'client' : null,
    degraded: false,
    shed: false,
    dropped: [],
    attempts: ran ? [attemptOf(plan, deployment, billed, { status, httpStatus, errorCode })] : [],
    templateHash: null,
    prefixHash: null,
    protocol: 'http',
    resumes: 0,
    bytesIn: 0,
    bytesOut: 0,
    corrects: null,
    movedFrom: null,
    moveCostNanoUsd: null,
    cacheHit: null,
    asOther: admitted.asOther ?? null,
    alias: null,
    layers: NO_LAYERS,
  };
}

/** A batch takes hours by agreement: its time is no latency, and none is measured. */
const NOT_TIMED: LedgerEntry['timing'] = Object.freeze({
  queuedMs: null,
  connectedMs: null,
  headersMs: null,
  firstTokenMs: null,
  lastTokenMs: null,
  totalMs: null,
});

function billOf(end: LineEnd, { book, row }: LinePricing): Billed {
  if (end.is === 'lost') return { usage: NO_USAGE, source: 'none', cost: null };
  if (end.is !== 'answered') return { usage: NO_USAGE, source: 'none', cost: FREE_COST };
  const said = end.view.usage;
  if (!said || (said.inputTokens === null && said.outputTokens === null))
    return { usage: NO_USAGE, source: 'none', cost: null };
  // OpenAI's answers do not say that a batch served them.
  const usage = { ...said, serviceTier: BATCH_TIER };
  return { usage, source: 'provider', cost: row && book.cost(row, usage) };
}

/** An equal part of what was reserved for the batch; the rounded-off rest belongs to no line. */
function shareOf({ expected, lines }: BatchPlan): NanoUsd {
  return nanoUsd(BigInt(expected ?? 0) / BigInt(Math.max(1, lines.count)));
}

function attemptOf(
  { lines }: BatchPlan,
  deployment: string,
  { usage, source, cost }: Billed,
  end: Pick<Attempt, 'status' | 'httpStatus' | 'errorCode'>,
): Attempt {
  return {
    n: 1,
    deployment,
    provider: lines.provider,
    dialect: lines.dialect,
    startedMs: 0,
    timing: { connectedMs: null, headersMs: null, firstTokenMs: null, lastTokenMs: null, doneMs: null },
    ...end,
    usage: source === 'none' ? null : usage,
    usageSource: source,
    cost,
    upstreamRequestId: null,
  };
}
