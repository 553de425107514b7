import { HeadgateError } from '#kernel/errors.ts';
import { callId } from '#kernel/ids.ts';
import type { Deployment, ModelGroup } from '#capabilities/failover/index.ts';
import { attemptOrder, nextStep } from '#capabilities/failover/index.ts';
import type { Attribution, Caller } from '#capabilities/tenants/index.ts';
import type { AttemptStart } from '#ledger/index.ts';
import { admissionOf, attemptStartOf } from './admission.ts';
import { runAttempt, type AttemptEnd } from './attempt.ts';
import { readBody } from './body.ts';
import { AttemptRecord, Call, type CallFacts, type Exchange, type Outcome } from './call.ts';
import { decode, faultError, type Decoded } from './decode.ts';
import { DIALECTS } from './dialects.ts';
import type { Gate } from './gate.ts';
import { checkPolicy } from './policy.ts';
import { prepare, type Prepared } from './prepare.ts';
import { answerFailure } from './answer-failure.ts';
import { reserve } from './reserve.ts';
import { costOfAttempts, settle } from './settle.ts';

/**
 * The way of a call, in order. The order is a security property: nobody unknown makes us buffer or parse, and
 * nothing of another tenant is touched before the tenant is known. Throws a HeadgateError for what is refused
 * before admission; from `admit` on the call owes exactly one entry.
 */
export async function serveCall(gate: Gate, exchange: Exchange): Promise<void> {
  const caller = identify(gate, exchange);
  bounded(gate, exchange);
  const bytes = await readBody(exchange.request, bodyLimits(exchange));
  const decoded = await decode(bytes, DIALECTS[exchange.route.dialect], gate.decodePool, exchange.route.model);
  const attribution = attribute(gate, exchange, caller, decoded);
  const group = findModel(gate, exchange, caller, decoded.view.model);
  const kept = await checkPolicy(gate, { caller, decoded, group });
  const order = kept ?? [
    ...attemptOrder(group, gate.rng),
    ...chainOf(gate, exchange, caller, attribution.feature, group),
  ];
  const call = await admit(gate, exchange, { caller, attribution, decoded, group, order });
  await carry(gate, call);
}

/** Who: from the head alone, before a byte of the body is read. */
function identify(gate: Gate, exchange: Exchange): Caller {
  const caller = gate.tenants.authenticate(exchange.request.headers);
  if (!caller.ok) throw caller.error;
  return caller.value;
}

function bounded(gate: Gate, exchange: Exchange): void {
  if (gate.meter.inFlight > exchange.config.file.limits.inFlight) {
    throw new HeadgateError('overloaded', { retryAfterMs: 1_000 });
  }
}

const bodyLimits = ({ config }: Exchange) => ({
  bodyBytes: config.file.limits.bodyBytes,
  bodyTimeoutMs: config.file.limits.bodyTimeout,
});

function attribute(gate: Gate, exchange: Exchange, caller: Caller, { view }: Decoded): Attribution {
  const attribution = gate.tenants.attribute(caller, exchange.request.headers, view);
  if (!attribution.ok) throw attribution.error;
  return attribution.value;
}

/** An unknown model and one that the key may not call read the same. */
function findModel(gate: Gate, exchange: Exchange, caller: Caller, model: string): ModelGroup {
  const { models } = exchange.config;
  const allowed = (name: string): boolean => gate.tenants.mayCall(caller, name);
  const group = allowed(model) ? models.find(model) : null;
  if (group) return group;
  const near = models.near(model, allowed);
  const hint = near.length > 0 ? ` Did you mean ${near.map((name) => `\`${name}\``).join(', ')}?` : '';
  throw new HeadgateError('model_not_found', {
    field: 'model',
    message: `The model \`${model.slice(0, 128)}\` does not exist or this key may not call it.${hint}`,
  });
}

/** What the feature may fall back to, in the order of its chain; only models that this key may call. */
function chainOf(
  gate: Gate,
  { config }: Exchange,
  caller: Caller,
  feature: string | null,
  group: ModelGroup,
): Deployment[] {
  const chain = feature === null ? undefined : config.file.features[feature]?.chain;
  if (!chain) return [];
  return chain
    .filter((model) => model !== group.name && gate.tenants.mayCall(caller, model))
    .flatMap((model) => {
      const next = config.models.find(model);
      return next && next !== group
        ? attemptOrder(next, gate.rng).map((one) => ({ ...one, model: one.model ?? model }))
        : [];
    });
}

