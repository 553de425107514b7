import type { Admission, AttemptStart, PriceSnapshot } from '#ledger/entry/admission.ts';
import { pricePerMillion } from '#kernel/money.ts';
import { SUBSCRIPTION } from '#ports/entry.ts';
import { NO_LAYERS } from '#ports/entry.ts';
import { protocolOf, round, type AttemptRecord, type Call } from './call.ts';
import type { Gate } from './gate.ts';
import { bill } from './settle.ts';

/** What the spool writes before anything is sent. */
export function admissionOf(call: Call): Admission {
  const { facts, exchange } = call;
  const { caller, attribution, view, reservation, layers } = facts;
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
    reservedNanoUsd: reservation.reservedNanoUsd,
    templateHash: layers?.effective.templateHash ?? null,
    prefixHash: null,
    configHash: exchange.config.hash,
    protocol: protocolOf(exchange, view.stream),
    bytesIn: layers?.bytesIn ?? facts.body.bytes.length,
    alias: layers?.alias ?? null,
    layers: layers?.effective.layers ?? NO_LAYERS,
    asOther: attribution.asOther,
    estimatedInputTokens: reservation.estimatedInputTokens,
    reservedOutputTokens: reservation.reservedOutputTokens,
    maxOutputTokens: reservation.sendMaxOutputTokens ?? view.maxOutputTokens,
    worstCostNanoUsd: reservation.worstCostNanoUsd,
    price: null,
  };
}

const NOTHING = pricePerMillion(0n);
const PAID_BY_CALLER: PriceSnapshot = { input: NOTHING, output: NOTHING, version: SUBSCRIPTION };

/** What the spool writes before each attempt. `finished`: the attempts that ended since the last record. */
export function attemptStartOf(gate: Gate, call: Call, record: AttemptRecord): AttemptStart {
  const row = record.price;
  const price: PriceSnapshot | null =
    call.facts.login === null
      ? row && { input: row.quote.inputPerMillion, output: row.quote.outputPerMillion, version: row.version }
      : PAID_BY_CALLER;
  const before = call.attempts.at(-2);
  return {
    n: record.n,
    deployment: record.deploymentName,
    provider: record.deployment.provider.name,
    dialect: record.dialect.name,
    startedMs: round(record.startedMs),
    worstCostNanoUsd: call.facts.reservation.worstCostNanoUsd,
    reservedNanoUsd: call.facts.reservation.reservedNanoUsd,
    price,
    finished: before ? [before.toAttempt(bill(gate, call, before))] : [],
  };
}

/** The record that admits the call: without it nothing is sent, and with it one entry is owed. */
export async function recordAdmission(gate: Gate, call: Call, start: AttemptStart | null): Promise<void> {
  gate.spool.admit(admissionOf(call), start);
  await gate.spool.written();
  call.recorded = true;
}
