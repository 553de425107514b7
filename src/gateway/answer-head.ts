import type { UpstreamHeaders } from './attempt.ts';
import type { AttemptRecord, Call } from './call.ts';
import type { Gate } from './gate.ts';
import { answerHeaders, PROVIDERS_TIME } from './headers.ts';
import { effectiveOf, ttftQuantumOf } from './prefix-cache/rules.ts';
import { callHidesCached } from './prefix-cache/shown.ts';
import { idHeaders, limitHeadersOf } from './refuse.ts';

/** What a head is made of; without an attempt's answer it is that of a call which still waits for one. */
export interface HeadParts {
  readonly gate: Gate;
  readonly call: Call;
  readonly record?: AttemptRecord;
  readonly headers?: UpstreamHeaders;
}

/**
 * Head of a delivered answer: what is ours first, then what crosses from the provider. A flat list of names and
 * values goes to the socket as it is; an object is copied name by name (2 µs a call, measured).
 */
export function answerHead({ gate, call, record, headers }: HeadParts, own: readonly string[]): readonly string[] {
  const { caller } = call.facts;
  const head = [...own];
  if (record && headers) {
    const { deployment } = record;
    const timeless =
      headers[PROVIDERS_TIME] !== undefined &&
      (ttftQuantumOf(deployment, effectiveOf(call.facts)) > 0 || callHidesCached(gate, call, deployment));
    head.push(...answerHeaders(headers, deployment.provider, caller.key.operator, timeless));
  }
  head.push(...limitHeadersOf(gate, call.exchange), ...idHeaders(call.exchange.route.family, call.id));
  if (call.dropped.length > 0) head.push('x-headgate-dropped', call.dropped.join(', '));
  if (call.cache !== null) head.push('x-headgate-cache', call.cache.result);
  return head;
}
