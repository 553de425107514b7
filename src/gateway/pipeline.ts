import { HeadgateError } from '#kernel/errors.ts';
import { callId } from '#kernel/ids.ts';
import type { Deployment, ModelGroup } from '#capabilities/failover/index.ts';
import { attemptOrder, nextStep, refusesReasoning } from '#capabilities/failover/index.ts';
import type { Attribution, Caller } from '#capabilities/tenants/index.ts';
import type { AttemptStart } from '#ledger/index.ts';
import { andThen, type MaybePromise } from '#ports/shared-state.ts';
import { carriesForeignReasoning, stayFirst, stayOf, type Stay } from './affinity.ts';
import { admissionOf, attemptStartOf } from './admission.ts';
import { runAttempt, type AttemptEnd } from './attempt.ts';
import { bodyValue } from './headers.ts';
import { readBody } from './body.ts';
import { AttemptRecord, Call, type CallFacts, type Exchange, type Outcome } from './call.ts';
import { servedBy } from './caller-login.ts';
import { countHere, isCountedHere } from './count-here.ts';
import { decode, faultError, type Decoded, type OutsideWords } from './decode.ts';
import { DIALECTS } from './dialects.ts';
import type { Gate } from './gate.ts';
import { checkPolicy } from './policy.ts';
import { prepare, type Prepared } from './prepare.ts';
import { answerFailure } from './answer-failure.ts';
import { deploymentPrice } from './deployment-price.ts';
import { reserve } from './reserve.ts';
import { endUnread, openStream, wantsResume } from './streams/resumable.ts';
import { costOfAttempts, settle } from './settle.ts';

/**
 * The way of a call, in order. The order is a security property: nobody unknown makes us buffer or parse, and
 * nothing of another tenant is touched before the tenant is known. Throws a HeadgateError for what is refused
 * before admission; from `admit` on the call owes exactly one entry.
 */
export async function serveCall(gate: Gate, exchange: Exchange): Promise<void> {
  const caller = identify(gate, exchange);
  bounded(gate, exchange);
  const bytes = await readBody(exchange.request, exchange.config.file.limits);
  const { dialect, named } = exchange.route;
  const decoding = decode(bytes, DIALECTS[dialect], gate.decodePool, wordsOf(exchange));
  const decoded = decoding instanceof Promise ? await decoding : decoding;
  if (decoded.lifted) exchange.request.headers[named!.lift!.header] = decoded.lifted;
  const attribution = attribute(gate, exchange, caller, decoded);
  const group = findModel(gate, exchange, caller, decoded.view.model);
  const checking = checkPolicy(gate, { caller, decoded, group });
  const kept = checking instanceof Promise ? await checking : checking;
  const able = kept ?? orderOf(gate, exchange, { caller, feature: attribution.feature, group });
  const { order: drawn, login } = servedBy(exchange, able);
  // Ids that a provider keeps have decided already, and a lone deployment leaves no choice.
  const choice = kept === null && drawn.length > 1 && DIALECTS[dialect].kind === 'generate';
  const stay = choice ? stayOf(gate, exchange, { caller, attribution, decoded, group }) : null;
  const order = stay === null ? drawn : stayFirst(gate, stay, drawn, decoded.view.model);
  const admitting = admit(gate, exchange, { caller, attribution, decoded, group, order, stay, login });
  await carry(gate, admitting instanceof Promise ? await admitting : admitting);
}

const wordsOf = ({ request, route }: Exchange): OutsideWords | undefined =>
  DIALECTS[route.dialect].form
    ? { named: route.named, contentType: request.headers['content-type'] ?? '' }
    : route.named && { named: route.named };

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

interface Choosing {
  readonly caller: Caller;
  readonly feature: string | null;
  readonly group: ModelGroup;
}

/** The model's own deployments, then what the feature may fall back to. */
function orderOf(gate: Gate, exchange: Exchange, choosing: Choosing): readonly Deployment[] {
  const { feature, group } = choosing;
  const chain = feature === null ? undefined : exchange.config.file.features[feature]?.chain;
  const own = attemptOrder(group, gate.rng);
  return chain ? [...own, ...chainOf(gate, exchange, choosing, chain)] : own;
}

/** The deployments of a chain, in its order; only models that this key may call. */
function chainOf(
  gate: Gate,
  { config }: Exchange,
  { caller, group }: Choosing,
  chain: readonly string[],
): Deployment[] {
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
  readonly stay: Stay | null;
  readonly login: string | null;
}

/** Money first, then the record: what is refused here was never admitted. */
function admit(gate: Gate, exchange: Exchange, facts: Admitting): MaybePromise<Call> {
  const at = gate.clock.now();
  const startedMono = gate.clock.mono();
  return andThen(reserve(gate, exchange, facts, at), (reservation) => {
    const id = (exchange.callId = callId(at, gate.rng));
    const call = new Call(exchange, {
      id,
      at,
      startedMono,
      caller: facts.caller,
      attribution: facts.attribution,
      dialect: DIALECTS[exchange.route.dialect],
      body: facts.decoded.body,
      view: facts.decoded.view,
      group: facts.group,
      order: facts.order,
      stay: facts.stay,
      login: facts.login,
      reservation,
    } satisfies CallFacts);
    if (wantsResume(exchange, facts.attribution, facts.decoded.view)) openStream(gate, call);
    return call;
  });
}

