import { HeadgateError } from '#kernel/errors.ts';
import type { CallId } from '#kernel/brand.ts';
import { callId } from '#kernel/ids.ts';
import type { Deployment, ModelGroup } from '#capabilities/failover/index.ts';
import { attemptOrder, nextStep, refusesReasoning } from '#capabilities/failover/index.ts';
import { isPass, type Attribution, type Caller, type Effective } from '#capabilities/tenants/index.ts';
import type { AttemptStart } from '#ledger/index.ts';
import { andThen, type MaybePromise } from '#ports/shared-state.ts';
import { carriesForeignReasoning, stayFirst, stayOf, type Stay } from './affinity.ts';
import { attemptStartOf, recordAdmission } from './admission.ts';
import { runAttempt, type AttemptEnd } from './attempt.ts';
import { bodyValue } from './headers.ts';
import { readBody } from './body.ts';
import { answeredFromCache } from './cache/hit.ts';
import { passFailureOn, passThrownOn, takeOff } from './cache/flight/take-off.ts';
import { AttemptRecord, Call, type CallFacts, type Exchange, type Outcome } from './call.ts';
import { servedBy } from './caller-login.ts';
import { draftOf } from './capture.ts';
import { countHere, isCountedHere } from './count-here.ts';
import { decode, faultError, type Decoded, type OutsideWords } from './decode.ts';
import { deadlineOf } from './deadline.ts';
import { DIALECTS } from './dialects.ts';
import { isModelOpen, nextOpen, withoutDrained } from './drained.ts';
import type { Gate } from './gate.ts';
import { checkPolicy } from './policy.ts';
import { endOnce, idempotencyKeyOf, takeTurn, type Once } from './idempotency/once.ts';
import { awaitAnswer, replay, sourceOf, type Source } from './idempotency/replay.ts';
import { customize, type CallLayers } from './layered/customize.ts';
import { withOwnKeys } from './layered/own-keys.ts';
import { withinRegions } from './layered/regions.ts';
import { ownModel, placesOf } from './layered/own-work.ts';
import { prepare, type Prepared } from './prepare.ts';
import { readingOf } from './quality/reading.ts';
import { findModel } from './find-model.ts';
import { answerFailure, toldInBand } from './answer-failure.ts';
import { deploymentPrice } from './deployment-price.ts';
import { reserve } from './reserve.ts';
import { leaveAccount, turnOf, withoutTurn } from './turn.ts';
import { beginPulse } from './streams/pulse.ts';
import { endUnread, openStream } from './streams/resumable.ts';
import { costOfAttempts, settle } from './settle.ts';

/**
 * The way of a call, in order. The order is a security property: nobody unknown makes us buffer or parse, and
 * nothing of another tenant is touched before the tenant is known. Throws a HeadgateError for what is refused
 * before admission; from `admit` on the call owes exactly one entry.
 */
