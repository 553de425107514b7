import type { NanoUsd } from '#kernel/money.ts';
import { asSaid, type Attempt, type LedgerEntry } from '#ports/entry.ts';
import { Attributes } from './attributes.ts';
import { errorTypeOf, modelOf, operationOf, providerFacts, type ProviderTable } from './gen-ai.ts';
import { FLAGS, SPAN_KIND, STATUS_ERROR, type Span } from './otlp.ts';
import { attemptSpanId, type CallSpanIds, type ParentContext } from './trace-context.ts';

export interface CallTrace {
  readonly entry: LedgerEntry;
  readonly ids: CallSpanIds;
  readonly parent: ParentContext | null;
  readonly providers: ProviderTable;
}

/**
 * Spans of one settled call: the server's, from admission to settlement, and under it one of a client for each attempt.
 * Tokens stand on the attempts alone, so that a sum over spans counts them once. Nothing of a prompt or an answer is
 * in an entry, so nothing of it can be in a span.
 */
export const spansOf = (trace: CallTrace): Span[] => [
  callSpan(trace),
  ...trace.entry.attempts.map((attempt) => attemptSpan(trace, attempt)),
];

/** Nanoseconds since the epoch as text, exact to the microsecond that our clocks mean. */
export const unixNano = (ms: number): string => `${Math.round(ms * 1000)}000`;

/** Dollars for people's dashboards; the ledger has the exact sum. */
export const dollars = (nano: NanoUsd): number => Number(nano) / 1e9;

function callSpan({ entry, ids, parent }: CallTrace): Span {
  const error = errorTypeOf(entry);
  const end = entry.at + (entry.timing.totalMs ?? 0);
  return {
    ...base(ids.spanId, ids, parent?.state),
    ...(parent && { parentSpanId: parent.spanId }),
    name: `${operationOf(entry)} ${entry.modelAsked.slice(0, 128)}`,
    kind: SPAN_KIND.server,
    startTimeUnixNano: unixNano(entry.at),
    endTimeUnixNano: unixNano(end),
    attributes: callAttributes(asSaid(entry), error),
    ...failed(error),
    flags: FLAGS.sampled | FLAGS.hasRemote | (parent ? FLAGS.isRemote : 0),
  };
}

const base = (spanId: string, { traceId }: CallSpanIds, state: string | undefined) => ({
  traceId,
  spanId,
  ...(state && { traceState: state }),
});

const failed = (error: string | null) => (error === null ? {} : { status: { code: STATUS_ERROR } });

function callAttributes(entry: LedgerEntry, error: string | null): Span['attributes'] {
  const { cost } = entry;
  const out = new Attributes()
    .text('gen_ai.operation.name', operationOf(entry))
    .text('gen_ai.request.model', entry.modelAsked)
    .flag('gen_ai.request.stream', entry.stream)
    .text('gen_ai.response.model', entry.modelReturned)
    .text('gen_ai.conversation.id', entry.session)
    .text('gen_ai.agent.name', entry.agent)
    .text('error.type', error)
    .int('http.response.status_code', entry.httpStatus)
    .text('headgate.call.id', entry.id)
    .text('headgate.tenant', entry.tenant)
    .text('headgate.team', entry.team)
    .text('headgate.feature', entry.feature)
    .text('headgate.key.id', entry.key)
    .text('headgate.kind', entry.kind)
    .text('headgate.purpose', entry.purpose)
    .text('headgate.outcome', entry.status)
    .text('headgate.cancelled_by', entry.cancelledBy)
    .text('headgate.deployment', entry.deployment)
    .int('headgate.attempts', entry.attempts.length)
    .double('headgate.cost.usd', cost && dollars(cost.total))
    .flag('headgate.cost.estimated', entry.usageSource === 'estimated')
    .text('headgate.client.name', entry.client)
    .text('headgate.client.version', entry.clientVersion);
  for (const [name, value] of Object.entries(entry.labels)) out.text(`headgate.label.${name}`, value);
  return out.list;
}

