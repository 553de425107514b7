import type { Attempt, LedgerEntry } from '#ports/entry.ts';

/** Pairs of provider and model that are kept apart; names of models may come from callers. */
export const MOST_PAIRS = 200;
/** Stands for the models of all further pairs. */
export const OTHER_MODEL = 'other';

/** Upper bounds in seconds: those that OpenTelemetry's conventions advise, and two more for long answers. */
export const DURATION_BOUNDS: readonly number[] = [
  0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92, 163.84, 327.68,
];
export const FIRST_TOKEN_BOUNDS: readonly number[] = DURATION_BOUNDS.slice(0, 14);
/** Time for one token: 2 ms is 500 a second, 640 ms slower than anybody reads. */
export const PER_TOKEN_BOUNDS: readonly number[] = [
  0.002, 0.005, 0.01, 0.02, 0.03, 0.04, 0.06, 0.08, 0.12, 0.16, 0.32, 0.64,
];

export class BucketCounts {
  readonly bounds: readonly number[];
  /** Not cumulative; the last one is beyond all bounds. */
  readonly counts: number[];
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Array<number>(bounds.length + 1).fill(0);
  }
  add(value: number): void {
    const { bounds, counts } = this;
    let at = 0;
    while (at < bounds.length && value > bounds[at]!) at += 1;
    counts[at]! += 1;
    this.sum += value;
  }
}

/** Latency of one provider, model, kind and outcome. The histograms of tokens are made with the first of them. */
export interface LatencySeries {
  readonly labels: readonly [provider: string, model: string, kind: string, outcome: string];
  readonly duration: BucketCounts;
  firstToken: BucketCounts | null;
  perToken: BucketCounts | null;
}

/** Use of one provider and model. */
export interface UseSeries {
  readonly provider: string;
  readonly model: string;
  input: number;
  cachedRead: number;
  cacheWrite: number;
  output: number;
  reasoning: number;
  costNanoUsd: bigint;
  /** Calls whose price nobody knows: their money is not in the cost. */
  unpriced: number;
  /** Calls whose tokens are estimated. */
  estimated: number;
  readonly latency: Map<string, LatencySeries>;
}

/** What went wrong at a provider, in few words. */
export const ERROR_CLASSES = [
  'rate_limited',
  'overloaded',
  'server_error',
  'unauthorized',
  'refused',
  'timeout',
  'network',
  'truncated',
  'other',
] as const;
export type ErrorClass = (typeof ERROR_CLASSES)[number];

/** Class of an attempt that failed by other than its caller's or our own will; null of any other. */
export function errorClass({ status, httpStatus }: Pick<Attempt, 'status' | 'httpStatus'>): ErrorClass | null {
  if (status === 'timeout' || status === 'truncated') return status;
  if (status !== 'provider_error') return null;
  if (httpStatus === null) return 'network';
  if (httpStatus === 429) return 'rate_limited';
  if (httpStatus === 503 || httpStatus === 529) return 'overloaded';
  if (httpStatus === 401 || httpStatus === 403) return 'unauthorized';
  if (httpStatus >= 500) return 'server_error';
  return httpStatus >= 400 ? 'refused' : 'other';
}

/**
 * Sums of settled calls for `/metrics`. On the way of every call: a look-up by pair, one by kind and outcome, and
 * additions (bench/signals: below 1 µs).
 */
export class CallMeter {
  readonly #pairs = new Map<string, Map<string, UseSeries>>();
  #count = 0;
  readonly errors = new Map<string, Map<ErrorClass, number>>();

  settled(entry: LedgerEntry): void {
    const use = this.#use(entry.provider ?? 'none', entry.modelAsked);
    addUse(use, entry);
    addLatency(latencyOf(use, entry), entry);
    if (entry.status !== 'ok' || entry.attempts.length > 1) this.#errors(entry.attempts);
  }

  #use(provider: string, model: string): UseSeries {
    const models = this.#pairs.get(provider);
    return models?.get(model) ?? this.#newPair(provider, model);
  }

  #newPair(provider: string, model: string): UseSeries {
    if (this.#count >= MOST_PAIRS && model !== OTHER_MODEL) return this.#use(provider, OTHER_MODEL);
    if (model !== OTHER_MODEL) this.#count += 1;
    const use: UseSeries = {
      ...{ provider, model, input: 0, cachedRead: 0, cacheWrite: 0, output: 0, reasoning: 0 },
      ...{ costNanoUsd: 0n, unpriced: 0, estimated: 0 },
      latency: new Map(),
    };
    const models = this.#pairs.get(provider) ?? new Map<string, UseSeries>();
    this.#pairs.set(provider, models.set(model, use));
    return use;
  }

  #errors(attempts: readonly Attempt[]): void {
    for (const attempt of attempts) {
      const found = errorClass(attempt);
      if (found === null) continue;
      const ofProvider = this.errors.get(attempt.provider) ?? new Map<ErrorClass, number>();
      this.errors.set(attempt.provider, ofProvider.set(found, (ofProvider.get(found) ?? 0) + 1));
    }
  }

  *uses(): Generator<UseSeries> {
    for (const models of this.#pairs.values()) yield* models.values();
  }
  *latencies(): Generator<LatencySeries> {
    for (const use of this.uses()) yield* use.latency.values();
  }
}

function addUse(use: UseSeries, { usage, cost, usageSource }: LedgerEntry): void {
  use.input += usage.inputTokens ?? 0;
  use.cachedRead += usage.cachedReadTokens ?? 0;
  use.cacheWrite += usage.cacheWriteTokens ?? 0;
  use.output += usage.outputTokens ?? 0;
  use.reasoning += usage.reasoningTokens ?? 0;
  if (cost === null) use.unpriced += 1;
  else use.costNanoUsd += cost.total;
  if (usageSource === 'estimated') use.estimated += 1;
}

function latencyOf(use: UseSeries, { kind, status }: LedgerEntry): LatencySeries {
  const key = `${kind} ${status}`;
  const known = use.latency.get(key);
  if (known) return known;
  const made: LatencySeries = {
    labels: [use.provider, use.model, kind, status],
    duration: new BucketCounts(DURATION_BOUNDS),
    firstToken: null,
    perToken: null,
  };
  use.latency.set(key, made);
  return made;
}

function addLatency(series: LatencySeries, { timing, usage, stream }: LedgerEntry): void {
  const { totalMs, firstTokenMs, lastTokenMs } = timing;
  if (totalMs !== null) series.duration.add(totalMs / 1000);
  if (!stream || firstTokenMs === null) return;
  (series.firstToken ??= new BucketCounts(FIRST_TOKEN_BOUNDS)).add(firstTokenMs / 1000);
  const tokens = usage.outputTokens ?? 0;
  if (lastTokenMs === null || tokens < 2) return;
  // The first token is there at the start of the span; the others share it.
  const each = (lastTokenMs - firstTokenMs) / (tokens - 1) / 1000;
  (series.perToken ??= new BucketCounts(PER_TOKEN_BOUNDS)).add(each);
}
