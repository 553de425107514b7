import { addUsd, costOf, sumUsd, type NanoUsd } from '#kernel/money.ts';
import { NO_LAYERS } from '#ports/entry.ts';
import { addCost, SUBSCRIPTION, type Cost, type LedgerEntry, type UsageSource } from '#ports/entry.ts';
import { addUsage, hasUnits, NO_UNITS, NO_USAGE, type Usage } from '#wire/usage.ts';
import type { PriceRow } from '#ledger/prices/price-book.ts';
import { protocolOf, round, type AttemptRecord, type Call, type Outcome } from './call.ts';
import { basisOf, ruleScore } from '#capabilities/tenants/index.ts';
import { learnStay, moveOf } from './affinity.ts';
import { isFree } from './deployment-price.ts';
import { FREE_COST } from './free-cost.ts';
import type { Gate } from './gate.ts';
import { endOnce } from './idempotency/once.ts';
import { qualityOf } from './quality/reading.ts';
import { exportCall } from './trace.ts';

export interface BilledAttempt {
  readonly usage: Usage | null;
  readonly source: UsageSource;
  readonly cost: Cost | null;
  readonly row: PriceRow | null;
}

/**
 * Ends an admitted call: its entry goes to the spool, its reservation back to the budgets. Called before the
 * answer's last byte goes out, and exactly once.
 */
export function settle(gate: Gate, call: Call, outcome: Outcome): LedgerEntry {
  const billed = call.attempts.map((record) => bill(gate, call, record));
  const entry = entryOf(gate, call, outcome, billed);
  call.settled = true;
  const text = gate.spool.settle(entry);
  gate.recounts.settled(entry, call.attempts);
  gate.tenants.settle(call.facts.reservation, entry);
  if (call.draft !== null) gate.captures.settled(call.draft);
  if (call.facts.once !== null) endOnce(gate, call.facts.once, entry);
  gate.meter.settled(entry, gate.clock.now());
  noteRules(gate, call, entry);
  if (call.reading !== null) gate.grading.settled(call, entry);
  call.exchange.own?.settled(entry);
  if (gate.telemetry.on) exportCall(gate, call, text);
  const last = call.attempts.at(-1);
  if (last?.usage && last.status === 'ok') learn(gate, call, last);
  if (last) learnStay(gate, call, last);
  if (call.facts.view.background && last) gate.stored.background.settled(entry, last);
  return entry;
}

/** Scores by the rules of the call's feature; most features have none. */
function noteRules(gate: Gate, { exchange }: Call, entry: LedgerEntry): void {
  const { rules = [], basis = [] } = qualityOf(exchange, entry.feature) ?? {};
  if (rules.length === 0) return;
  const { id: call, tenant, feature } = entry;
  const rest = { at: gate.clock.now(), source: 'rule', basis: basisOf(entry, basis), comment: null } as const;
  for (const rule of rules) {
    const value = ruleScore(rule, entry);
    if (value !== null) gate.quality.note({ tenant, call, name: rule, value, feature, ...rest });
  }
}

/** What the attempts that ended may have cost; undefined where one of them has no price. */
export function costOfAttempts(gate: Gate, call: Call): NanoUsd | undefined {
  const costs = call.attempts.map((record) => bill(gate, call, record).cost);
  return costs.some((cost) => cost === null) ? undefined : sumUsd(costs.map((cost) => cost!.total));
}

/** What one attempt costs: the provider's usage, else an estimate where it was sent and may be billed, else nothing. */
export function bill(gate: Gate, call: Call, record: AttemptRecord): BilledAttempt {
  const row = record.price;
  if (call.facts.login !== null) return paidByCaller(gate, call, record);
  if (call.facts.dialect.kind === 'count') return { usage: record.usage, source: 'none', cost: FREE_COST, row };
  if (isFree(record.deployment, record.dialect.name)) return freeOf(record);
  if (record.usage && record.usageFinal && counts(record.usage))
    return {
      usage: record.usage,
      source: record.counted ? 'counted' : 'provider',
      cost: row && gate.prices.cost(row, record.usage),
      row,
    };
  if (!mayBeBilled(record)) return { usage: null, source: 'none', cost: FREE_COST, row };
  const usage = estimatedUsage(gate, call, record);
  // Neither answer nor request say what it will cost: unknown is no number.
  if (!counts(usage)) return { usage: record.usage, source: 'none', cost: null, row };
  // A whole answer that says nothing of what was asked for by the unit: the request says it exactly.
  const source = call.facts.view.asked?.units && record.status === 'ok' ? 'counted' : 'estimated';
  return { usage, source, cost: row && gate.prices.cost(row, usage), row };
}

