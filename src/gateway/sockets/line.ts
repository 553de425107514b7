import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { textFrame } from '#wire/ws/index.ts';
import { Outflow } from '../streams/outflow.ts';
import type { SocketLimits } from './limits.ts';

/** Why a socket is closed; the numbers are RFC 6455's, section 7.4. */
export const CLOSE = {
  done: 1000,
  notText: 1003,
  policy: 1008,
  restart: 1012,
} as const;

/** The other side of a socket, whatever is spoken on it: what it sends is counted, and what waits for it is bounded. */
export class Line {
  readonly #client: WebSocket;
  readonly #socket: Duplex;
  readonly #limits: () => SocketLimits;
  readonly #out: Outflow;
  #credit: number;
  #creditAt = performance.now();
  #heardAt = performance.now();

  constructor(client: WebSocket, socket: Duplex, limits: () => SocketLimits) {
    this.#client = client;
    this.#socket = socket;
    this.#limits = limits;
    this.#credit = 2 * limits().framesPerSecond;
    // Each stream that has something to send is told, and lets its reader go.
    this.#out = new Outflow(
      socket,
      () => limits().slowReader,
      () => undefined,
    );
  }

  get open(): boolean {
    return this.#client.readyState === this.#client.OPEN;
  }

  /** False: so much waits, or for so long, that this reader is too slow. */
  send(text: string): boolean {
    if (!this.open) return false;
    this.#socket.write(textFrame(text));
    this.#out.wrote(text.length);
    return !this.#socket.writableNeedDrain || !(this.#out.isStuck || this.#out.full);
  }

  /** False: what waits for the peer is enough, and `ready` is called when it has taken it. */
  hasRoom(ready: () => void): boolean {
    return this.#out.hasRoom(ready);
  }

  /** A ping of the client's. What waits for it is more than a pong: the one to a later ping does for all (RFC 6455, 5.5.3). */
  answer(ping: Buffer): void {
    if (this.open && this.heard() && !this.#socket.writableNeedDrain) this.#client.pong(ping);
  }

  /** One more frame of the client's. False: too many, and the socket closes. */
  heard(): boolean {
    const now = performance.now();
    const { framesPerSecond } = this.#limits();
    this.#heardAt = now;
    this.#credit = Math.min(2 * framesPerSecond, this.#credit + ((now - this.#creditAt) / 1_000) * framesPerSecond) - 1;
    this.#creditAt = now;
    if (this.#credit >= 0) return true;
    this.close(CLOSE.policy, 'too many frames');
    // To the end of the handshake every frame of the flood is read: unread bytes would cost the peer the closing frame.
    setTimeout(() => this.#client.terminate(), LINGER_MS).unref();
    return false;
  }

  alive(): void {
    this.#heardAt = performance.now();
  }

  /** A ping of the protocol; whoever answered none for two intervals is gone, whatever the kernel says. */
  beat(intervalMs: number): void {
    if (performance.now() - this.#heardAt > 2 * intervalMs + SLACK_MS) return this.#client.terminate();
    if (this.open) this.#client.ping();
  }

  /** The closing handshake is the peer's turn then; `ws` ends the connection without it after 30 s. */
  close(code: number, reason: string): void {
    this.#client.close(code, reason);
    // Whoever does not read what waits would not read the closing frame.
    if (this.#out.full) this.#client.terminate();
  }

  terminate(): void {
    this.#client.terminate();
  }
}

/** Whoever floods has so long to answer the closing frame. */
const LINGER_MS = 5_000;
/** A turn of a busy loop is no silence of the peer's. */
const SLACK_MS = 500;
