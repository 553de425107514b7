import { NO_LAYERS } from '#ports/entry.ts';
import { epochMs, type FeatureName, type KeyId, type TeamId, type TenantId } from '#kernel/brand.ts';
import { callId } from '#kernel/ids.ts';
import { nanoUsd, ZERO_USD } from '#kernel/money.ts';
import { intBetween, type Rng } from '#kernel/rng.ts';
import { NO_USAGE, type Usage } from '#wire/usage.ts';
import type { Attempt, Cost, LedgerEntry } from '#ports/entry.ts';

/** A month of a company: twenty tenants, six models, a few errors, agents with sessions. All from the seed. */
export interface Generated {
  readonly at: number;
  readonly rng: Rng;
}

const TENANTS = Array.from({ length: 20 }, (_, i) => `tenant-${i + 1}`);
const FEATURES = ['search', 'support', 'docs', 'agent'];
const MODELS = ['small', 'large', 'frontier', 'reasoning', 'embed-small', 'embed-large'];
const LABELS = ['prod', 'staging'];
/** One call in so many fails. */
const FAILS = 40;

const pick = <T>(rng: Rng, values: readonly T[]): T => values[intBetween(rng, 0, values.length - 1)]!;

export function generated({ at, rng }: Generated): LedgerEntry {
  // Few tenants make most calls, as in life.
  const tenant = TENANTS[Math.floor(rng.next() ** 2 * TENANTS.length)]!;
  const model = pick(rng, MODELS);
  const embeds = model.startsWith('embed');
  const failed = intBetween(rng, 1, FAILS) === 1;
  const usage = usageOf(rng, embeds, failed);
  const cost = costOf(usage);
  const totalMs = 80 + rng.next() ** 4 * 20_000;
  const firstTokenMs = embeds || failed ? null : totalMs * 0.3;
  const status = failed ? ('provider_error' as const) : ('ok' as const);
  const deployment = `provider-${(model.length % 3) + 1}/${model}`;
  const attempt: Attempt = {
    n: 1,
    deployment,
    provider: deployment.split('/')[0]!,
    dialect: embeds ? 'openai-embeddings' : 'openai-chat',
    startedMs: 0.3,
    timing: { connectedMs: 1, headersMs: totalMs * 0.25, firstTokenMs, lastTokenMs: totalMs, doneMs: totalMs },
    status,
    httpStatus: failed ? 529 : 200,
    errorCode: failed ? 'overloaded_error' : null,
    usage,
    usageSource: 'provider',
    cost,
    upstreamRequestId: 'req_1',
  };
  return {
    id: callId(epochMs(at), rng),
    at: epochMs(at),
    environment: 'default',
    tenant: tenant as TenantId,
    team: `${tenant}.web` as TeamId,
    feature: pick(rng, FEATURES) as FeatureName,
    key: `key_${tenant}_${intBetween(rng, 1, 3)}` as KeyId,
    endUser: null,
    session: rng.next() < 0.3 ? `task-${tenant}-${Math.floor(at / 600_000)}` : null,
    agent: null,
    parentAgent: null,
    labels: { env: pick(rng, LABELS) },
    traceId: null,
    client: 'openai-python',
    clientVersion: '2.1.0',
    clientRetry: 0,
    retryOf: null,
    redriveOf: null,
    kind: embeds ? 'embed' : 'generate',
    purpose: embeds ? 'query' : null,
    dialect: attempt.dialect,
    stream: !embeds,
    modelAsked: model,
    modelReturned: model,
    deployment,
    provider: attempt.provider,
    fingerprint: null,
    usage,
    usageSource: 'provider',
    cost,
    priceVersion: '2026-11-20',
    savedCostNanoUsd: null,
    reservedNanoUsd: nanoUsd(cost.total * 3n),
    timing: { queuedMs: 0.1, connectedMs: 1, headersMs: totalMs * 0.25, firstTokenMs, lastTokenMs: totalMs, totalMs },
    interToken: null,
    status,
    httpStatus: failed ? 529 : 200,
    errorCode: attempt.errorCode,
    finish: failed ? null : 'stop',
    truncated: false,
    cancelledBy: null,
    degraded: false,
    shed: false,
    dropped: [],
    attempts: [attempt],
    templateHash: null,
    prefixHash: null,
    configHash: null,
    protocol: embeds ? 'http' : 'sse',
    resumes: 0,
    bytesIn: 4_000,
    alias: null,
    layers: NO_LAYERS,
    bytesOut: 2_000,
    corrects: null,
    movedFrom: null,
    moveCostNanoUsd: null,
    cacheHit: null,
    asOther: null,
  };
}

function usageOf(rng: Rng, embeds: boolean, failed: boolean): Usage {
  if (failed) return { ...NO_USAGE, inputTokens: 0, outputTokens: 0 };
  const inputTokens = intBetween(rng, 50, 8_000);
  const cachedReadTokens = embeds ? 0 : Math.floor(inputTokens * rng.next() * 0.8);
  return { ...NO_USAGE, inputTokens, cachedReadTokens, outputTokens: embeds ? 0 : intBetween(rng, 20, 1_500) };
}

function costOf({ inputTokens, outputTokens }: Usage): Cost {
  const [input, output] = [nanoUsd(BigInt(inputTokens ?? 0) * 1_000n), nanoUsd(BigInt(outputTokens ?? 0) * 4_000n)];
  const none = ZERO_USD;
  return { input, cachedRead: none, cacheWrite: none, output, other: none, total: nanoUsd(input + output) };
}
