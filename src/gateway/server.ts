import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { HeadgateError } from '#kernel/errors.ts';
import { nearest } from '#kernel/did-you-mean.ts';
import type { Exchange } from './call.ts';
import type { Gate } from './gate.ts';
import { serveCall } from './pipeline.ts';
import { asHeadgateError, refuse } from './refuse.ts';
import {
  azurePath,
  bedrockPath,
  CALL_ROUTES,
  ENDPOINTS,
  googlePath,
  withoutApiVersion,
  type CallRoute,
  type Family,
} from './routes.ts';
import { serveStored, type StoredArrival } from './stored/door.ts';
import { storedRoute } from './stored/routes.ts';
import { isGoogle, serveGoogleModels, serveModels, serveMe } from './listing.ts';
import { serveStreams } from './streams/door.ts';

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
  const sent = cut < 0 ? '' : url.slice(cut + 1);
  const known = azure?.route ?? CALL_ROUTES.get(path);
  const route = known ?? googlePath(path, sent) ?? bedrockPath(path) ?? undefined;
  if (route && request.method === 'POST') {
    // A query of Google's form changes what the answer is (`fields`, `alt`): nothing of it crosses.
    const query = route.family === 'google' ? '' : azure === null ? sent : withoutApiVersion(sent);
    return void carry(gate, { request, response, route, query, config: gate.config, tenant: null, callId: null });
  }
  if (sideDoor(request, response, path)) return;
  const family = familyOf(request, path);
  const anthropic = request.headers['anthropic-version'] !== undefined;
  const stored = route ? null : storedRoute(request.method ?? 'GET', path, anthropic);
  if (stored && 'kind' in stored) {
    const sent = cut < 0 ? '' : url.slice(cut + 1);
    const query = azure === null ? sent : withoutApiVersion(sent);
    return void carryStored(gate, { request, response, route: stored, query, config: gate.config });
  }
  void aside(gate, { request, response, path, route, allow: stored?.allow ?? null }, family);
}

/** What is no call and no side door. */
async function aside(gate: Gate, asked: Other, family: Family): Promise<void> {
  try {
    if (asked.allow !== null) throw wrongMethod(asked.response, asked.path, asked.allow);
    await (serveStreams(gate, asked.request, asked.response, asked.path) ?? other(gate, asked));
  } catch (thrown) {
    fail(gate, asked.response, family, thrown);
  }
}

async function carry(gate: Gate, exchange: Exchange): Promise<void> {
  try {
    if (exchange.route.refused) throw exchange.route.refused;
    if (gate.draining) throw new HeadgateError('draining', { retryAfterMs: 1_000 });
    await serveCall(gate, exchange);
  } catch (thrown) {
    fail(gate, exchange.response, exchange.route.family, thrown, exchange);
  }
}

async function carryStored(gate: Gate, arrival: StoredArrival): Promise<void> {
  try {
    await serveStored(gate, arrival);
  } catch (thrown) {
    fail(gate, arrival.response, arrival.route.family, thrown);
  }
}

function wrongMethod(response: ServerResponse, path: string, allow: readonly string[]): HeadgateError {
  response.setHeader('allow', allow.join(', '));
  return new HeadgateError('method_not_allowed', { message: `${path.slice(0, 200)} takes ${allow.join(' or ')}.` });
}

const NOBODY = { callId: null, tenant: null } as const;

function fail(
  gate: Gate,
  response: ServerResponse,
  family: Family,
  thrown: unknown,
  { callId, tenant }: Pick<Exchange, 'callId' | 'tenant'> = NOBODY,
): void {
  const error = asHeadgateError(thrown);
  gate.meter.refused(error.code, tenant, gate.clock.now());
  if (error.code === 'internal') gate.log.error({ err: thrown }, 'a call failed by a mistake of ours');
  if (gate.draining && !response.headersSent) response.setHeader('connection', 'close');
  refuse(response, family, error, callId);
}

interface Other {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly path: string;
  readonly route: CallRoute | undefined;
  /** Methods of a path that is known and was asked by another; null: it is not. */
  readonly allow: readonly string[] | null;
}

const MODELS = /^\/v1(?:beta1?|alpha)?\/(?:publishers\/google\/)?models(?:\/|$)/;

function other(gate: Gate, { request, response, path, route }: Other): void {
  const read = request.method === 'GET' || request.method === 'HEAD';
  if (route) {
    throw wrongMethod(response, path, ['POST']);
  }
  if (read && isGoogle(request, path) && MODELS.test(path)) return serveGoogleModels(gate, request, response, path);
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

function familyOf(request: IncomingMessage, path: string): Family {
  if (path.startsWith('/model/')) return 'bedrock';
  if (path.startsWith('/v1/messages') || request.headers['anthropic-version'] !== undefined) return 'anthropic';
  return isGoogle(request, path) ? 'google' : 'openai';
}

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
