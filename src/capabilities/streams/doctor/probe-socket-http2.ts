/** A WebSocket as a stream of HTTP/2 (RFC 8441). */
import { createHash } from 'node:crypto';
import type { ClientHttp2Stream } from 'node:http2';
import { Duplex } from 'node:stream';
import type { SocketSample } from './core/upgrade.ts';
import { openHttp2 } from './http2-connection.ts';
import { probeSocket } from './probe-socket.ts';
import type { StreamAsk } from './taking.ts';
import { headersOf, urlOf, type Way } from './way.ts';

/** Whether the first hop's SETTINGS take extended CONNECT; null: none came. Never throws. */
export async function offersSockets(way: Way): Promise<boolean | null> {
  const connection = await openHttp2(way).catch(() => null);
  if (connection === null) return null;
  const settings = await connection.settings;
  connection.session.destroy();
  return settings && settings.enableConnectProtocol === true;
}

/** One WebSocket over HTTP/2, on a connection of its own. An opened one has the status 101, as over HTTP/1.1. Never throws. */
export const probeSocketHttp2 = async (way: Way, ask: StreamAsk): Promise<SocketSample> => ({
  ...(await probeSocket(way, ask, () => new Carried(way, ask))),
  httpVersion: '2.0',
});

const HEAD_END = '\r\n\r\n';
/** Of RFC 6455, 1.3. */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** Speaks the handshake of HTTP/1.1 with a client of WebSockets, and extended CONNECT with the way. */
class Carried extends Duplex {
  #head = '';
  #stream: ClientHttp2Stream | null = null;
  #close = (): void => undefined;

  constructor(way: Way, ask: StreamAsk) {
    super();
    this.#open(way, ask).catch((error: unknown) => this.destroy(error as Error));
  }

  async #open(way: Way, ask: StreamAsk): Promise<void> {
    const { session, settings } = await openHttp2(way);
    this.#close = () => session.destroy();
    session.on('error', (error) => this.destroy(error));
    await settings;
    if (this.destroyed) return this.#close();
    const url = urlOf(way, 'ws', ask.query);
    const stream = session.request(
      {
        ...headersOf(way),
        ...{ ':method': 'CONNECT', ':protocol': 'websocket', ':path': url.pathname + url.search },
        ...{ ':scheme': url.protocol.slice(0, -1), ':authority': url.host, 'sec-websocket-version': '13' },
      },
      { endStream: false },
    );
    this.#stream = stream;
    stream.on('response', (headers) => {
      this.push(this.#answer(headers[':status'] ?? 0));
      // Not before: Node says that a head came a turn later than the data of the same packet.
      stream.on('data', (chunk: Buffer) => void this.push(chunk));
      stream.on('end', () => this.push(null));
    });
    stream.on('error', (error) => this.destroy(error));
    stream.on('close', () => this.destroy());
  }

  /** The head of an answer as HTTP/1.1 has it. */
  #answer(status: number): string {
    if (status !== 200) return `HTTP/1.1 ${status} \r\nconnection: close${HEAD_END}`;
    const key = /^sec-websocket-key: *(\S+)/im.exec(this.#head)?.[1] ?? '';
    const accept = createHash('sha1')
      .update(key + GUID)
      .digest('base64');
    return `HTTP/1.1 101 \r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: ${accept}${HEAD_END}`;
  }

  override _read(): void {
    this.#stream?.resume();
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    if (this.#head.endsWith(HEAD_END)) this.#stream?.write(chunk);
    else this.#head += chunk.toString('latin1');
    done();
  }

  override _final(done: () => void): void {
    this.#stream?.end();
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#stream?.close();
    setImmediate(this.#close);
    done(error);
  }
}
