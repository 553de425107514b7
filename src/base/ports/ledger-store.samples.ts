import { epochMs, type CallId, type FeatureName, type KeyId, type TeamId, type TenantId } from '#kernel/brand.ts';
import { callId } from '#kernel/ids.ts';
import { nanoUsd, ZERO_USD, type NanoUsd } from '#kernel/money.ts';
import { intBetween, type Rng } from '#kernel/rng.ts';
import { NO_USAGE, type Usage } from '#wire/usage.ts';
import type { Attempt, AttemptTiming, CacheHit, Cost, LedgerEntry } from './entry.ts';

/** Entries of every shape for contract suites and benches: all follows from the generator of numbers. */
const pickOne = <T>(rng: Rng, values: readonly T[]): T => values[intBetween(rng, 0, values.length - 1)]!;
const maybe = <T>(rng: Rng, value: () => T): T | null => (rng.next() < 0.3 ? null : value());
const money = (rng: Rng, most = 5_000_000): NanoUsd => nanoUsd(BigInt(intBetween(rng, 0, most)));
const ms = (rng: Rng): number => (rng.next() < 0.1 ? 0 : rng.next() * 5_000);

function sampleCost(rng: Rng): Cost {
  const [input, cachedRead, cacheWrite, output, other] = [money(rng), money(rng), ZERO_USD, money(rng), money(rng)];
  const total = nanoUsd(input + cachedRead + cacheWrite + output + other);
  return { input, cachedRead, cacheWrite, output, other, total };
}

const sampleUsage = (rng: Rng): Usage => ({
  ...NO_USAGE,
  inputTokens: maybe(rng, () => intBetween(rng, 0, 9_000)),
  cachedReadTokens: maybe(rng, () => intBetween(rng, 0, 500)),
  cacheWriteTokens: maybe(rng, () => intBetween(rng, 0, 500)),
  cacheWrite1hTokens: maybe(rng, () => intBetween(rng, 0, 500)),
  outputTokens: maybe(rng, () => intBetween(rng, 0, 4_000)),
  reasoningTokens: maybe(rng, () => intBetween(rng, 0, 4_000)),
  toolUses: rng.next() < 0.2 ? { web_search_requests: 2 } : {},
  units: rng.next() < 0.2 ? { 'hd-1024x1024.image': 3 } : {},
  serviceTier: maybe(rng, () => 'flex'),
  statedCostUsd: maybe(rng, () => '0.000123'),
});

const sampleTiming = (rng: Rng): AttemptTiming => ({
  connectedMs: maybe(rng, () => ms(rng)),
  headersMs: maybe(rng, () => ms(rng)),
  firstTokenMs: maybe(rng, () => ms(rng)),
  lastTokenMs: maybe(rng, () => ms(rng)),
  doneMs: maybe(rng, () => ms(rng)),
});

const sampleAttempt = (rng: Rng, n: number): Attempt => ({
  n,
  deployment: 'openai/gpt-4o',
  provider: 'openai',
  dialect: 'openai-chat',
  startedMs: ms(rng),
  timing: sampleTiming(rng),
  status: pickOne(rng, ['ok', 'timeout', 'provider_error']),
  httpStatus: maybe(rng, () => 200),
  errorCode: maybe(rng, () => 'overloaded_error'),
  usage: maybe(rng, () => sampleUsage(rng)),
  usageSource: pickOne(rng, ['provider', 'estimated', 'none', 'counted']),
  cost: maybe(rng, () => sampleCost(rng)),
  upstreamRequestId: maybe(rng, () => 'req_7'),
  ...(n === 2 && { preambleBytes: 52, heldMs: 12.5 }),
});

function sampleLabels(rng: Rng): Record<string, string> {
  const labels: Record<string, string> = {};
  if (rng.next() < 0.5) labels['team "x"'] = pickOne(rng, ['red', 'blue', 'ü\u0000"']);
  if (rng.next() < 0.3) labels['env'] = pickOne(rng, ['a', 'b']);
  return labels;
}

const sampleWho = (rng: Rng) => ({
  environment: pickOne(rng, ['production', 'staging']),
  tenant: pickOne(rng, ['ten_a', 'ten_b', 'ten_"']) as TenantId,
  team: maybe(rng, () => pickOne(rng, ['red', 'blue']) as TeamId),
  feature: maybe(rng, () => pickOne(rng, ['search', 'chat']) as FeatureName),
  key: pickOne(rng, ['key_1', 'key_2', 'key_3']) as KeyId,
  endUser: maybe(rng, () => pickOne(rng, ['u1', 'u2'])),
  session: maybe(rng, () => pickOne(rng, ['s1', 's\ud800', 's\u0000'])),
  agent: maybe(rng, () => 'planner'),
  parentAgent: maybe(rng, () => 'root'),
  labels: sampleLabels(rng),
});

