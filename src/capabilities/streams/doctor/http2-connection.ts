import { connect as connectHttp2, type ClientHttp2Session, type Settings } from 'node:http2';
import { connect as connectTcp, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { addressOf, trustOf, type Way } from './way.ts';

export interface Http2Connection {
  readonly session: ClientHttp2Session;
  /** Whether the stream was ended by its last frame (END_STREAM). Node tells no reset without an error from it. */
  readonly isEnded: (streamId: number) => boolean;
  /** The first that the hop sends, as it must; null: none came. */
  readonly settings: Promise<Settings | null>;
}

const BOUND_MS = 4_000;

/** A connection of its own. Over TLS it offers HTTP/2 alone. Rejects with the socket's code, or `no_http2`. */
export async function openHttp2(way: Way): Promise<Http2Connection> {
  const socket = await opened(way);
  const wire = new Wire(socket);
  const session = connectHttp2(way.base.origin, { createConnection: () => wire });
  return { session, isEnded: (streamId) => wire.ended.has(streamId), settings: settingsOf(session) };
}

function settingsOf(session: ClientHttp2Session): Promise<Settings | null> {
  const { promise, resolve } = Promise.withResolvers<Settings | null>();
  const timer = setTimeout(() => resolve(null), BOUND_MS);
  session.once('remoteSettings', resolve);
  session.once('close', () => resolve(null));
  session.once('error', () => resolve(null));
  return promise.finally(() => clearTimeout(timer));
}

function opened(way: Way): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const { host, port, servername } = addressOf(way);
  const secure = way.base.protocol === 'https:';
  const socket = secure
    ? connectTls({ ...{ host, port, servername, ALPNProtocols: ['h2'] }, ...trustOf(way) })
    : connectTcp({ host, port });
  const fail = (error: unknown): void => {
    socket.destroy();
    reject(error as Error);
  };
  socket.setNoDelay(true);
  socket.setTimeout(BOUND_MS, () => fail(Object.assign(new Error('no connection in time'), { code: 'timeout' })));
  socket.once('error', fail);
  socket.once('close', () => fail(Object.assign(new Error('closed'), { code: 'closed' })));
  socket.once(secure ? 'secureConnect' : 'connect', () => {
    if ('alpnProtocol' in socket && socket.alpnProtocol !== 'h2')
      return fail(Object.assign(new Error('no HTTP/2'), { code: 'no_http2' }));
    socket.setTimeout(0);
    resolve(socket);
  });
  return promise;
}

const HEAD_BYTES = 9;
const DATA = 0;
const HEADERS = 1;
const END_STREAM = 1;

/** Passes bytes on and reads the heads of frames (RFC 9113, 4.1) as they come. */
class Wire extends Duplex {
  readonly ended = new Set<number>();
  readonly #socket: Socket;
  #head = Buffer.alloc(0);
  #payloadLeft = 0;

  constructor(socket: Socket) {
    super();
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#look(chunk);
      if (!this.push(chunk)) socket.pause();
    });
    socket.on('end', () => this.push(null));
    socket.on('error', (error) => this.destroy(error));
    socket.on('close', () => this.destroy());
  }

  #look(chunk: Buffer): void {
    for (let at = 0; at < chunk.length;) {
      const skipped = Math.min(this.#payloadLeft, chunk.length - at);
      this.#payloadLeft -= skipped;
      at += skipped;
      const piece = chunk.subarray(at, at + HEAD_BYTES - this.#head.length);
      this.#head = Buffer.concat([this.#head, piece]);
      at += piece.length;
      if (this.#head.length < HEAD_BYTES) return;
      const [type, flags] = [this.#head[3]!, this.#head[4]!];
      if ((type === DATA || type === HEADERS) && (flags & END_STREAM) !== 0) this.ended.add(this.#head.readUInt32BE(5));
      this.#payloadLeft = this.#head.readUIntBE(0, 3);
      this.#head = Buffer.alloc(0);
    }
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, done);
  }

  override _final(done: () => void): void {
    this.#socket.end(done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }
}
