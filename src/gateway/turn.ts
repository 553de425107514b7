import { HeadgateError } from '#kernel/errors.ts';
import { isPass, type NoTurn, type Pass } from '#capabilities/tenants/index.ts';
import type { Deployment } from '#capabilities/failover/index.ts';
import type { AttemptEnd } from './attempt.ts';
import type { AttemptRecord, Call } from './call.ts';
import { DEADLINE, isPastDeadline } from './deadline.ts';
import type { Gate } from './gate.ts';

/** A call that no account counts, or whose account is not ours. */
const FREE: Pass = { waitedMs: 0, head: () => {}, refused: () => {}, done: () => {} };

/**
 * Waits for the call's turn at the provider's account. At once, and without a promise, while the account has room.
 * Nothing is sent and nothing is in the spool while it waits; a client that leaves gives its place up.
 */
export function turnOf(gate: Gate, call: Call, deployment: Deployment): Pass | Promise<Pass | NoTurn> {
  const { exchange, facts } = call;
  const { enabled, wait, weights } = exchange.config.file.fairness;
  if (!enabled || facts.login !== null || facts.dialect.kind === 'count') return FREE;
  const { estimatedInputTokens, reservedOutputTokens } = facts.reservation;
  const tenant = facts.caller.tenant.id;
  const left = exchange.deadlineMono === null ? Infinity : Math.max(0, exchange.deadlineMono - gate.clock.mono());
  const asking = {
    tenant,
    weight: weights[tenant] ?? 1,
    cost: { input: estimatedInputTokens ?? 0, output: reservedOutputTokens ?? 0 },
    patienceMs: Math.min(wait, left),
  };
  const account = gate.accounts.of(deployment.provider, deployment.model ?? facts.view.model);
  let release = (): void => undefined;
  const turn = account.enter(asking, (leave) => (release = whileThere(call, leave)));
  if (!(turn instanceof Promise)) return turn;
  return turn.then((got) => {
    release();
    if (isPass(got)) call.queuedMs += got.waitedMs;
    return got;
  });
}

/** Calls `leave` when the client goes, or somebody ends the stream. Returns what ends the watch. */
function whileThere(call: Call, leave: () => void): () => void {
  const { response } = call.exchange;
  const closed = (): void => void (call.stream?.resumable ? call.stream.unread() : leave());
  response.on('close', closed);
  if (call.stream !== null) call.cancel = leave;
  if (response.destroyed) setImmediate(closed);
  return () => {
    response.off('close', closed);
    call.cancel = null;
  };
}

/** It was not its turn in time: as if the provider had said so, so that the next deployment is tried. */
export function withoutTurn(gate: Gate, call: Call, record: AttemptRecord, { retryAfterMs }: NoTurn): AttemptEnd {
  record.over = true;
  // The client's own deadline has ended the wait.
  const late = isPastDeadline(call.exchange, gate.clock.mono());
  const error = late ? new HeadgateError('deadline_exceeded') : new HeadgateError('account_busy', { retryAfterMs });
  record.status = late ? 'timeout' : 'refused';
  record.errorCode = late ? DEADLINE : error.code;
  return {
    delivered: false,
    failure: { status: late ? null : 429, retryable: !late, retryAfterMs: late ? null : retryAfterMs },
    failed: { kind: 'network', error },
  };
}

/** Tells the account what became of a call that it let through. */
export function leaveAccount(pass: Pass, record: AttemptRecord, end: AttemptEnd | null): void {
  if (end?.delivered === false && end.failure.status === 429) pass.refused(end.failure.retryAfterMs);
  const { inputTokens = null, outputTokens = null } = record.usage ?? {};
  const isCounted = inputTokens !== null || outputTokens !== null;
  pass.done(isCounted ? (inputTokens ?? 0) + (outputTokens ?? 0) : null);
}
