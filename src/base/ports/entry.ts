import type { CallId, EpochMs, FeatureName, KeyId, TeamId, TenantId } from '#kernel/brand.ts';
import { addUsd, type NanoUsd } from '#kernel/money.ts';
import type { DialectName } from '#wire/canonical.ts';
import type { Usage } from '#wire/usage.ts';

/** What a call was for. Stored as text: a name is never used again for another meaning. */
export const CALL_KINDS = [
  'generate',
  'embed',
  'count',
  'image',
  'speech',
  'transcription',
  'moderation',
  'rerank',
  'probe',
  'shadow',
  'eval',
  'guardrail',
  'sandbox',
] as const;
export type CallKind = (typeof CALL_KINDS)[number];

/** How a call or an attempt ended. One word, so that rollups can group by it. */
export type OutcomeStatus =
  | 'ok'
  /** The provider answered with an error, and it was the last attempt. */
  | 'provider_error'
  /** Timer of ours ran out on the provider. */
  | 'timeout'
  /** The stream ended without its terminal event. */
  | 'truncated'
  /** The client left, or asked for cancel. */
  | 'cancelled'
  /** The gate refused after admission (budget of a further attempt, no provider). */
  | 'refused'
  /** The process died between admission and settlement; found by recovery. */
  | 'interrupted'
  /** A mistake of ours. */
  | 'internal_error';

/** Who ended a cancelled call. */
export type CancelledBy = 'client' | 'operator' | 'deadline' | 'budget' | 'drain';

/** Where token counts come from. */
export type UsageSource =
  /** The provider's own usage. */
  | 'provider'
  /** Bytes on the hot path, corrected by exact counting off the loop where a tokenizer is known. */
  | 'estimated'
  /** The gate itself, exactly: images of the answer, characters of the request, seconds in the head of a WAV file. */
  | 'counted'
  /** Nothing was sent to a provider or nothing is known. */
  | 'none';

/** Stands as price version of a call that the caller's own subscription paid: its tokens count, its cost here is none. */
export const SUBSCRIPTION = 'subscription';

/** Cost of one attempt or call by part; each part is rounded once; the parts sum to `total`. */
export interface Cost {
  readonly input: NanoUsd;
  readonly cachedRead: NanoUsd;
  readonly cacheWrite: NanoUsd;
  readonly output: NanoUsd;
  /** Audio, images, tool uses, requests: whatever has a price of its own. */
  readonly other: NanoUsd;
  readonly total: NanoUsd;
}

/** Part by part, exact. */
export const addCost = (a: Cost, b: Cost): Cost => ({
  input: addUsd(a.input, b.input),
  cachedRead: addUsd(a.cachedRead, b.cachedRead),
  cacheWrite: addUsd(a.cacheWrite, b.cacheWrite),
  output: addUsd(a.output, b.output),
  other: addUsd(a.other, b.other),
  total: addUsd(a.total, b.total),
});

/** Phases of one attempt in milliseconds since the attempt began; null was not reached or not measured. */
export interface AttemptTiming {
  readonly connectedMs: number | null;
  readonly headersMs: number | null;
  readonly firstTokenMs: number | null;
  readonly lastTokenMs: number | null;
  readonly doneMs: number | null;
}

export interface Attempt {
  readonly n: number;
  /** `provider/model-id`. */
  readonly deployment: string;
  readonly provider: string;
  readonly dialect: DialectName;
  /** Milliseconds after admission at which it was sent. */
  readonly startedMs: number;
  readonly timing: AttemptTiming;
  readonly status: OutcomeStatus;
  readonly httpStatus: number | null;
  /** Provider's error code or type, bounded to 64 characters; never its text. */
  readonly errorCode: string | null;
  readonly usage: Usage | null;
  readonly usageSource: UsageSource;
  /** Null: the price is not known. */
  readonly cost: Cost | null;
  readonly upstreamRequestId: string | null;
  /** Bytes of the tenant's own line before the prompt: about half as many tokens, and `usage` has them. Absent: none. */
  readonly preambleBytes?: number;
  /** Milliseconds that the answer was held after its first token, so that its time says less. Absent: none. */
  readonly heldMs?: number;
}

/** Quantile-ready gaps between tokens: a DDSketch in its compact text form, or null where fewer than two came. */
export type SketchText = string;

/** The earlier answer that a call was given. */
export interface CacheHit {
  /** The call that paid for it. */
  readonly call: CallId;
  /** How long ago that was, in milliseconds. */
  readonly ageMs: number;
  /** True: the answer was being made when this call came, and it waited for it. */
  readonly collapsed: boolean;
  /** Tokens that were not used again: those of the answer's own attempt. They are in no sum of `usage`. */
  readonly usage: Usage;
  /** What it cost then, by part: what is saved now. Null: its price was not known. */
  readonly cost: Cost | null;
  /** Hash of the price row that gave `cost`; null where cost is. */
  readonly priceVersion: string | null;
}