/** The caller's subscription pays: tokens are metered like any others. */
function paidByCaller(gate: Gate, call: Call, record: AttemptRecord): BilledAttempt {
  const row = null;
  if (record.usage && record.usageFinal) return { usage: record.usage, source: 'provider', cost: FREE_COST, row };
  if (!mayBeBilled(record)) return { usage: null, source: 'none', cost: FREE_COST, row };
  return { usage: estimatedUsage(gate, call, record), source: 'estimated', cost: FREE_COST, row };
}
/** A stated price of zero: nothing has to be estimated. */
const freeOf = ({ usage }: AttemptRecord): BilledAttempt => ({
  usage,
  source: 'none',
  cost: FREE_COST,
  row: null,
});

/** A usage object without a count of tokens says nothing: such an answer is estimated, never free. */
const counts = (usage: Usage): boolean => usage.inputTokens !== null || usage.outputTokens !== null || hasUnits(usage);

/** A refused connection and an error status bill nothing; whatever was sent and ended otherwise may have. */
const mayBeBilled = (record: AttemptRecord): boolean =>
  record.sent && (record.httpStatus === null || (record.httpStatus >= 200 && record.httpStatus < 300));

/** What a stream said of its tokens before it broke off is kept; its output is at least what came of it. */
function estimatedUsage(gate: Gate, call: Call, record: AttemptRecord): Usage {
  const said = record.usage ?? NO_USAGE;
  const { asked, background } = call.facts.view;
  const { kind } = call.facts.dialect;
  const units = hasUnits(said) ? said.units : (asked?.units ?? NO_UNITS);
  if (asked && kind !== 'rerank') return { ...said, units };
  const generated = kind === 'generate' ? gate.estimator.outputTokens(record.model, record.textBytes) : 0;
  // A background response is written after its answer: until it is fetched, its cost is what was reserved.
  const least = background ? (call.facts.reservation.reservedOutputTokens ?? generated) : generated;
  return {
    ...said,
    inputTokens:
      said.inputTokens ??
      call.facts.reservation.estimatedInputTokens ??
      gate.estimator.inputTokens(record.model, call.facts.body.bytes.length + record.preambleBytes),
    outputTokens: Math.max(said.outputTokens ?? 0, least),
    units: kind === 'rerank' ? asked!.most : units,
  };
}

function learn(gate: Gate, call: Call, record: AttemptRecord): void {
  gate.estimator.learn(record.model, {
    bytesIn: call.facts.view.asked?.textBytes ?? call.facts.body.bytes.length + record.preambleBytes,
    inputTokens: call.facts.view.asked?.mediaTokens ? null : record.usage!.inputTokens,
    textBytes: call.facts.view.stream ? record.textBytes : 0,
    outputTokens: call.facts.view.stream ? record.usage!.outputTokens : null,
  });
}

/** Money of the attempt that streams, by what has come so far; null where the price is not known. */
export function costSoFar(gate: Gate, call: Call, record: AttemptRecord): NanoUsd | null {
  const row = record.price;
  if (!row) return null;
  const usage = record.usage ?? estimatedUsage(gate, call, record);
  return gate.prices.cost(row, usage)?.total ?? null;
}

/** A mark a second: the spool learns how far the stream is, the budget what it costs. `end`: the money is gone. */
export function markProgress(gate: Gate, call: Call, record: AttemptRecord): 'go_on' | 'end' {
  const { facts } = call;
  // What is billed by unit does not grow with text: a call that dies is charged what it reserved.
  if (facts.view.asked) return 'go_on';
  const outputTokens = gate.estimator.outputTokens(record.model, record.textBytes);
  gate.spool.progress(call.id, {
    outputTokens,
    textBytes: record.textBytes,
    atMs: round(gate.clock.mono() - facts.startedMono),
  });
  const row = record.price;
  if (!row) return 'go_on';
  const input = facts.reservation.estimatedInputTokens ?? 0;
  const soFar = addUsd(costOf(input, row.quote.inputPerMillion), costOf(outputTokens, row.quote.outputPerMillion));
  return gate.tenants.progress(facts.reservation, soFar);
}

