import { ERRORS, HeadgateError } from '#kernel/errors.ts';
import type { OutcomeStatus } from '#ports/entry.ts';
import type { ProviderFault } from '#wire/canonical.ts';
import type { AttemptEnd, Failed } from './attempt.ts';
import type { AttemptRecord, Call } from './call.ts';
import type { Gate } from './gate.ts';
import { afterWritten } from './after-written.ts';
import { asClientReads } from './client-stream.ts';
import { answerHeaders, faultValue, maskKeys, waitAsked } from './headers.ts';
import { asHeadgateError, idHeaders, limitHeadersOf, refuse } from './refuse.ts';
import { settle } from './settle.ts';
import { endUnread } from './streams/resumable.ts';

interface ErrorAnswer {
  readonly status: number;
  readonly body: Buffer;
  readonly contentType: string;
  readonly headers: readonly string[];
}

/**
 * Every attempt failed: the last one's error goes to the client. In the same dialect it is the provider's own,
 * status and body, since agents match its wording (clients.md 3); of a foreign dialect it is translated.
 */
export function answerFailure(gate: Gate, call: Call, end: AttemptEnd & { delivered: false }): void {
  const record = call.attempts.at(-1) ?? call.followed!;
  const { failed } = end;
  if (failed.kind === 'network') return refuseNetwork(gate, call, record, failed.error);
  const answer = failed.kind === 'http' ? fromHttp(call, record, failed) : fromFault(call, failed.fault);
  const { response, route } = call.exchange;
  settle(gate, call, {
    status: record.status,
    httpStatus: response.headersSent ? response.statusCode : answer.status,
    errorCode: record.errorCode,
    cancelledBy: null,
  });
  afterWritten(gate, call, () => {
    if (response.headersSent) return breakOff(gate, call, record.status, faultOf(record, failed));
    endUnread(gate, call, record.status);
    response.writeHead(answer.status, [
      ...['content-type', answer.contentType, 'content-length', String(answer.body.length)],
      ...['x-headgate-error-source', 'provider'],
      ...answer.headers,
      ...limitHeadersOf(gate, call.exchange),
      ...idHeaders(route.family, call.id),
    ]);
    response.end(answer.body);
  });
}

function refuseNetwork(gate: Gate, call: Call, record: AttemptRecord, error: HeadgateError): void {
  const { response, route } = call.exchange;
  const status = response.headersSent ? response.statusCode : ERRORS[error.code].status;
  settle(gate, call, { status: record.status, httpStatus: status, errorCode: error.code, cancelledBy: null });
  afterWritten(gate, call, () => {
    if (!response.headersSent) {
      endUnread(gate, call, record.status);
      return refuse(response, route.family, error, call.id, limitHeadersOf(gate, call.exchange));
    }
    breakOff(gate, call, record.status, faultOfError(error));
  });
}

/**
 * What was thrown when the status line is out already: told in band, since a broken connection says nothing. False:
 * there is a status to say it by.
 */
export function toldInBand(gate: Gate, call: Call, thrown: unknown): boolean {
  const { response } = call.exchange;
  if (!response.headersSent || response.destroyed) return false;
  const error = asHeadgateError(thrown);
  gate.meter.refused(error.code, call.facts.caller.tenant.id, gate.clock.now());
  if (error.code === 'internal') gate.log.error({ err: thrown }, 'a call failed by a mistake of ours');
  const status = error.code === 'internal' ? 'internal_error' : 'refused';
  afterWritten(gate, call, () => breakOff(gate, call, status, faultOfError(error)));
  return true;
}

/** The kinds of faults by the status that an error would have had. */
const TYPES: Readonly<Record<number, ProviderFault['type']>> = {
  401: 'authentication',
  402: 'billing',
  403: 'permission',
  404: 'not_found',
  413: 'too_large',
  429: 'rate_limit',
  503: 'overloaded',
  504: 'timeout',
};

/** An error of ours as an event of a stream says it. */
function faultOfError({ code, message, details }: HeadgateError): ProviderFault {
  const { status } = ERRORS[code];
  const type = TYPES[status] ?? (status < 500 ? 'invalid_request' : 'server');
  return { type, status, message, code, field: details.field ?? null };
}

/** The status line went out after a heartbeat interval of silence: the error comes in band, and the end is broken. */
function breakOff(gate: Gate, call: Call, status: OutcomeStatus, fault: ProviderFault): void {
  const { response } = call.exchange;
  const text = asClientReads(call, call.facts.dialect.streamFault(fault, call.id));
  if (call.stream === null) return void response.write(text, () => response.destroy());
  call.stream.append(Buffer.from(text));
  endUnread(gate, call, status);
}

function fromHttp(call: Call, record: AttemptRecord, failed: Failed & { kind: 'http' }): ErrorAnswer {
  const { provider } = record.deployment;
  const headers = answerHeaders(failed.headers, provider, call.facts.caller.key.operator);
  if (record.dialect === call.facts.dialect) {
    // Latin-1 maps bytes to characters one to one: whatever the encoding, the other bytes stay.
    const text = maskKeys(failed.body.toString('latin1'), provider);
    const contentType = String(failed.headers['content-type'] ?? 'application/json');
    return { status: redirectAsFailure(failed.status), body: Buffer.from(text, 'latin1'), contentType, headers };
  }
  const wait = waitAsked(record.dialect, failed.headers, failed.body, Date.now());
  return { ...fromFault(call, faultOf(record, failed), wait), headers: withWait(headers, wait) };
}

/** A redirect is never followed and never passed on: to a client it is a provider that does not work. */
const redirectAsFailure = (status: number): number => (status < 400 ? 502 : status);

/** A wait that the provider's body asked for stands in a header for clients of other dialects. */
const withWait = (headers: readonly string[], wait: number | null): readonly string[] =>
  wait === null || headers.includes('retry-after') || headers.includes('retry-after-ms')
    ? headers
    : [...headers, 'retry-after-ms', String(Math.ceil(wait)), 'retry-after', String(Math.ceil(wait / 1000))];

function fromFault(call: Call, fault: ProviderFault, wait: number | null = null): ErrorAnswer {
  const { status, body } = call.facts.dialect.encodeFault(fault, call.id, wait);
  return { status, body: Buffer.from(JSON.stringify(body)), contentType: 'application/json', headers: [] };
}

function faultOf(record: AttemptRecord, failed: Failed): ProviderFault {
  if (failed.kind === 'fault') return masked(failed.fault, record);
  if (failed.kind === 'http') return masked(record.dialect.readFault(failed.status, faultValue(failed)), record);
  return faultOfError(failed.error);
}

const masked = (fault: ProviderFault, record: AttemptRecord): ProviderFault => ({
  ...fault,
  message: maskKeys(fault.message, record.deployment.provider),
});
