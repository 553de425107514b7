import { createServer, Http2ServerResponse, type Http2Server } from 'node:http2';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { H2_BOUNDS, H2_TIMERS } from '../timers.ts';
import { SessionGuard, type GuardParts } from './guard.ts';

/** Every setting of `node:http2` that bounds a peer, each with its reason. */
const SETTINGS = {
  /** A client of many calls at once opens a second connection after these. */
  maxConcurrentStreams: 1_000,
  /** What a client may send of one body before somebody reads it; the body's own limit comes later. */
  initialWindowSize: 256 * 1_024,
  /** Nobody is pushed to. */
  enablePush: false,
} as const;

const OPTIONS = {
  /** Settings, pings and resets that wait for their answers: a flood ends the session. */
  maxOutstandingSettings: 4,
  maxOutstandingPings: 4,
  /** Megabytes of one session in all: heads, windows, what waits to be sent. */
  maxSessionMemory: 16,
  /** Rapid resets: a second line behind the guard's own bounds, for those of whom no stream is made. */
  streamResetBurst: 2_000,
  streamResetRate: 200,
  /** Frames that are no frame of the protocol's. */
  maxSessionInvalidFrames: 100,
  maxSessionRejectedStreams: 100,
} as const;

/** What Node's response of HTTP/2 lacks of the other's, and a relay asks for. */
class Response extends Http2ServerResponse {}
Object.defineProperties(Response.prototype, {
  destroyed: {
    get(this: Http2ServerResponse): boolean {
      return this.stream?.destroyed ?? true;
    },
  },
  /** Node ends a stream that was reset as if all of it had gone out. */
  writableFinished: {
    get(this: Http2ServerResponse): boolean {
      return this.writableEnded && (this.stream?.writableFinished ?? true);
    },
  },
  /** A body that was not read to its end takes no other request with it, as over HTTP/1. */
  req: { get: (): undefined => undefined, set: (): void => {} },
  writableNeedDrain: {
    get(this: Http2ServerResponse): boolean {
      return this.stream?.writableNeedDrain ?? false;
    },
  },
});

export interface H2Parts extends Omit<GuardParts, 'now'> {
  readonly headerBytes: number;
  /** How often a peer with a stream is asked whether it is there, in milliseconds. */
  readonly heartbeatMs: () => number;
  readonly serve: (request: IncomingMessage, response: ServerResponse) => void;
}

/** HTTP/2 without TLS, for whoever knows that it is spoken here: gRPC, and every other path as well. */
export function createH2Server({ headerBytes, heartbeatMs, serve, ended }: H2Parts): Http2Server {
  const server = createServer({
    ...OPTIONS,
    ...H2_TIMERS,
    settings: { ...SETTINGS, maxHeaderListSize: headerBytes },
    Http2ServerResponse: Response,
  });
  Object.assign(server, H2_BOUNDS);
  server.on('request', (request, response) =>
    serve(request as unknown as IncomingMessage, response as unknown as ServerResponse),
  );
  const guards = new Set<SessionGuard>();
  server.on('session', (session) => {
    session.on('error', () => session.destroy());
    if (session.socket) session.setTimeout(H2_BOUNDS.timeout);
    const guard = new SessionGuard(session, { now: () => performance.now(), ended });
    guards.add(guard);
    session.once('close', () => guards.delete(guard));
    if (guards.size === 1) beat();
  });
  /** While there is a session. */
  const beat = (): void => {
    const intervalMs = heartbeatMs();
    setTimeout(() => {
      for (const guard of guards) guard.beat(intervalMs);
      if (guards.size > 0) beat();
    }, intervalMs).unref();
  };
  server.on('sessionError', () => {
    // The session has been told; there is no call to answer.
  });
  return server;
}