/** Written out field by field: spreading the admitted fields cost 2 µs a call (measured). */
function entryOf(gate: Gate, call: Call, outcome: Outcome, billed: readonly BilledAttempt[]): LedgerEntry {
  const { facts, exchange } = call;
  const { caller, attribution, view, layers } = facts;
  const last = call.attempts.at(-1);
  const cost = totalCost(billed);
  const move = moveOf(gate, call, last);
  return {
    id: facts.id,
    at: facts.at,
    environment: exchange.config.file.environment,
    tenant: caller.tenant.id,
    team: caller.key.team,
    feature: attribution.feature,
    key: caller.key.id,
    endUser: attribution.endUser,
    session: attribution.session,
    agent: attribution.agent,
    parentAgent: attribution.parentAgent,
    labels: attribution.labels,
    traceId: attribution.traceId,
    client: attribution.client,
    clientVersion: attribution.clientVersion,
    clientRetry: attribution.clientRetry,
    retryOf: attribution.retryOf,
    redriveOf: exchange.redrive?.original ?? null,
    kind: exchange.own?.kind ?? facts.dialect.kind,
    purpose: attribution.purpose,
    dialect: facts.dialect.name,
    stream: view.stream,
    modelAsked: view.model,
    modelReturned: last?.modelReturned ?? call.hit?.facts.modelReturned ?? null,
    deployment: last?.deploymentName ?? null,
    provider: last?.deployment.provider.name ?? null,
    fingerprint: last?.fingerprint ?? call.hit?.facts.fingerprint ?? null,
    usage: call.countedHere ?? sumUsage(billed),
    usageSource: call.countedHere === null ? sourceOf(billed) : 'estimated',
    cost,
    priceVersion: facts.login === null ? cost && priceVersions(billed) : SUBSCRIPTION,
    savedCostNanoUsd: call.hit?.hit.cost?.total ?? null,
    reservedNanoUsd: facts.reservation.reservedNanoUsd,
    timing: timingOf(call, round(gate.clock.mono() - facts.startedMono)),
    interToken: call.gaps?.toText() ?? null,
    status: outcome.status,
    httpStatus: outcome.httpStatus,
    errorCode: outcome.errorCode,
    finish: last?.finish ?? call.hit?.facts.finish ?? null,
    truncated: outcome.status === 'truncated',
    cancelledBy: outcome.cancelledBy,
    degraded: false,
    shed: false,
    dropped: call.dropped,
    attempts: call.attempts.map((record, i) => record.toAttempt(billed[i]!)),
    templateHash: layers?.effective.templateHash ?? null,
    prefixHash: null,
    configHash: exchange.config.hash,
    protocol: protocolOf(exchange, view.stream),
    resumes: call.stream?.resumes ?? 0,
    bytesIn: layers?.bytesIn ?? facts.body.bytes.length,
    alias: layers?.alias ?? null,
    layers: layers?.effective.layers ?? NO_LAYERS,
    bytesOut: call.bytesOut,
    corrects: null,
    movedFrom: move.movedFrom,
    moveCostNanoUsd: move.moveCostNanoUsd,
    cacheHit: call.hit?.hit ?? null,
    asOther: attribution.asOther,
  };
}

/** Phases of the last attempt, counted from admission; tokens as they went out, which may be held. */
function timingOf({ attempts, queuedMs }: Call, totalMs: number): LedgerEntry['timing'] {
  const last = attempts.at(-1);
  const sinceAdmission = (ms: number | null | undefined): number | null =>
    last === undefined || ms === null || ms === undefined ? null : round(last.startedMs + ms);
  return {
    queuedMs: queuedMs > 0 ? round(queuedMs) : null,
    connectedMs: sinceAdmission(last?.timing.connectedMs),
    headersMs: sinceAdmission(last?.timing.headersMs),
    firstTokenMs: sinceAdmission(outOf(last, last?.timing.firstTokenMs)),
    lastTokenMs: sinceAdmission(outOf(last, last?.timing.lastTokenMs)),
    totalMs,
  };
}

/** When a token that came went out. */
const outOf = (record: AttemptRecord | undefined, ms: number | null | undefined): number | null =>
  ms == null ? null : ms + (record?.heldMs ?? 0);

/** Null where one billed attempt has no price: a sum with a hole is not a sum. */
function totalCost(billed: readonly BilledAttempt[]): Cost | null {
  let total: Cost | null = null;
  for (const { cost } of billed) {
    if (cost === null) return null;
    total = total === null ? cost : addCost(total, cost);
  }
  return total ?? FREE_COST;
}

function priceVersions(billed: readonly BilledAttempt[]): string | null {
  let versions: string | null = null;
  for (const { source, row } of billed) {
    if (source === 'none' || !row || versions?.includes(row.version)) continue;
    versions = versions === null ? row.version : `${versions}+${row.version}`;
  }
  return versions;
}

function sourceOf(billed: readonly BilledAttempt[]): UsageSource {
  if (billed.some(({ source }) => source === 'estimated')) return 'estimated';
  if (billed.some(({ source }) => source === 'counted')) return 'counted';
  return billed.some(({ source }) => source === 'provider') ? 'provider' : 'none';
}

/** Token buckets over all billed attempts; nearly always there is one. */
function sumUsage(billed: readonly BilledAttempt[]): Usage {
  const usages = billed.map(({ usage }) => usage).filter((usage) => usage !== null);
  if (usages.length <= 1) return usages[0] ?? NO_USAGE;
  return usages.reduce(addUsage);
}
