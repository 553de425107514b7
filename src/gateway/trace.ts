import { attemptSpanId, isSampled, readParent, spanIdsOf, traceparent, type ParentContext } from '#telemetry/index.ts';
import type { AttemptRecord, Call } from './call.ts';
import type { Gate } from './gate.ts';

const headerOf = ({ exchange: { request } }: Call, name: string): string => {
  const value = request.headers[name];
  return typeof value === 'string' ? value : '';
};

/** Hands a settled call to the exporter, with the context that its request carried. */
export function exportCall(gate: Gate, call: Call, text: string): void {
  gate.telemetry.settled(text, headerOf(call, 'traceparent'), headerOf(call, 'tracestate'));
}

const NONE: readonly string[] = [];

/**
 * Trace context for a provider: our attempt's span as the parent, where traces are exported and the provider may be
 * told. The caller's `tracestate` may carry what its vendors put there, and goes on by the operator's word alone.
 */
export function traceHeaders(gate: Gate, call: Call, record: AttemptRecord): readonly string[] {
  const { traceContext } = record.deployment.provider;
  if (traceContext === 'off' || !gate.telemetry.on) return NONE;
  const rules = gate.telemetry.traces;
  if (rules === null) return NONE;
  const parent = parentOf(call);
  const { traceId, spanId } = spanIdsOf(call.id, parent);
  const sampled = isSampled(traceId, parent, rules);
  const headers = ['traceparent', traceparent(traceId, attemptSpanId(spanId, record.n), sampled)];
  return traceContext === 'all' && parent && parent.state !== '' ? [...headers, 'tracestate', parent.state] : headers;
}

function parentOf(call: Call): ParentContext | null {
  const given = headerOf(call, 'traceparent');
  return given === '' ? null : readParent(given, headerOf(call, 'tracestate'));
}
