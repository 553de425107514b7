import type { Server, ServerOptions } from 'node:http';
import type { ServerOptions as H2Options } from 'node:http2';
import type { Socket } from 'node:net';
import type { ServerOptions as WebSocketOptions } from 'ws';

/** Every timer that `node:http` has for a server, each with its reason: Node's defaults hurt here (research, clients 11). */
export const SERVER_TIMERS = {
  /** Idle sockets outlive those of balancers (600 s at most): the one that closes first makes no 502. */
  keepAliveTimeout: 620_000,
  /** Node adds this to what it announces, so that a request which is on its way meets an open socket. */
  keepAliveTimeoutBuffer: 1_000,
  /** A head that takes longer is an attack (slowloris). */
  headersTimeout: 30_000,
  /** The body has its own limit (`limits.bodyTimeout`), which answers in the client's dialect. */
  requestTimeout: 0,
  /** How often Node looks for heads that took too long: a slow head is over after 35 s at most. */
  connectionsCheckingInterval: 5_000,
} as const satisfies ServerOptions;

/** What Node takes as properties alone. */
export const SERVER_BOUNDS = {
  /** A stream may be silent for minutes while a model thinks: idleness of the socket says nothing. */
  timeout: 0,
  /** Balancers keep a few sockets for everything: a number of requests is no reason to close one. */
  maxRequestsPerSocket: 0,
} as const satisfies Partial<Server>;

/** Every timer that `node:http2` has for a server. */
export const H2_TIMERS = {
  /** Of connections over TLS whose protocol nobody knows; without TLS there are none, and the port tells them apart. */
  unknownProtocolTimeout: 10_000,
} as const satisfies H2Options;

/** What Node takes as properties of the server, and by a method of each session. */
export const H2_BOUNDS = {
  /** As over HTTP/1: silence says nothing. A peer with a stream is pinged, and one without is TCP's to find. */
  timeout: 0,
} as const;

/** Every timer that `ws` has for the sockets of a server. */
export const WEBSOCKET_TIMERS = {
  /** For a peer's half of the closing handshake; then the connection is cut. */
  closeTimeout: 30_000,
} as const satisfies WebSocketOptions & { readonly closeTimeout: number };

/**
 * A client that vanished without a word, with nothing on its way to it, is gone after 15 + 3 × 5 s. Bytes that wait for
 * an acknowledgement hold these probes back (Linux): then `peers/watch.ts` is the bound.
 */
export const CLIENT_KEEP_ALIVE = { enable: true, initialDelay: 15_000, interval: 5_000, count: 3 } as const;

/** Node 26 takes the probes' interval and count as well; an older one takes the delay, and the kernel has the rest. */
export function keepAlive(socket: Socket): void {
  const { enable, initialDelay, interval, count } = CLIENT_KEEP_ALIVE;
  const set = socket.setKeepAlive as (...asked: readonly unknown[]) => Socket;
  set.call(socket, enable, initialDelay, interval, count);
}
