/** One call as typed data: what `calls show` draws and prints as JSON. Pure. */
import { subUsd, type NanoUsd } from '#kernel/money.ts';
import type { LedgerEntry } from '#ports/entry.ts';

export interface CallReport {
  readonly report: 'call';
  /** Path that the client called. */
  readonly endpoint: string;
  readonly keyName: string | null;
  /** Reserved − settled: negative is an overrun. Null where the cost is not known. */
  readonly releasedNanoUsd: NanoUsd | null;
  readonly attempts: readonly AttemptSpan[];
  /** Length of the drawing in milliseconds: the call's own, or its last known moment. */
  readonly lengthMs: number;
  readonly call: LedgerEntry;
  /** The row that counts in its place; null: it counts itself. */
  readonly correctedBy: LedgerEntry | null;
}

/** An attempt on the clock of the call. */
export interface AttemptSpan {
  readonly n: number;
  readonly startMs: number;
  /** End of connecting; null: not measured. */
  readonly connectedMs: number | null;
  readonly firstTokenMs: number | null;
  readonly lastTokenMs: number | null;
  /** Null: nothing of its end was measured. */
  readonly endMs: number | null;
  readonly failed: boolean;
  /** How much later all of the answer went out than it came; absent: it went out as it came. */
  readonly heldMs?: number;
}

const ENDPOINTS: Readonly<Record<string, string>> = {
  'openai-chat': '/v1/chat/completions',
  'openai-responses': '/v1/responses',
  'ai-sdk-ui': '/v1/ui/chat',
  'openai-completions': '/v1/completions',
  'openai-embeddings': '/v1/embeddings',
  'openai-moderations': '/v1/moderations',
  'openai-images': '/v1/images/generations',
  'openai-image-edits': '/v1/images/edits',
  'openai-image-variations': '/v1/images/variations',
  'openai-speech': '/v1/audio/speech',
  'openai-transcriptions': '/v1/audio/transcriptions',
  'openai-translations': '/v1/audio/translations',
  rerank: '/v1/rerank',
  'cohere-rerank': '/v2/rerank',
  'cohere-embed': '/v2/embed',
  'voyage-contextual': '/v1/contextualizedembeddings',
  'anthropic-messages': '/v1/messages',
  'google-generate': '/v1beta/models/…:generateContent',
  'google-embed': '/v1beta/models/…:embedContent',
  'google-batch-embed': '/v1beta/models/…:batchEmbedContents',
  'google-count': '/v1beta/models/…:countTokens',
  'anthropic-count': '/v1/messages/count_tokens',
};

export function callReport(
  call: LedgerEntry,
  keyName: string | null,
  correctedBy: LedgerEntry | null = null,
): CallReport {
  const attempts = call.attempts.map(spanOf);
  const last = Math.max(0, ...attempts.flatMap(({ startMs, endMs }) => [startMs, endMs ?? 0]));
  return {
    report: 'call',
    endpoint: ENDPOINTS[call.dialect] ?? call.dialect,
    keyName,
    releasedNanoUsd: call.cost && subUsd(call.reservedNanoUsd, call.cost.total),
    attempts,
    lengthMs: Math.max(call.timing.totalMs ?? 0, last),
    call,
    correctedBy,
  };
}

function spanOf({ n, startedMs, timing, status, heldMs }: LedgerEntry['attempts'][number]): AttemptSpan {
  const on = (ms: number | null): number | null => (ms === null ? null : startedMs + ms);
  const reached = [timing.doneMs, timing.lastTokenMs, timing.firstTokenMs, timing.headersMs, timing.connectedMs];
  return {
    n,
    startMs: startedMs,
    connectedMs: on(timing.connectedMs),
    firstTokenMs: on(timing.firstTokenMs),
    lastTokenMs: on(timing.lastTokenMs),
    endMs: on(reached.find((ms) => ms !== null) ?? null),
    failed: status !== 'ok',
    ...(heldMs !== undefined && { heldMs }),
  };
}
