import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { HeadgateError } from '#kernel/errors.ts';
import { nearest } from '#kernel/did-you-mean.ts';
import type { Exchange } from './call.ts';
import type { Gate } from './gate.ts';
import { serveCall } from './pipeline.ts';
import { asHeadgateError, refuse } from './refuse.ts';
import { azurePath, CALL_ROUTES, ENDPOINTS, withoutApiVersion, type CallRoute, type Family } from './routes.ts';
import { serveModels, serveMe } from './listing.ts';

/** Every timer of the server with its reason; Node's defaults hurt here (research, clients 11). */
const TIMERS = {
  /** Idle sockets outlive those of balancers (600 s at most): the one that closes first makes no 502. */
  keepAliveTimeout: 620_000,
  /** A head that takes longer is an attack (slowloris). */
  headersTimeout: 30_000,
  /** The body has its own limit (`limits.bodyTimeout`), which answers in the client's dialect. */
  requestTimeout: 0,
} as const;

/** Serves `/admin`, `/metrics` and `/health`: true where the path was its own. */
export type SideDoor = (request: IncomingMessage, response: ServerResponse, path: string) => boolean;

/** Takes an upgrade that is its own: true. */
export type UpgradeDoor = (request: IncomingMessage, socket: Duplex, head: Buffer) => boolean;

export function createGateServer(gate: Gate, sideDoor: SideDoor, upgradeDoor: UpgradeDoor): Server {
  const server = createServer(
    {
      ...TIMERS,
      maxHeaderSize: gate.config.file.limits.headerBytes,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: 60_000,
    },
    (request, response) => dispatch(gate, request, response, sideDoor),
  );
  server.on('upgrade', (request, socket, head) => {
    if (!upgradeDoor(request, socket, head)) refuseUpgrade(socket);
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => clientError(error, socket));
  return server;
}

function dispatch(gate: Gate, request: IncomingMessage, response: ServerResponse, sideDoor: SideDoor): void {
  const url = request.url ?? '/';
  const cut = url.indexOf('?');
  const asked = cut < 0 ? url : url.slice(0, cut);
  const azure = azurePath(asked);
  const path = azure?.path ?? asked;
  const route = azure?.route ?? CALL_ROUTES.get(path);
  if (route && request.method === 'POST') {
    const sent = cut < 0 ? '' : url.slice(cut + 1);
    const query = azure === null ? sent : withoutApiVersion(sent);
    return void carry(gate, { request, response, route, query, config: gate.config, callId: null });
  }
  if (sideDoor(request, response, path)) return;
  const family = familyOf(request, path);
  try {
    other(gate, { request, response, path, route });
  } catch (thrown) {
    fail(gate, response, family, thrown);
  }
}

async function carry(gate: Gate, exchange: Exchange): Promise<void> {
  try {
    if (gate.draining) throw new HeadgateError('draining', { retryAfterMs: 1_000 });
    await serveCall(gate, exchange);
  } catch (thrown) {
    fail(gate, exchange.response, exchange.route.family, thrown, exchange.callId);
  }
}

function fail(
  gate: Gate,
  response: ServerResponse,
  family: Family,
  thrown: unknown,
  callId: string | null = null,
): void {
  const error = asHeadgateError(thrown);
  gate.meter.refused(error.code);
  if (error.code === 'internal') gate.log.error({ err: thrown }, 'a call failed by a mistake of ours');
  if (gate.draining && !response.headersSent) response.setHeader('connection', 'close');
  refuse(response, family, error, callId);
}

interface Other {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly path: string;
  readonly route: CallRoute | undefined;
}

function other(gate: Gate, { request, response, path, route }: Other): void {
  const read = request.method === 'GET' || request.method === 'HEAD';
  if (route) {
    response.setHeader('allow', 'POST');
    throw new HeadgateError('method_not_allowed', { message: `${path} takes POST.` });
  }
  if (read && (path === '/v1/models' || path.startsWith('/v1/models/')))
    return serveModels(gate, request, response, path);
  if (read && path === '/v1/headgate/me') return serveMe(gate, request, response);
  // Claude Code asks `HEAD /` at its start (clients.md 1).
  if (read && path === '/') return void response.writeHead(200, { 'content-type': 'text/plain' }).end('Headgate\n');
  const near = nearest(path, [...CALL_ROUTES.keys(), '/v1/models', '/v1/headgate/me'], 1);
  const hint = near.length > 0 ? ` Did you mean ${near[0]}?` : '';
  throw new HeadgateError('endpoint_not_found', {
    message: `There is no endpoint ${path.slice(0, 200)}.${hint} Endpoints: ${ENDPOINTS.join(', ')}.`,
  });
}

const familyOf = (request: IncomingMessage, path: string): Family =>
  path.startsWith('/v1/messages') || request.headers['anthropic-version'] !== undefined ? 'anthropic' : 'openai';

/** Codex tries a WebSocket first, and falls back without waiting on a 426 alone (clients.md 5). */
function refuseUpgrade(socket: Duplex): void {
  socket.on('error', () => socket.destroy());
  socket.end(
    'HTTP/1.1 426 Upgrade Required\r\nconnection: close\r\nx-should-retry: false\r\ncontent-type: application/json\r\n' +
      'content-length: 119\r\n\r\n' +
      '{"error":{"message":"This endpoint does not serve WebSocket.","type":"invalid_request_error","code":"upgrade_required"}}'.padEnd(
        119,
      ),
  );
}

function clientError(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const status = error.code === 'HPE_HEADER_OVERFLOW' ? '431 Request Header Fields Too Large' : '400 Bad Request';
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
}