export async function serveCall(gate: Gate, exchange: Exchange): Promise<void> {
  const { redrive, own } = exchange;
  const caller = redrive?.caller ?? own?.caller ?? identify(gate, exchange);
  exchange.tenant = caller.tenant.id;
  exchange.deadlineMono = deadlineOf(exchange, gate.clock.mono());
  bounded(gate, exchange);
  const bytes = await readBody(exchange.request, exchange.config.file.limits);
  const { dialect, named } = exchange.route;
  const outside = wordsOf(exchange);
  const decoding = decode(bytes, DIALECTS[dialect], gate.decodePool, outside);
  const read = decoding instanceof Promise ? await decoding : decoding;
  if (read.lifted) exchange.request.headers[named!.lift!.header] = read.lifted;
  // A large body was handed to the thread that decodes it, and came back in the decoded one.
  const sent = bytes.length > 0 ? bytes : read.body.bytes;
  const attribution = exchange.own?.attribution ?? attribute(gate, exchange, caller, read);
  const layersOf = gate.tenants.layersOf(caller, attribution.feature);
  const effective = exchange.own ? placesOf(layersOf) : layersOf;
  const customizing = customize(gate, exchange, { effective, decoded: read, outside });
  const { decoded, layers } = customizing instanceof Promise ? await customizing : customizing;
  const asked = exchange.own
    ? ownModel(exchange.config, decoded.view.model, effective)
    : findModel(gate, exchange.config, caller, decoded.view.model);
  const group = withOwnKeys(exchange.config, asked, effective);
  const checking = checkPolicy(gate, { caller, decoded, group, dialect });
  const kept = checking instanceof Promise ? await checking : checking;
  const every = kept ?? orderOf(gate, exchange, { caller, feature: attribution.feature, group, effective });
  const found = withinRegions(every, effective, decoded.view.model);
  const able = withoutDrained(gate, { caller, group, model: decoded.view.model }, found);
  const { order: served, login } = servedBy(exchange, able);
  const drawn = redrive?.able(served, decoded.view.model) ?? served;
  // Ids that a provider keeps have decided already, and a lone deployment leaves no choice.
  const choice = kept === null && exchange.own === null && drawn.length > 1 && DIALECTS[dialect].kind === 'generate';
  const stay = choice ? stayOf(gate, exchange, { caller, attribution, decoded, group }) : null;
  const order = stay === null ? drawn : stayFirst(gate, stay, drawn, decoded.view.model);
  const facts = { caller, attribution, decoded, layers, group, order, stay, login, sent };
  const value = idempotencyKeyOf(exchange);
  if (value !== null) return serveOnce(gate, exchange, facts, value);
  const admitting = admit(gate, exchange, facts, null);
  await carry(gate, admitting instanceof Promise ? await admitting : admitting);
}

/** A call with an idempotency key: the first of its name makes the answer, and any other gets the same. */
async function serveOnce(gate: Gate, exchange: Exchange, facts: Admitting, value: string): Promise<void> {
  const { caller, sent: body } = facts;
  for (;;) {
    const turn = await takeTurn(gate, exchange, { caller, value, body });
    if ('once' in turn) return first(gate, exchange, facts, turn.once);
    const { original } = turn;
    const leave = awaitAnswer(gate, exchange, original.call);
    try {
      const source = await sourceOf(gate, { caller, exchange, original });
      // The first one came to nothing: then this one is it.
      if (source === null) continue;
      return await again(gate, exchange, facts, { original: original.call, source });
    } finally {
      leave();
    }
  }
}

interface Repeat {
  readonly original: CallId;
  readonly source: Source;
}

async function again(gate: Gate, exchange: Exchange, facts: Admitting, { original, source }: Repeat): Promise<void> {
  const attribution = { ...facts.attribution, retryOf: original };
  const call = await admit(gate, exchange, { ...facts, attribution, order: [], stay: null, login: null }, 'replay');
  return replay(gate, call, source);
}

