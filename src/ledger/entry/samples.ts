import { NO_LAYERS } from '#ports/entry.ts';
import { epochMs } from '#kernel/brand.ts';
import type { CallId, KeyId, TenantId } from '#kernel/brand.ts';
import { callId } from '#kernel/ids.ts';
import { ZERO_USD, addUsd, costOf, nanoUsd, pricePerMillion } from '#kernel/money.ts';
import { intBetween } from '#kernel/rng.ts';
import type { Rng } from '#kernel/rng.ts';
import { NO_USAGE } from '#wire/usage.ts';
import type { Attempt, Cost, LedgerEntry } from '#ports/entry.ts';
import type { Admission, AttemptStart } from './admission.ts';

/** Calls of usual size for tests and benches of the spool: everything follows from the seed. */
const START_MS = 1_780_000_000_000;
const PRICE = {
  input: pricePerMillion(150_000_000n),
  output: pricePerMillion(600_000_000n),
  version: 'b1946ac92492d234',
};

export const sampleId = (rng: Rng, n: number): CallId => callId(epochMs(START_MS + n), rng);

export function sampleAdmission(rng: Rng, n: number, stream = false): Admission {
  return {
    id: sampleId(rng, n),
    at: epochMs(START_MS + n),
    environment: 'production',
    tenant: `ten_${intBetween(rng, 1, 9)}` as TenantId,
    team: null,
    feature: null,
    key: `key_${intBetween(rng, 1, 99)}` as KeyId,
    endUser: '8f14e45fceea167a5a36dedd4bea2543',
    session: `session ${n}`,
    agent: null,
    parentAgent: null,
    labels: { cost_centre: 'r&d "ü"' },
    traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
    client: 'OpenAI/JS',
    clientVersion: '6.1.0',
    clientRetry: 0,
    retryOf: null,
    redriveOf: null,
    asOther: null,
    kind: 'generate',
    purpose: null,
    dialect: 'openai-chat',
    stream,
    modelAsked: 'gpt-4o-mini',
    reservedNanoUsd: nanoUsd(BigInt(intBetween(rng, 100_000, 900_000))),
    templateHash: null,
    prefixHash: '9ae0ea9e3c9c6e1b',
    configHash: '2c26b46b68ffc68f',
    protocol: stream ? 'sse' : 'http',
    bytesIn: 512,
    alias: null,
    layers: NO_LAYERS,
    estimatedInputTokens: intBetween(rng, 1, 400),
    reservedOutputTokens: 1000,
    maxOutputTokens: 4096,
    worstCostNanoUsd: nanoUsd(3_000_000n),
    price: PRICE,
  };
}

export const sampleStart = (n = 1): AttemptStart => ({
  n,
  deployment: 'openai/gpt-4o-mini',
  provider: 'openai',
  dialect: 'openai-chat',
  startedMs: n * 0.25,
  worstCostNanoUsd: nanoUsd(3_000_000n),
  reservedNanoUsd: null,
  price: null,
  finished: [],
});

function sampleCost(inputTokens: number, outputTokens: number): Cost {
  const [input, output] = [costOf(inputTokens, PRICE.input), costOf(outputTokens, PRICE.output)];
  return { input, cachedRead: ZERO_USD, cacheWrite: ZERO_USD, output, other: ZERO_USD, total: addUsd(input, output) };
}

export function sampleAttempt(start: AttemptStart, outputTokens: number, cost: Cost): Attempt {
  const { n, deployment, provider, dialect, startedMs } = start;
  return {
    ...{ n, deployment, provider, dialect, startedMs },
    timing: { connectedMs: 1.25, headersMs: 20.5, firstTokenMs: 21.125, lastTokenMs: 50, doneMs: 51 },
    status: 'ok',
    httpStatus: 200,
    errorCode: null,
    usage: { ...NO_USAGE, inputTokens: 100, cachedReadTokens: 0, outputTokens, serviceTier: 'default' },
    usageSource: 'provider',
    cost,
    upstreamRequestId: 'req_0123456789',
    ...(n % 2 === 0 && { preambleBytes: 52, heldMs: 12.5 }),
  };
}

/** The settled entry of a sampled admission. */
export function sampleEntry(admission: Admission, rng: Rng): LedgerEntry {
  const { estimatedInputTokens, reservedOutputTokens, maxOutputTokens, worstCostNanoUsd, price, ...fields } = admission;
  const outputTokens = intBetween(rng, 1, 900);
  const cost = sampleCost(100, outputTokens);
  const attempt = sampleAttempt(sampleStart(), outputTokens, cost);
  return {
    ...fields,
    modelReturned: 'gpt-4o-mini-2024-07-18',
    deployment: attempt.deployment,
    provider: attempt.provider,
    fingerprint: 'fp_0123456789',
    usage: attempt.usage ?? NO_USAGE,
    usageSource: 'provider',
    cost,
    priceVersion: PRICE.version,
    savedCostNanoUsd: null,
    timing: {
      queuedMs: 0.125,
      connectedMs: 1.5,
      headersMs: 20.75,
      firstTokenMs: 21.5,
      lastTokenMs: 50.25,
      totalMs: 51.5,
    },
    interToken: null,
    status: 'ok',
    httpStatus: 200,
    errorCode: null,
    finish: 'stop',
    truncated: false,
    cancelledBy: null,
    degraded: false,
    shed: false,
    dropped: [],
    attempts: [attempt],
    resumes: 0,
    bytesOut: 800,
    corrects: null,
    movedFrom: null,
    moveCostNanoUsd: null,
    cacheHit: null,
  };
}
