import { constants, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import { Credit } from './credit.ts';

const { NGHTTP2_ENHANCE_YOUR_CALM: CALM } = constants;

/**
 * Pings and settings that a peer may send unasked. A client's keep-alive is one in ten seconds at most (grpc-js); one
 * that measures its bandwidth (gRPC's BDP) pings once for what we sent, and that is not counted.
 */
const CONTROL = { burst: 200, perSecond: 20 } as const;
/** Streams that a peer gives up (CVE-2023-44487): all of a full session at once, and then so many a second. */
const RESETS = { burst: 1_000, perSecond: 100 } as const;
/** Acknowledgements of ours: 9 bytes of head, and 8 of a ping's data. */
const ACK_BYTES = 17;
/** What was said to a flooder is on its way for so long before the connection is closed. */
const LINGER_MS = 200;
/** A turn of a busy loop is no silence of the peer's. */
const SLACK_MS = 500;
/** A peer may stand still for so long (a collection, a page that is swapped out), however short the interval. */
const LEAST_PATIENCE_MS = 5_000;

export interface GuardParts {
  readonly now: () => number;
  /** Why a session was ended. */
  readonly ended: (why: 'flood' | 'vanished') => void;
}

/** One session: what its peer may ask of us without a call, and whether it is still there. */
export class SessionGuard {
  readonly #session: ServerHttp2Session;
  readonly #parts: GuardParts;
  readonly #control: Credit;
  readonly #resets: Credit;
  #streams = 0;
  #written = 0;
  #read = -1;
  #heardAt: number;
  #isOver = false;

  constructor(session: ServerHttp2Session, parts: GuardParts) {
    this.#session = session;
    this.#parts = parts;
    const now = parts.now();
    this.#control = new Credit(CONTROL, now);
    this.#resets = new Credit(RESETS, now);
    this.#heardAt = now;
    session.on('ping', () => this.#asked());
    session.on('remoteSettings', () => this.#asked());
    session.on('stream', (stream) => this.#opened(stream));
    // Node ends a flooder's session as if the mistake were ours (INTERNAL_ERROR).
    const destroy = session.destroy;
    session.destroy = (error?: Error | number, code?: number) => {
      const flood = isFlood(error);
      if (flood) this.#over('flood');
      destroy.call(session, error as Error, flood ? CALM : code);
    };
  }

  /**
   * Once an interval: a ping, and an end for whoever sent nothing at all for two of them, not even an answer to a ping.
   * A session without a stream costs nobody anything: TCP's keep-alive finds its peer.
   */
  beat(intervalMs: number): void {
    const { socket, destroyed } = this.#session;
    if (destroyed || this.#isOver) return;
    const now = this.#parts.now();
    const read = socket?.bytesRead ?? 0;
    if (this.#streams === 0 || read !== this.#read) this.#heardAt = now;
    this.#read = read;
    if (this.#streams === 0) return;
    if (now - this.#heardAt > Math.max(2 * intervalMs, LEAST_PATIENCE_MS) + SLACK_MS) {
      this.#over('vanished');
      return this.#session.destroy();
    }
    this.#session.ping(() => undefined);
  }

  /** A ping or settings that we had to answer. */
  #asked(): void {
    const written = this.#session.socket?.bytesWritten ?? 0;
    const gotMore = written - this.#written > 2 * ACK_BYTES;
    this.#written = written;
    if (!gotMore && !this.#control.take(this.#parts.now())) this.#flood();
  }

  #opened(stream: ServerHttp2Stream): void {
    this.#streams++;
    stream.once('close', () => {
      this.#streams--;
      // One that we ended ourselves has no code.
      if (stream.rstCode !== 0 && !this.#resets.take(this.#parts.now())) this.#flood();
    });
    // Node waits for somebody to read the rest of a body, which nobody will: it would stay as long as its session.
    stream.once('aborted', () => setImmediate(() => stream.destroy()));
  }

  /** Told, and cut a moment later: bytes of the flood that nobody reads would cost the peer the words. */
  #flood(): void {
    if (this.#isOver || this.#session.destroyed) return;
    this.#over('flood');
    this.#session.goaway(CALM);
    setTimeout(() => this.#session.destroy(CALM as never), LINGER_MS).unref();
  }

  #over(why: 'flood' | 'vanished'): void {
    if (!this.#isOver) this.#parts.ended(why);
    this.#isOver = true;
  }
}

/** Empty frames (Node's bound); answers that nobody reads, and heads without end (nghttp2's). */
const FLOODS: ReadonlySet<unknown> = new Set(['ERR_HTTP2_TOO_MANY_INVALID_FRAMES', -904, -905]);

function isFlood(error: Error | number | undefined): boolean {
  if (!(error instanceof Error)) return false;
  const { code, errno } = error as NodeJS.ErrnoException;
  return FLOODS.has(code) || FLOODS.has(errno);
}