/** Attempt after attempt until one delivers or nothing is left; then the call is settled, whatever happened. */
async function carry(gate: Gate, call: Call): Promise<void> {
  gate.meter.started();
  try {
    const end = await attempts(gate, call);
    if (call.settled) return;
    if (end !== null && !end.delivered) return answerFailure(gate, call, end);
    if (!call.recorded) await recordAdmission(gate, call, null);
    settle(gate, call, goneOutcome(call));
    call.stream?.finish('cancelled');
  } catch (thrown) {
    endUnread(gate, call, 'internal_error');
    if (!call.recorded) gate.tenants.release(call.facts.reservation);
    else if (!call.settled) settle(gate, call, failedOutcome(thrown));
    throw thrown;
  } finally {
    gate.meter.ended();
  }
}

const DELIVERED: AttemptEnd = { delivered: true };

/** Null: the client left before anything was sent. */
async function attempts(gate: Gate, call: Call): Promise<AttemptEnd | null> {
  const { order } = call.facts;
  if (isCountedHere(call.facts)) {
    await recordAdmission(gate, call, null);
    countHere(gate, call);
    return DELIVERED;
  }
  const policy = {
    attempts: call.exchange.config.file.retry.attempts,
    backoffMs: call.exchange.config.file.retry.backoff,
  };
  let index = 0;
  let refused: HeadgateError | null = null;
  for (;;) {
    if (call.ending !== null || (call.exchange.response.destroyed && call.stream === null)) return null;
    const deployment = order[index]!;
    const bare = call.bare || carriesForeignReasoning(call, deployment);
    const preparing = prepare(call.exchange, call.facts, deployment, gate.decodePool, bare);
    const prepared = preparing instanceof Promise ? await preparing : preparing;
    if (!prepared.ok) {
      // A fallback that cannot express the meaning is skipped (clients.md 2); the first refusal is told if all are.
      refused ??= faultError(prepared.error);
      if (++index < order.length) continue;
      if (!call.recorded) await recordAdmission(gate, call, null);
      throw refused;
    }
    const end = await attempt(gate, call, deployment, prepared.value);
    if (end.delivered) return end;
    if (!bare && cannotReadReasoning(prepared.value, end)) {
      // Repaired by one retry without it, at the same deployment (clients.md 8).
      call.bare = true;
    } else {
      const made = call.attempts.length;
      const step = nextStep({ policy, deployments: order.length, made, index }, end.failure, gate.rng);
      if (step.do === 'give_up') return end;
      if (step.waitMs > 0) await new Promise((resolve) => setTimeout(resolve, step.waitMs));
      index = step.index;
    }
    // A further attempt may be billed as well: it is paid for first, or not made.
    const toppedUp = await gate.tenants.topUp(call.facts.reservation, costOfAttempts(gate, call));
    if (!toppedUp.ok) return end;
  }
}

function cannotReadReasoning({ dialect }: Prepared, { failed }: AttemptEnd & { delivered: false }): boolean {
  if (failed.kind !== 'http' || failed.status !== 400) return false;
  const { code, message } = dialect.readFault(failed.status, bodyValue(failed.body));
  return refusesReasoning(failed.status, code, message);
}

async function attempt(gate: Gate, call: Call, deployment: Deployment, prepared: Prepared): Promise<AttemptEnd> {
  const { view, at, startedMono, login } = call.facts;
  const record = new AttemptRecord({
    n: call.attempts.length + 1,
    deployment,
    modelAsked: view.model,
    dialect: prepared.dialect,
    price: login === null ? deploymentPrice(gate, deployment, view.model, at) : null,
    now: gate.clock.mono(),
    admitted: startedMono,
  });
  const { leftOut } = call.facts.view;
  call.dropped = leftOut ? [...leftOut, ...prepared.dropped] : prepared.dropped;
  call.attempts.push(record);
  const start = attemptStartOf(gate, call, record);
  if (call.recorded) await recordAttempt(gate, call, start);
  else await recordAdmission(gate, call, start);
  return runAttempt(gate, call, record, prepared);
}

/** The record that admits the call: without it nothing is sent, and with it one entry is owed. */
async function recordAdmission(gate: Gate, call: Call, start: AttemptStart | null): Promise<void> {
  gate.spool.admit(admissionOf(call), start);
  await gate.spool.written();
  call.recorded = true;
}

function recordAttempt(gate: Gate, call: Call, start: AttemptStart): Promise<void> {
  gate.spool.attempt(call.id, start);
  return gate.spool.written();
}

const goneOutcome = ({ exchange: { response }, ending }: Call): Outcome => ({
  status: 'cancelled',
  httpStatus: response.headersSent ? response.statusCode : null,
  errorCode: ending ?? 'client_closed',
  cancelledBy: 'client',
});

function failedOutcome(thrown: unknown): Outcome {
  const known = thrown instanceof HeadgateError;
  return {
    status: known ? 'refused' : 'internal_error',
    httpStatus: known ? thrown.row.status : 500,
    errorCode: known ? thrown.code : 'internal',
    cancelledBy: null,
  };
}
