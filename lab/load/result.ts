/** Figures of a run: exact quantiles, counts, and the client's own log. */
import { createHash } from 'node:crypto';
import type { CallEnd } from './client.ts';
import type { TraceRow } from './trace.ts';

/** Exact quantiles; null when nothing was measured. */
export interface Quantiles {
  readonly count: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

export interface LoadResult {
  /** Calls that were sent and have ended, plus those that `maxInFlight` kept from being sent. */
  readonly calls: number;
  /** Answers with status 200 that ended as their protocol says. */
  readonly complete: number;
  /** Failures by HTTP status, in-band error code, connection error, `truncated` or `client_overload`. */
  readonly errors: Readonly<Record<string, number>>;
  readonly durationMs: number;
  readonly callsPerSecond: number;
  /** Of complete answers. Open loop: from the scheduled time. Closed loop: from the send. */
  readonly latencyMs: Quantiles | null;
  /** To the first content of complete streams, from the same origin. */
  readonly ttftMs: Quantiles | null;
  /** How late calls were sent: above a few milliseconds the generator itself was the bottleneck. */
  readonly sendLagMs: Quantiles | null;
  /** Sums of the usage that answers stated; calls without usage add nothing and are counted. */
  readonly tokens: {
    readonly input: number;
    readonly output: number;
    readonly cached: number;
    readonly callsWithoutUsage: number;
  };
  readonly completeByTenant: Readonly<Record<string, number>>;
  readonly seed: number;
}

/** One line of the client's log: what an outside judge may compare with the ledger and the provider's log. */
export interface ClientLogLine {
  readonly index: number;
  readonly requestId: string;
  readonly tenant: string;
  /** Wall clock, ms since 1970. */
  readonly scheduledAtMs: number;
  readonly sentAtMs: number;
  readonly callId: string | null;
  readonly status: number | null;
  readonly complete: boolean;
  readonly finishReason: string | null;
  readonly error: string | null;
  readonly usage: CallEnd['answer']['usage'];
  readonly latencyMs: number;
  readonly ttftMs: number | null;
  readonly bytes: number;
  readonly textSha256: string;
}

/** A call that has ended, with the times that only the runner knows. */
export interface EndedCall {
  readonly row: TraceRow;
  readonly index: number;
  readonly requestId: string;
  /** `performance.now()`; the origin of latency. */
  readonly dueAtMs: number;
  readonly sentAtMs: number;
  readonly end: CallEnd;
}

/** Nearest-rank quantiles. */
export function quantiles(values: readonly number[]): Quantiles | null {
  if (values.length === 0) return null;
  const sorted = Float64Array.from(values).sort();
  const at = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? NaN;
  return { count: sorted.length, p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) };
}

/** Why a call does not count as complete; null when it does. */
export function failureOf({ status, answer, connectionError }: CallEnd): string | null {
  if (connectionError !== null) return connectionError;
  if (status !== 200) return String(status);
  if (answer.errorCode !== null) return answer.errorCode;
  return answer.complete ? null : 'truncated';
}

const sha256 = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex');

export function logLine({ row, index, requestId, dueAtMs, sentAtMs, end }: EndedCall): ClientLogLine {
  const error = failureOf(end);
  return {
    index,
    requestId,
    tenant: row.tenant,
    scheduledAtMs: performance.timeOrigin + dueAtMs,
    sentAtMs: performance.timeOrigin + sentAtMs,
    callId: end.callId,
    status: end.status,
    complete: error === null,
    finishReason: end.answer.finishReason,
    error,
    usage: end.answer.usage,
    latencyMs: end.endedAtMs - dueAtMs,
    ttftMs: end.firstTokenAtMs === null ? null : end.firstTokenAtMs - dueAtMs,
    bytes: end.bytes,
    textSha256: sha256(end.answer.text),
  };
}

export interface Tally {
  readonly add: (call: EndedCall) => void;
  readonly fail: (reason: string) => void;
  readonly ended: () => number;
  readonly result: (durationMs: number, seed: number) => LoadResult;
}

export function startTally(): Tally {
  const latencies: number[] = [];
  const firstTokens: number[] = [];
  const lags: number[] = [];
  const errors: Record<string, number> = {};
  const byTenant: Record<string, number> = {};
  const tokens = { input: 0, output: 0, cached: 0, callsWithoutUsage: 0 };
  let ended = 0;
  const fail = (reason: string): void => {
    ended++;
    errors[reason] = (errors[reason] ?? 0) + 1;
  };
  const add = ({ row, dueAtMs, sentAtMs, end }: EndedCall): void => {
    lags.push(sentAtMs - dueAtMs);
    const { usage } = end.answer;
    tokens.input += usage?.inputTokens ?? 0;
    tokens.output += usage?.outputTokens ?? 0;
    tokens.cached += usage?.cachedTokens ?? 0;
    if (usage === null) tokens.callsWithoutUsage++;
    const failure = failureOf(end);
    if (failure !== null) return fail(failure);
    ended++;
    byTenant[row.tenant] = (byTenant[row.tenant] ?? 0) + 1;
    latencies.push(end.endedAtMs - dueAtMs);
    if (end.firstTokenAtMs !== null) firstTokens.push(end.firstTokenAtMs - dueAtMs);
  };
  const result = (durationMs: number, seed: number): LoadResult => ({
    calls: ended,
    complete: latencies.length,
    errors,
    durationMs,
    callsPerSecond: (ended / durationMs) * 1000,
    latencyMs: quantiles(latencies),
    ttftMs: quantiles(firstTokens),
    sendLagMs: quantiles(lags),
    tokens,
    completeByTenant: byTenant,
    seed,
  });
  return { add, fail, ended: () => ended, result };
}