/** By what an answer was streamed to its client. gRPC's three forms fail in different ways on the way. */
export type StreamProtocol = 'sse' | 'ws' | 'grpc' | 'grpc-web' | 'connect';
/** The same, or an answer in one piece over plain HTTP. */
export type Protocol = 'http' | StreamProtocol;

/** One row a call, append-only. Text of prompts and answers is never in it. */
export interface LedgerEntry {
  readonly id: CallId;
  /** Wall clock at admission; part of the key. */
  readonly at: EpochMs;
  readonly environment: string;
  readonly tenant: TenantId;
  readonly team: TeamId | null;
  readonly feature: FeatureName | null;
  readonly key: KeyId;
  /** HMAC under the tenant's secret, 16 bytes in hex. */
  readonly endUser: string | null;
  readonly session: string | null;
  readonly agent: string | null;
  readonly parentAgent: string | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly traceId: string | null;
  readonly client: string | null;
  readonly clientVersion: string | null;
  /** `x-stainless-retry-count`: > 0 is the SDK's own retry of an earlier call. */
  readonly clientRetry: number;
  readonly retryOf: string | null;
  /** The call whose gate died in mid-stream, where this one made the rest of its answer: spend of its own; else null. */
  readonly redriveOf: CallId | null;
  readonly kind: CallKind;
  readonly purpose: string | null;
  /** Dialect in which the client spoke. */
  readonly dialect: DialectName;
  readonly stream: boolean;
  readonly modelAsked: string;
  readonly modelReturned: string | null;
  /** Deployment of the attempt that answered, or of the last one; null where none was sent. */
  readonly deployment: string | null;
  readonly provider: string | null;
  readonly fingerprint: string | null;
  /** Of the answer: attempts carry their own. Sum over attempts where several were billed. */
  readonly usage: Usage;
  readonly usageSource: UsageSource;
  /** Null: at least one billed attempt has no known price. */
  readonly cost: Cost | null;
  /** Hash of the price rows that gave `cost`; null where cost is. */
  readonly priceVersion: string | null;
  /** What a cache saved: the total of `cacheHit.cost`. Null: nothing was, or nobody knows how much. In no sum of `cost`. */
  readonly savedCostNanoUsd: NanoUsd | null;
  readonly reservedNanoUsd: NanoUsd;
  /** Milliseconds since admission. */
  readonly timing: {
    readonly queuedMs: number | null;
    readonly connectedMs: number | null;
    readonly headersMs: number | null;
    readonly firstTokenMs: number | null;
    readonly lastTokenMs: number | null;
    readonly totalMs: number | null;
  };
  readonly interToken: SketchText | null;
  readonly status: OutcomeStatus;
  /** What the client saw. */
  readonly httpStatus: number | null;
  readonly errorCode: string | null;
  readonly finish: string | null;
  readonly truncated: boolean;
  readonly cancelledBy: CancelledBy | null;
  readonly degraded: boolean;
  readonly shed: boolean;
  /** Hints that were left out for the target. */
  readonly dropped: readonly string[];
  readonly attempts: readonly Attempt[];
  readonly templateHash: string | null;
  readonly prefixHash: string | null;
  readonly configHash: string | null;
  readonly protocol: Protocol;
  readonly resumes: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** A correction names the entry that it replaces; null for an original. */
  readonly corrects: CallId | null;
  /** The deployment that held the conversation's prompt in its cache, where another one answered; else null. */
  readonly movedFrom: string | null;
  /** What cached tokens of that deployment would have saved, estimated from its last answer; null: not known. */
  readonly moveCostNanoUsd: NanoUsd | null;
  /** The name that the caller asked for, where a layer's alias made `modelAsked` of it; else null. */
  readonly alias: string | null;
  /** Versions of the layers that the call was made under, from the outside in: `tenant:acme@3`. */
  readonly layers: readonly string[];
  /** The earlier answer that it got from the gate's own cache; null: none. */
  readonly cacheHit: CacheHit | null;
  /**
   * What the call said of itself where it counts as {@link OTHER_VALUE}: by `label:<name>`, `purpose` or `client`. Null:
   * everything counts as it is.
   */
  readonly asOther: Readonly<Record<string, string>> | null;
}

/**
 * What a label's value, a purpose or a client counts as, in entries and rollups, once its tenant has named too many others
 * that day: each value is rows of every hour and day. No call can say it of itself.
 */
export const OTHER_VALUE = '(other)';

/** The entry with what the call said of itself, also where that counts as {@link OTHER_VALUE}; else the very same. */
export function asSaid(entry: LedgerEntry): LedgerEntry {
  const { asOther, labels, purpose, client } = entry;
  if (asOther === null) return entry;
  return {
    ...entry,
    purpose: asOther['purpose'] ?? purpose,
    client: asOther['client'] ?? client,
    labels: Object.fromEntries(
      Object.entries(labels).map(([name, value]) => [name, asOther[`label:${name}`] ?? value]),
    ),
  };
}

/** Of most calls: the same empty list. */
export const NO_LAYERS: readonly string[] = Object.freeze([]);
