import type { IncomingHttpHeaders } from 'node:http';
import { HeadgateError } from '#kernel/errors.ts';
import { timeoutMs } from '#wire/grpc/index.ts';

/** Metadata that is a header of the call; whatever else a client sends stays here. */
const CARRIED = /^(authorization|x-api-key|x-headgate-.*|idempotency-key|traceparent|tracestate|user-agent)$/;

/** The head of the call: what may cross of the metadata, and the client's deadline in the gate's own words. */
export function carriedHeaders(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const head = Object.fromEntries(Object.entries(headers).filter(([name]) => CARRIED.test(name)));
  const deadline = deadlineMs(headers);
  return {
    ...head,
    'content-type': 'application/json',
    ...(deadline !== null && { 'x-headgate-deadline-ms': String(deadline) }),
  };
}

/** The client's patience in milliseconds, as gRPC or Connect say it; null: it set none. Throws a 400 for what is no timeout. */
export function deadlineMs(headers: IncomingHttpHeaders): number | null {
  const grpc = headers['grpc-timeout'];
  const connect = headers['connect-timeout-ms'];
  if (grpc === undefined && connect === undefined) return null;
  const ms = grpc !== undefined ? timeoutMs(String(grpc)) : /^\d{1,10}$/.test(String(connect)) ? Number(connect) : null;
  if (ms !== null && ms > 0) return ms;
  throw new HeadgateError('invalid_request', { field: 'timeout', message: 'The timeout is none that gRPC knows.' });
}