interface Admitting {
  readonly caller: Caller;
  readonly attribution: Attribution;
  readonly decoded: Decoded;
  readonly group: ModelGroup;
  readonly order: readonly Deployment[];
}

/** Money first, then the record: what is refused here was never admitted. */
async function admit(gate: Gate, exchange: Exchange, facts: Admitting): Promise<Call> {
  const at = gate.clock.now();
  const startedMono = gate.clock.mono();
  const reservation = await reserve(gate, exchange, facts, at);
  const call = new Call(exchange, {
    id: callId(at, gate.rng),
    at,
    startedMono,
    caller: facts.caller,
    attribution: facts.attribution,
    dialect: DIALECTS[exchange.route.dialect],
    body: facts.decoded.body,
    view: facts.decoded.view,
    group: facts.group,
    order: facts.order,
    reservation,
  } satisfies CallFacts);
  exchange.response.setHeader('x-headgate-call-id', call.id);
  return call;
}

/** Attempt after attempt until one delivers or nothing is left; then the call is settled, whatever happened. */
async function carry(gate: Gate, call: Call): Promise<void> {
  gate.meter.started();
  try {
    const end = await attempts(gate, call);
    if (call.settled) return;
    if (end === null || end.delivered) settle(gate, call, goneOutcome(gate, call));
    else answerFailure(gate, call, end);
  } catch (thrown) {
    if (!call.recorded) gate.tenants.release(call.facts.reservation);
    else if (!call.settled) settle(gate, call, failedOutcome(thrown));
    throw thrown;
  } finally {
    gate.meter.ended();
  }
}

/** Null: the client left before anything was sent. */
async function attempts(gate: Gate, call: Call): Promise<AttemptEnd | null> {
  const { order } = call.facts;
  const policy = {
    attempts: call.exchange.config.file.retry.attempts,
    backoffMs: call.exchange.config.file.retry.backoff,
  };
  let index = 0;
  let refused: HeadgateError | null = null;
  for (;;) {
    if (call.exchange.response.destroyed) return null;
    const deployment = order[index]!;
    const prepared = await prepare(call.exchange, call.facts, deployment, gate.decodePool);
    if (!prepared.ok) {
      // A fallback that cannot express the meaning is skipped (clients.md 2); the first refusal is told if all are.
      refused ??= faultError(prepared.error);
      if (++index < order.length) continue;
      if (!call.recorded) recordAdmission(gate, call, null);
      throw refused;
    }
    const end = await attempt(gate, call, deployment, prepared.value);
    if (end.delivered) return end;
    const made = call.attempts.length;
    const step = nextStep({ policy, deployments: order.length, made, index }, end.failure, gate.rng);
    if (step.do === 'give_up') return end;
    if (step.waitMs > 0) await new Promise((resolve) => setTimeout(resolve, step.waitMs));
    index = step.index;
    // A further attempt may be billed as well: it is paid for first, or not made.
    const toppedUp = await gate.tenants.topUp(call.facts.reservation, costOfAttempts(gate, call));
    if (!toppedUp.ok) return end;
  }
}

async function attempt(gate: Gate, call: Call, deployment: Deployment, prepared: Prepared): Promise<AttemptEnd> {
  const record = new AttemptRecord({
    n: call.attempts.length + 1,
    deployment,
    modelAsked: call.facts.view.model,
    dialect: prepared.dialect,
    now: gate.clock.mono(),
    admitted: call.facts.startedMono,
  });
  call.dropped.splice(0, call.dropped.length, ...prepared.dropped);
  call.attempts.push(record);
  const start = attemptStartOf(gate, call, record);
  if (call.recorded) gate.spool.attempt(call.id, start);
  else recordAdmission(gate, call, start);
  return runAttempt(gate, call, record, prepared);
}

/** The record that admits the call: without it nothing is sent, and with it one entry is owed. */
function recordAdmission(gate: Gate, call: Call, start: AttemptStart | null): void {
  gate.spool.admit(admissionOf(call), start);
  call.recorded = true;
}

function goneOutcome(gate: Gate, call: Call): Outcome {
  if (!call.recorded) recordAdmission(gate, call, null);
  return {
    status: 'cancelled',
    httpStatus: call.exchange.response.headersSent ? call.exchange.response.statusCode : null,
    errorCode: 'client_closed',
    cancelledBy: 'client',
  };
}

function failedOutcome(thrown: unknown): Outcome {
  const known = thrown instanceof HeadgateError;
  return {
    status: known ? 'refused' : 'internal_error',
    httpStatus: known ? thrown.row.status : 500,
    errorCode: known ? thrown.code : 'internal',
    cancelledBy: null,
  };
}
