import { createServer, Http2ServerResponse, type Http2Server } from 'node:http2';
import type { IncomingMessage, ServerResponse } from 'node:http';

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
  /** Rapid resets (CVE-2023-44487): a burst of so many, and so many a second. */
  streamResetBurst: 1_000,
  streamResetRate: 100,
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
  writableNeedDrain: {
    get(this: Http2ServerResponse): boolean {
      return this.stream?.writableNeedDrain ?? false;
    },
  },
});

/** HTTP/2 without TLS, for whoever knows that it is spoken here: gRPC, and every other path as well. */
export function createH2Server(
  headerBytes: number,
  serve: (request: IncomingMessage, response: ServerResponse) => void,
): Http2Server {
  const server = createServer({
    ...OPTIONS,
    settings: { ...SETTINGS, maxHeaderListSize: headerBytes },
    Http2ServerResponse: Response,
  });
  server.on('request', (request, response) =>
    serve(request as unknown as IncomingMessage, response as unknown as ServerResponse),
  );
  server.on('session', (session) => {
    session.on('error', () => session.destroy());
    if (session.socket) session.setTimeout(0);
  });
  server.on('sessionError', () => {
    // The session has been told; there is no call to answer.
  });
  return server;
}
