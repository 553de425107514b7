import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Gate } from './gate.ts';

/** What a page may read of an answer, beside what every page may. */
const EXPOSED = [
  ...['x-headgate-call-id', 'x-headgate-dropped', 'x-headgate-error-source', 'x-headgate-estimated'],
  ...['x-headgate-cache', 'age'],
  ...['retry-after', 'retry-after-ms', 'x-should-retry'],
  ...['grpc-status', 'grpc-message', 'grpc-status-details-bin', 'idempotent-replayed', 'x-headgate-replay'],
  'x-headgate-idempotency',
].join(', ');
/** Headers of ours and of the official SDKs; whatever else a page asks for by name is refused by its browser. */
const ALLOWED = new Set([
  ...['authorization', 'x-api-key', 'x-goog-api-key', 'content-type', 'last-event-id', 'idempotency-key'],
  ...['traceparent', 'tracestate', 'user-agent', 'x-grpc-web', 'x-user-agent', 'grpc-timeout'],
  ...['connect-protocol-version', 'connect-timeout-ms'],
]);
const ALLOWED_BEGINNING = /^(x-headgate-|x-stainless-|anthropic-|openai-)/;
/** Paths that pages may call: the API, and its service for gRPC-Web and Connect. */
const PAGES_CALL = /^\/(?:v1\/|headgate\.v1\.Headgate\/)/;
/** Chromium keeps a preflight for two hours at most; an origin that is taken off the list should not live on so long. */
const MAX_AGE_S = '600';
const HEADER_NAMES_MOST = 64;

/**
 * Lets pages of the origins in `cors.origins` read answers of `/v1` and of the service of gRPC, exactly those and without cookies. True: the
 * request was a preflight, and is answered. Any other page gets no header of this kind, so its browser shows it nothing.
 */
export function crossOrigin(gate: Gate, request: IncomingMessage, response: ServerResponse): boolean {
  const { origin } = request.headers;
  if (gate.config.file.cors.origins.length === 0 || !PAGES_CALL.test(request.url ?? '')) return false;
  response.setHeader('vary', 'origin');
  if (!gate.config.file.cors.origins.includes(origin!)) return false;
  response.setHeader('access-control-allow-origin', origin!);
  if (request.method === 'OPTIONS' && request.headers['access-control-request-method'] !== undefined)
    return preflight(request, response);
  response.setHeader('access-control-expose-headers', EXPOSED);
  return false;
}

function preflight(request: IncomingMessage, response: ServerResponse): true {
  const asked = (request.headers['access-control-request-headers'] ?? '')
    .toLowerCase()
    .split(/\s*,\s*/, HEADER_NAMES_MOST);
  const allowed = asked.filter((name) => ALLOWED.has(name) || ALLOWED_BEGINNING.test(name));
  response.setHeader('vary', 'origin, access-control-request-headers');
  response.writeHead(204, {
    'access-control-allow-methods': 'GET, POST, DELETE',
    ...(allowed.length > 0 && { 'access-control-allow-headers': allowed.join(', ') }),
    'access-control-max-age': MAX_AGE_S,
  });
  response.end();
  return true;
}