async function first(gate: Gate, exchange: Exchange, facts: Admitting, once: Once): Promise<void> {
  let call: Call | null = null;
  try {
    call = await admit(gate, exchange, facts, once);
    await carry(gate, call);
  } finally {
    // What was recorded has been settled, and the key with it.
    if (!call?.recorded) endOnce(gate, once, null);
  }
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

interface Choosing {
  readonly caller: Caller;
  readonly feature: string | null;
  readonly group: ModelGroup;
  readonly effective: Effective | null;
}

/** The model's own deployments, then what the feature may fall back to. */
function orderOf(gate: Gate, exchange: Exchange, choosing: Choosing): readonly Deployment[] {
  const { feature, group } = choosing;
  // An answer is gone on with by the model that began it, and a verdict of another model would be another verdict.
  const chains = feature !== null && exchange.redrive === null && exchange.own === null;
  const chain = chains ? exchange.config.file.features[feature]?.chain : undefined;
  const own = attemptOrder(group, gate.rng);
  return chain ? [...own, ...chainOf(gate, exchange, choosing, chain)] : own;
}

/** The deployments of a chain, in its order; only models that this key may call. */
function chainOf(
  gate: Gate,
  { config }: Exchange,
  { caller, group, effective }: Choosing,
  chain: readonly string[],
): Deployment[] {
  return chain
    .filter((model) => model !== group.name && gate.tenants.mayCall(caller, model))
    .flatMap((model) => {
      const found = config.models.find(model);
      const next = found && withOwnKeys(config, found, effective);
      return next && next.name !== group.name && isModelOpen(gate, next, model)
        ? attemptOrder(next, gate.rng).map((one) => ({ ...one, model: one.model ?? model }))
        : [];
    });
}

interface Admitting {
  readonly caller: Caller;
  readonly attribution: Attribution;
  readonly decoded: Decoded;
  readonly layers: CallLayers | null;
  readonly group: ModelGroup;
  readonly order: readonly Deployment[];
  readonly stay: Stay | null;
  readonly login: string | null;
  /** The body as it came. */
  readonly sent: Uint8Array;
}

/** Money first, then the record: what is refused here was never admitted. */
function admit(gate: Gate, exchange: Exchange, facts: Admitting, once: Once | 'replay' | null): MaybePromise<Call> {
  const key = once === 'replay' ? null : once;
  const at = key?.at ?? gate.clock.now();
  const startedMono = gate.clock.mono();
  return andThen(reserve(gate, exchange, facts, at), (reservation) => {
    exchange.reservation = reservation;
    const id = (exchange.callId = key?.id ?? callId(at, gate.rng));
    const call = new Call(exchange, {
      id,
      at,
      startedMono,
      caller: facts.caller,
      attribution: facts.attribution,
      dialect: DIALECTS[exchange.route.dialect],
      body: facts.decoded.body,
      view: facts.decoded.view,
      layers: facts.layers,
      group: facts.group,
      order: facts.order,
      stay: facts.stay,
      login: facts.login,
      reservation,
      once: key,
    } satisfies CallFacts);
    return begun(gate, call, facts.sent, once === 'replay');
  });
}

/** Nothing that fails here may keep what the call holds: a place among the calls in flight would be gone for good. */
function begun(gate: Gate, call: Call, sent: Uint8Array, isReplay: boolean): Call {
  try {
    if (!isReplay) openStream(gate, call, sent);
    call.draft = draftOf(gate, call.facts, sent, call.exchange.request.headers);
    if (!isReplay) call.reading = readingOf(call);
    return call;
  } catch (thrown) {
    gate.tenants.release(call.facts.reservation);
    throw thrown;
  }
}

/** Attempt after attempt until one delivers or nothing is left; then the call is settled, whatever happened. */
async function carry(gate: Gate, call: Call): Promise<void> {
  gate.meter.started();
  try {
    const end = await attempts(gate, call);
    if (call.settled) return;
    if (end !== null && !end.delivered) {
      passFailureOn(call, end);
      return answerFailure(gate, call, end);
    }
    if (!call.recorded) await recordAdmission(gate, call, null);
    settle(gate, call, goneOutcome(call));
    call.stream?.finish('cancelled');
  } catch (thrown) {
    passThrownOn(call, thrown);
    if (!call.recorded) gate.tenants.release(call.facts.reservation);
    else if (!call.settled) settle(gate, call, failedOutcome(call, thrown));
    if (toldInBand(gate, call, thrown)) return;
    endUnread(gate, call, 'internal_error');
    throw thrown;
  } finally {
    call.pulse?.stop();
    gate.meter.ended();
    call.flight?.handOver(call.id);
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
  if (!isGone(call)) {
    const answering = answeredFromCache(gate, call);
    if (answering instanceof Promise ? await answering : answering) return DELIVERED;
    const following = takeOff(gate, call);
    const came = following === null ? 'asks' : await following;
    if (came !== 'asks') return came;
  }
  beginPulse(gate, call);
  const policy = {
    attempts: call.exchange.config.file.retry.attempts,
    backoffMs: call.exchange.config.file.retry.backoff,
  };
  let index = 0;
  let refused: HeadgateError | null = null;
  for (;;) {
    if (isGone(call)) return null;
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
    if (end === null || end.delivered) return end;
    if (!bare && cannotReadReasoning(prepared.value, end)) {
      // Repaired by one retry without it, at the same deployment (clients.md 8).
      call.bare = true;
    } else {
      const made = call.attempts.length;
      const step = nextStep({ policy, deployments: order.length, made, index }, end.failure, gate.rng);
      if (step.do === 'give_up' || isOver(gate, call, step.waitMs)) return end;
      if (step.waitMs > 0) await new Promise((resolve) => setTimeout(resolve, step.waitMs));
      index = nextOpen(gate, call, step.index);
      if (index >= order.length) return end;
    }
    // A further attempt may be billed as well: it is paid for first, or not made.
    const toppedUp = await gate.tenants.topUp(call.facts.reservation, costOfAttempts(gate, call));
    if (!toppedUp.ok) return end;
  }
}

/** Has its client left, or somebody ended it? */
const isGone = ({ ending, exchange: { response }, stream }: Call): boolean =>
  ending !== null || (response.destroyed && !stream?.resumable);

/** Would the client's deadline be over after a wait? Then no attempt can be in time. */
const isOver = (gate: Gate, { exchange: { deadlineMono } }: Call, waitMs: number): boolean =>
  deadlineMono !== null && gate.clock.mono() + waitMs >= deadlineMono;

function cannotReadReasoning({ dialect }: Prepared, { failed }: AttemptEnd & { delivered: false }): boolean {
  if (failed.kind !== 'http' || failed.status !== 400) return false;
  const { code, message } = dialect.readFault(failed.status, bodyValue(failed.body));
  return refusesReasoning(failed.status, code, message);
}

/** Null: the client left before it was the call's turn. */
async function attempt(gate: Gate, call: Call, deployment: Deployment, prepared: Prepared): Promise<AttemptEnd | null> {
  const { view, at, startedMono, login } = call.facts;
  // A head may go out while it waits.
  call.dropped = view.leftOut ? [...view.leftOut, ...prepared.dropped] : prepared.dropped;
  const waiting = turnOf(gate, call, deployment);
  const turn = waiting instanceof Promise ? await waiting : waiting;
  const pass = isPass(turn) ? turn : null;
  if (pass === null && isGone(call)) return null;
  const record = new AttemptRecord({
    n: call.attempts.length + 1,
    deployment,
    modelAsked: view.model,
    dialect: prepared.dialect,
    price: login === null ? deploymentPrice(gate, deployment, view.model, at) : null,
    now: gate.clock.mono(),
    admitted: startedMono,
    pass,
    preambleBytes: prepared.preambleBytes,
  });
  call.attempts.push(record);
  if (!isPass(turn)) {
    if (!call.recorded) await recordAdmission(gate, call, null);
    return withoutTurn(gate, call, record, turn);
  }
  call.draft?.attempt(record.n, record.deploymentName, prepared.dialect.name, prepared.body);
  let end: AttemptEnd | null = null;
  try {
    const start = attemptStartOf(gate, call, record);
    if (call.recorded) await recordAttempt(gate, call, start);
    else await recordAdmission(gate, call, start);
    return (end = await runAttempt(gate, call, record, prepared));
  } finally {
    leaveAccount(turn, record, end);
  }
}

function recordAttempt(gate: Gate, call: Call, start: AttemptStart): Promise<void> {
  gate.spool.attempt(call.id, start);
  return gate.spool.written();
}

const goneOutcome = ({ exchange: { response }, ending }: Call): Outcome => ({
  // Another gate has told readers that it is interrupted: the entry says the same.
  status: ending === 'fenced' ? 'interrupted' : 'cancelled',
  httpStatus: response.headersSent ? response.statusCode : null,
  errorCode: ending ?? 'client_closed',
  cancelledBy: ending === 'fenced' ? null : ending === 'operator_cancelled' ? 'operator' : 'client',
});

function failedOutcome({ exchange: { response } }: Call, thrown: unknown): Outcome {
  const known = thrown instanceof HeadgateError;
  const status = known ? thrown.row.status : 500;
  return {
    status: known ? 'refused' : 'internal_error',
    httpStatus: response.headersSent ? response.statusCode : status,
    errorCode: known ? thrown.code : 'internal',
    cancelledBy: null,
  };
}
