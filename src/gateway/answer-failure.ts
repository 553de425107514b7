import { ERRORS, type HeadgateError } from '#kernel/errors.ts';
import type { ProviderFault } from '#wire/canonical.ts';
import type { AttemptEnd, Failed } from './attempt.ts';
import { faultValue } from './attempt.ts';
import type { AttemptRecord, Call } from './call.ts';
import type { Gate } from './gate.ts';
import { afterWritten } from './after-written.ts';
import { asClientReads } from './client-stream.ts';
import { answerHeaders, maskKeys } from './headers.ts';
import { idHeaders, refuse } from './refuse.ts';
import { settle } from './settle.ts';

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
  const record = call.attempts.at(-1)!;
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
    if (response.headersSent) return breakOff(call, faultOf(record, failed));
    response.writeHead(answer.status, [
      ...['content-type', answer.contentType, 'content-length', String(answer.body.length)],
      ...['x-headgate-error-source', 'provider'],
      ...answer.headers,
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
    if (!response.headersSent) return refuse(response, route.family, error, call.id);
    breakOff(call, { type: 'server', status, message: error.message, code: error.code, field: null });
  });
}

/** The status line went out after a heartbeat interval of silence: the error comes in band, and the end is broken. */
function breakOff(call: Call, fault: ProviderFault): void {
  const { response } = call.exchange;
  response.write(asClientReads(call, call.facts.dialect.streamFault(fault, call.id)), () => response.destroy());
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
  return { ...fromFault(call, faultOf(record, failed)), headers };
}

/** A redirect is never followed and never passed on: to a client it is a provider that does not work. */
const redirectAsFailure = (status: number): number => (status < 400 ? 502 : status);

function fromFault(call: Call, fault: ProviderFault): ErrorAnswer {
  const { status, body } = call.facts.dialect.encodeFault(fault, call.id);
  return { status, body: Buffer.from(JSON.stringify(body)), contentType: 'application/json', headers: [] };
}

function faultOf(record: AttemptRecord, failed: Failed): ProviderFault {
  if (failed.kind === 'fault') return masked(failed.fault, record);
  if (failed.kind === 'http') return masked(record.dialect.readFault(failed.status, faultValue(failed)), record);
  return { type: 'server', status: 502, message: failed.error.message, code: failed.error.code, field: null };
}

const masked = (fault: ProviderFault, record: AttemptRecord): ProviderFault => ({
  ...fault,
  message: maskKeys(fault.message, record.deployment.provider),
});