const sampleClient = (rng: Rng) => ({
  traceId: maybe(rng, () => '4bf92f3577b34da6a3ce929d0e0e4736'),
  client: maybe(rng, () => 'OpenAI/JS'),
  clientVersion: maybe(rng, () => '6.1.0'),
  clientRetry: intBetween(rng, 0, 2),
  retryOf: null,
  redriveOf: rng.next() < 0.2 ? ('call_01JD9Z3K4M5N6P7Q8R9S0T18QF' as CallId) : null,
  kind: pickOne(rng, ['generate', 'embed'] as const),
  purpose: maybe(rng, () => pickOne(rng, ['query', 're-chunk'])),
  dialect: pickOne(rng, ['openai-chat', 'anthropic-messages'] as const),
  stream: rng.next() < 0.5,
  protocol: pickOne(rng, ['http', 'sse'] as const),
});

const sampleModel = (rng: Rng) => ({
  modelAsked: pickOne(rng, ['small', 'large']),
  modelReturned: maybe(rng, () => 'gpt-4o-2026'),
  deployment: maybe(rng, () => pickOne(rng, ['openai/gpt-4o', 'azure/gpt-4o'])),
  provider: maybe(rng, () => pickOne(rng, ['openai', 'azure'])),
  fingerprint: maybe(rng, () => 'fp_1'),
});

const sampleMoney = (rng: Rng) => ({
  usage: sampleUsage(rng),
  usageSource: pickOne(rng, ['provider', 'estimated', 'none', 'counted'] as const),
  cost: maybe(rng, () => sampleCost(rng)),
  priceVersion: maybe(rng, () => 'b1946ac9'),
  savedCostNanoUsd: maybe(rng, () => money(rng)),
  reservedNanoUsd: money(rng),
});

const sampleEnd = (rng: Rng) => ({
  timing: {
    queuedMs: maybe(rng, () => ms(rng)),
    connectedMs: maybe(rng, () => ms(rng)),
    headersMs: maybe(rng, () => ms(rng)),
    firstTokenMs: maybe(rng, () => ms(rng)),
    lastTokenMs: maybe(rng, () => ms(rng)),
    totalMs: maybe(rng, () => ms(rng)),
  },
  interToken: maybe(rng, () => 'AQAB'),
  status: pickOne(rng, ['ok', 'ok', 'cancelled', 'timeout', 'interrupted'] as const),
  httpStatus: maybe(rng, () => pickOne(rng, [200, 529])),
  errorCode: maybe(rng, () => 'provider_error'),
  finish: maybe(rng, () => 'stop'),
  truncated: rng.next() < 0.1,
  cancelledBy: maybe(rng, () => 'client' as const),
  degraded: rng.next() < 0.1,
  shed: rng.next() < 0.1,
  dropped: rng.next() < 0.2 ? ['logit_bias'] : [],
  attempts: Array.from({ length: intBetween(rng, 0, 3) }, (_, i) => sampleAttempt(rng, i + 1)),
});

function sampleHit(rng: Rng, at: number): CacheHit {
  const cost = maybe(rng, () => sampleCost(rng));
  const usage = sampleUsage(rng);
  const ageMs = intBetween(rng, 0, 9_999);
  const call = callId(epochMs(at - ageMs), rng);
  return { call, ageMs, usage, cost, priceVersion: cost && 'b1946ac9', collapsed: ageMs % 2 === 1 };
}

/** An entry admitted at a time; the fields given win. */
export function sampleEntry(rng: Rng, at: number, fields: Partial<LedgerEntry> = {}): LedgerEntry {
  return {
    id: callId(epochMs(at), rng) as CallId,
    at: epochMs(at),
    ...sampleWho(rng),
    ...sampleClient(rng),
    ...sampleModel(rng),
    ...sampleMoney(rng),
    ...sampleEnd(rng),
    templateHash: maybe(rng, () => 'aa'),
    alias: maybe(rng, () => 'fast'),
    layers: maybe(rng, () => ['operator@1', 'tenant:acme@3']) ?? [],
    prefixHash: maybe(rng, () => 'bb'),
    configHash: maybe(rng, () => 'cc'),
    resumes: intBetween(rng, 0, 2),
    bytesIn: intBetween(rng, 0, 9_999),
    bytesOut: intBetween(rng, 0, 9_999),
    corrects: null,
    movedFrom: null,
    moveCostNanoUsd: null,
    asOther: maybe(rng, () => ({ purpose: 'nightly', 'label:run': 'run 7' })),
    cacheHit: maybe(rng, () => sampleHit(rng, at)),
    ...fields,
  };
}
