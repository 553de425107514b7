import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import type { StreamProtocol } from '#ports/entry.ts';
import type { LiveStream, StreamReader } from '#capabilities/streams/index.ts';

/** The request of a call, whatever carried it: its head and its body, undecoded. `IncomingMessage` is one. */
export interface ClientRequest extends Readable {
  readonly headers: IncomingHttpHeaders;
  /** Of HTTP/1: false where it broke off. */
  readonly complete?: boolean;
}

/** Where an answer goes, whatever carries it. `ServerResponse` is one, and a frame or a message of another protocol. */
export interface ClientResponse {
  readonly headersSent: boolean;
  readonly statusCode: number;
  readonly destroyed: boolean;
  /** The whole answer was handed over: a `close` after it is no loss. */
  readonly writableFinished: boolean;
  readonly writableNeedDrain: boolean;
  /** Bytes that wait to be sent. */
  readonly writableLength: number;
  /** Of HTTP/1: the connection, which is this answer's own as long as it goes on. */
  readonly socket?: Socket | null;
  /** Of HTTP/1: the body goes out in chunks. */
  readonly chunkedEncoding?: boolean;
  /** Of HTTP/1: has the request's body been read to its end? */
  readonly req?: { readonly complete: boolean };
  setHeader(name: string, value: string): unknown;
  /** Headers as an object, or as a flat list of names and values. */
  writeHead(status: number, headers: OutgoingHttpHeaders | string[]): unknown;
  flushHeaders(): void;
  /** False: `drain` tells when there is room again. */
  write(bytes: string | Buffer, encodingOrDone?: BufferEncoding | (() => void)): boolean;
  end(bytes?: string | Buffer, encoding?: BufferEncoding): unknown;
  destroy(): unknown;
  on(event: 'close' | 'drain', listener: () => void): unknown;
  once(event: 'close' | 'drain', listener: () => void): unknown;
  off(event: 'close' | 'drain', listener: () => void): unknown;
}

/**
 * A call that came over another protocol than plain HTTP. Its answer, if streamed, is always read from a log, and goes
 * out as `reader` says; an answer in one piece and a refusal go to the exchange's response.
 */
export interface Carrier {
  readonly protocol: StreamProtocol;
  /** Null: nobody reads it by this call. */
  reader(stream: LiveStream): StreamReader | null;
  /** An interval has passed and no provider answers yet. Absent: the protocol has a sign of life of its own. */
  waiting?(): void;
}
