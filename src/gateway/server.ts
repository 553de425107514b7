import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { HeadgateError } from '#kernel/errors.ts';
import { nearest } from '#kernel/did-you-mean.ts';
import { GRPC_ECHO_PATH } from '#capabilities/streams/routes.ts';
import { exchangeOf } from './call.ts';
import { crossOrigin } from './cross-origin.ts';
import { serveGrpc } from './grpc/door.ts';
import { createH2Server } from './h2/server.ts';
import { carry, fail } from './carry.ts';
import type { Gate } from './gate.ts';
import { shareThePort } from './one-port.ts';
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
import { lastWords } from './last-words.ts';
import { isGoogle, serveGoogleModels, serveModels, serveMe } from './listing.ts';
import { serveScores } from './scores.ts';
import { PeerWatch } from './peers/watch.ts';
import { keepAlive, SERVER_BOUNDS, SERVER_TIMERS } from './timers.ts';
import { serveStreams } from './streams/door.ts';

/** Serves `/admin`, `/metrics` and `/health`: true where the path was its own. */
export type SideDoor = (request: IncomingMessage, response: ServerResponse, path: string) => boolean;

/** Takes an upgrade that is its own: true. */
export type UpgradeDoor = (request: IncomingMessage, socket: Duplex, head: Buffer) => boolean;

export function createGateServer(gate: Gate, sideDoor: SideDoor, upgradeDoor: UpgradeDoor): Server {
  const server = createServer(
    {
      ...SERVER_TIMERS,
      maxHeaderSize: gate.config.file.limits.headerBytes,
      noDelay: true,
    },
    (request, response) => dispatch(gate, request, response, sideDoor),
  );
  Object.assign(server, SERVER_BOUNDS);
  const h2 = createH2Server({
    headerBytes: gate.config.file.limits.headerBytes,
    heartbeatMs: () => gate.config.file.stream.heartbeat,
    serve: (request, response) => dispatch(gate, request, response, sideDoor),
    ended: (why) => gate.log.info({ why }, 'a session of HTTP/2 was ended: its peer floods, or answers no ping'),
  });
  shareThePort(server, h2);
  server.on('connection', keepAlive);
  watchPeers(gate, server);
  server.on('upgrade', (request, socket, head) => {
    if (!upgradeDoor(request, socket, head)) refuseUpgrade(socket);
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => clientError(error, socket));
  return server;
}

/** Clients that vanish in mid-answer are let go, as if they had said that they left. */
function watchPeers(gate: Gate, server: Server): void {
  const watch = new PeerWatch({
    ageMs: () => gate.config.file.stream.slowReader.age,
    busy: () => gate.meter.inFlight > 0 || gate.streams.live > 0,
    gone: (why) => gate.log.info({ why }, 'a client acknowledged nothing for too long: its connection is let go'),
  });
  server.on('connection', (socket) => watch.add(socket));
  server.once('close', () => watch.close());
}

function dispatch(gate: Gate, request: IncomingMessage, response: ServerResponse, sideDoor: SideDoor): void {
  const url = request.url ?? '/';
  if (request.headers.origin !== undefined && crossOrigin(gate, request, response)) return;
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
    return void carry(gate, exchangeOf(gate, { request, response, route, query }));
  }
  // A method that is there for whoever holds a ticket; for anybody else it is an unknown one.
  if (path === GRPC_ECHO_PATH && sideDoor(request, response, path)) return;
  if (serveGrpc(gate, request, response, path)) return;
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

interface Other {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly path: string;
  readonly route: CallRoute | undefined;
  /** Methods of a path that is known and was asked by another; null: it is not. */
  readonly allow: readonly string[] | null;
}

const MODELS = /^\/v1(?:beta1?|alpha)?\/(?:publishers\/google\/)?models(?:\/|$)/;

function other(gate: Gate, { request, response, path, route }: Other): void | Promise<void> {
  const read = request.method === 'GET' || request.method === 'HEAD';
  if (route) {
    throw wrongMethod(response, path, ['POST']);
  }
  if (read && isGoogle(request, path) && MODELS.test(path)) return serveGoogleModels(gate, request, response, path);
  if (read && (path === '/v1/models' || path.startsWith('/v1/models/')))
    return serveModels(gate, request, response, path);
  if (path === '/v1/headgate/scores') return serveScores(gate, request, response);
  if (read && path === '/v1/headgate/me') return serveMe(gate, request, response);
  // Claude Code asks `HEAD /` at its start (clients.md 1).
  if (read && path === '/') return void response.writeHead(200, { 'content-type': 'text/plain' }).end('Headgate\n');
  if (path === '/v1/stream') {
    response.setHeader('upgrade', 'websocket');
    throw new HeadgateError('upgrade_required', { message: 'This path is a WebSocket.' });
  }
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

const NO_SOCKET =
  '{"error":{"message":"This endpoint does not serve WebSocket.","type":"invalid_request_error","code":"upgrade_required"}}';

/** Codex tries a WebSocket first, and falls back without waiting on a 426 alone (clients.md 5). */
function refuseUpgrade(socket: Duplex): void {
  lastWords(
    socket,
    'HTTP/1.1 426 Upgrade Required\r\nconnection: close\r\nx-should-retry: false\r\ncontent-type: application/json\r\n' +
      `content-length: ${NO_SOCKET.length}\r\n\r\n${NO_SOCKET}`,
  );
}

function clientError(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const status = error.code === 'HPE_HEADER_OVERFLOW' ? '431 Request Header Fields Too Large' : '400 Bad Request';
  lastWords(socket, `HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
}
