import type { Server } from 'node:http';
import { constants, type Http2Server, type ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import { SERVER_TIMERS } from './timers.ts';

/** No method of HTTP/1 begins so; HTTP/2's own preface is checked whole by whoever gets the socket. */
const PREFACE = 'PRI';

/**
 * Lets a server of HTTP/1 hand sockets that begin with HTTP/2's preface to another: both are on one port without TLS.
 * What is decided is decided by connection, on its first three bytes at most; a request costs nothing more. Closing
 * the server says GOAWAY to the sessions of the other, and waits for their streams as for requests.
 */
export function shareThePort(server: Server, h2: Http2Server): void {
  const [http1] = server.listeners('connection') as ((socket: Socket) => void)[];
  server.off('connection', http1!);
  const undecided = new Set<Socket>();
  const sessions = new Set<ServerHttp2Session>();
  /** Of sessions, until the peer has closed them too. */
  const taken = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    undecided.add(socket);
    sniff(socket, (isHttp2) => {
      undecided.delete(socket);
      if (isHttp2 === null) return;
      // A server of HTTP/1 lets its sockets be half open: a session would not see that its client has gone.
      if (isHttp2) {
        socket.allowHalfOpen = false;
        taken.add(socket);
        socket.once('close', () => taken.delete(socket));
        h2.emit('connection', socket);
      } else http1!.call(server, socket);
    });
  });
  h2.on('session', (session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
  });
  closesBoth(server, { undecided, sessions, taken });
}

interface Held {
  readonly undecided: ReadonlySet<Socket>;
  readonly sessions: ReadonlySet<ServerHttp2Session>;
  readonly taken: ReadonlySet<Socket>;
}

/** Node's own three ways to close, for all that is on the port. */
function closesBoth(server: Server, { undecided, sessions, taken }: Held): void {
  const [close, idle, all] = [server.close, server.closeIdleConnections, server.closeAllConnections];
  server.close = (done) => {
    for (const session of sessions) session.close();
    return close.call(server, done);
  };
  server.closeIdleConnections = () => {
    for (const socket of undecided) socket.destroy();
    idle.call(server);
  };
  server.closeAllConnections = () => {
    for (const socket of undecided) socket.destroy();
    for (const session of sessions) session.destroy(undefined, constants.NGHTTP2_NO_ERROR);
    // A session that was asked to close waits for its peer to do so, which may never.
    setImmediate(() => taken.forEach((socket) => socket.destroy()));
    all.call(server);
  };
}

/** Reads until it is sure, and puts back what it read. Null: the socket ended first, or took too long. */
function sniff(socket: Socket, decided: (isHttp2: boolean | null) => void): void {
  let seen: Buffer = Buffer.alloc(0);
  const timer = setTimeout(() => socket.destroy(), SERVER_TIMERS.headersTimeout);
  timer.unref();
  const over = (isHttp2: boolean | null): void => {
    clearTimeout(timer);
    socket.off('data', read).off('end', gone).off('close', gone).off('error', broke);
    if (isHttp2 !== null) {
      socket.pause();
      socket.unshift(seen);
    }
    decided(isHttp2);
    // A session takes what was put back by itself.
    if (isHttp2 === false) socket.resume();
  };
  const read = (chunk: Buffer): void => {
    seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk]);
    const begin = seen.toString('latin1', 0, PREFACE.length);
    if (begin === PREFACE) over(true);
    else if (!PREFACE.startsWith(begin)) over(false);
  };
  const gone = (): void => {
    over(null);
    socket.destroy();
  };
  const broke = (): void => void socket.destroy();
  socket.on('data', read).on('end', gone).on('close', gone).on('error', broke);
}