function attemptSpan({ entry, ids, parent, providers }: CallTrace, attempt: Attempt): Span {
  const error = errorTypeOf(attempt);
  const start = entry.at + attempt.startedMs;
  const end = attempt.timing.doneMs === null ? entry.at + (entry.timing.totalMs ?? 0) : start + attempt.timing.doneMs;
  return {
    ...base(attemptSpanId(ids.spanId, attempt.n), ids, parent?.state),
    parentSpanId: ids.spanId,
    name: `${operationOf(entry)} ${modelOf(attempt).slice(0, 128)}`,
    kind: SPAN_KIND.client,
    startTimeUnixNano: unixNano(start),
    endTimeUnixNano: unixNano(Math.max(start, end)),
    attributes: attemptAttributes(entry, attempt, providers, error),
    ...failed(error),
    flags: FLAGS.sampled | FLAGS.hasRemote,
  };
}

function attemptAttributes(
  entry: LedgerEntry,
  attempt: Attempt,
  providers: ProviderTable,
  error: string | null,
): Span['attributes'] {
  const provider = providerFacts(providers, attempt.provider);
  const last = attempt.n === entry.attempts.at(-1)!.n;
  const { firstTokenMs } = attempt.timing;
  const out = new Attributes()
    .text('gen_ai.operation.name', operationOf(entry))
    .text('gen_ai.provider.name', provider.genAiName)
    .text('gen_ai.request.model', modelOf(attempt))
    .flag('gen_ai.request.stream', entry.stream)
    .text('gen_ai.response.model', last ? entry.modelReturned : null)
    .texts('gen_ai.response.finish_reasons', last ? finishReasons(entry, attempt) : [])
    .double('gen_ai.response.time_to_first_chunk', entry.stream && firstTokenMs !== null ? firstTokenMs / 1000 : null)
    .text('server.address', provider.address || null)
    .int('server.port', provider.address ? provider.port : null)
    .text('error.type', error)
    .int('http.response.status_code', attempt.httpStatus)
    .int('headgate.attempt', attempt.n)
    .text('headgate.deployment', attempt.deployment)
    .text('headgate.outcome', attempt.status)
    .text('headgate.usage.source', attempt.usageSource)
    .text('headgate.upstream.request_id', attempt.upstreamRequestId)
    .double('headgate.cost.usd', attempt.cost && dollars(attempt.cost.total));
  if (reportsUsage(entry, attempt)) addUsage(out, attempt.usage!);
  return out.list;
}

/** Tokens are what the provider said: an estimate is none, and counting tokens uses none. */
export const reportsUsage = (entry: LedgerEntry, attempt: Attempt): boolean =>
  attempt.usageSource === 'provider' && attempt.usage !== null && entry.kind !== 'count';

const addUsage = (out: Attributes, usage: Attempt['usage'] & object): Attributes =>
  out
    .int('gen_ai.usage.input_tokens', usage.inputTokens)
    .int('gen_ai.usage.output_tokens', usage.outputTokens)
    .int('gen_ai.usage.cache_read.input_tokens', usage.cachedReadTokens)
    .int('gen_ai.usage.cache_write.input_tokens', usage.cacheWriteTokens)
    .int('gen_ai.usage.reasoning.output_tokens', usage.reasoningTokens)
    .int('gen_ai.usage.audio.input_tokens', usage.inputAudioTokens)
    .int('gen_ai.usage.image.input_tokens', usage.inputImageTokens)
    .int('gen_ai.usage.audio.output_tokens', usage.outputAudioTokens);

/** One that was expected and did not come is `error`, as the conventions ask. */
function finishReasons(entry: LedgerEntry, attempt: Attempt): string[] {
  if (entry.finish !== null) return [entry.finish];
  const answered = attempt.httpStatus !== null && attempt.httpStatus < 300;
  return entry.kind === 'generate' && answered && attempt.status !== 'ok' ? ['error'] : [];
}
