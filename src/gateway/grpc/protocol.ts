import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerResponse } from 'node:http2';
import { HeadgateError } from '#kernel/errors.ts';
import { enveloped, FLAG, oneMessage } from '#wire/grpc/index.ts';
import type { Failure } from './failure.ts';

/** A way to speak of the same messages. */
export interface Protocol {
  readonly name: 'grpc' | 'grpc-web' | 'connect';
  readonly contentType: string;
  readonly json: boolean;
  /** gRPC-Web in base64. */
  readonly text: boolean;
  /** Connect's calls in one piece: no envelope, and the status is HTTP's. */
  readonly bare: boolean;
}

const form = (name: Protocol['name'], contentType: string, more: Partial<Protocol> = {}): Protocol => ({
  ...{ name, contentType, json: false, text: false, bare: false },
  ...more,
});

const PROTOCOLS: ReadonlyMap<string, Protocol> = new Map(
  [
    form('grpc', 'application/grpc'),
    form('grpc', 'application/grpc+proto'),
    form('grpc', 'application/grpc+json', { json: true }),
    form('grpc-web', 'application/grpc-web'),
    form('grpc-web', 'application/grpc-web+proto'),
    form('grpc-web', 'application/grpc-web+json', { json: true }),
    form('connect', 'application/connect+proto'),
    form('connect', 'application/connect+json', { json: true }),
    form('connect', 'application/proto', { bare: true }),
    form('connect', 'application/json', { bare: true, json: true }),
  ].map((each) => [each.contentType, each]),
);

/** Null: the content type is none of ours. gRPC itself needs trailers, which HTTP/1 clients do not read. */
export function protocolOf({ headers, httpVersionMajor }: IncomingMessage): Protocol | null {
  const protocol = PROTOCOLS.get((headers['content-type'] ?? '').split(';', 1)[0]!.trim().toLowerCase()) ?? null;
  return protocol?.name === 'grpc' && httpVersionMajor < 2 ? null : protocol;
}

/** The request's message, out of its envelope. */
export function messageOf(protocol: Protocol, { headers }: IncomingMessage, body: Buffer): Buffer {
  const encoding = headers['content-encoding'] ?? 'identity';
  if (protocol.bare && encoding !== 'identity') throw compressed();
  if (protocol.bare) return body;
  const read = oneMessage(protocol.text ? Buffer.from(body.toString('latin1'), 'base64') : body);
  if (read.ok) return read.message;
  if (read.fault === 'compressed') throw compressed();
  throw new HeadgateError('invalid_request', { message: read.message });
}

export class CompressedRequest extends HeadgateError {}
const compressed = (): HeadgateError =>
  new CompressedRequest('bad_encoding', { message: 'Messages are taken without compression (identity).' });

/** An answer under way: its head, messages, and the status at its end. */
export class Answer {
  readonly #protocol: Protocol;
  readonly #response: ServerResponse;
  #ended = false;

  constructor(protocol: Protocol, response: ServerResponse) {
    this.#protocol = protocol;
    this.#response = response;
  }

  get ended(): boolean {
    return this.#ended;
  }
  get response(): ServerResponse {
    return this.#response;
  }

  begin(headers: Readonly<Record<string, string>> = {}): void {
    if (this.#response.headersSent || this.#response.destroyed) return;
    const { name, contentType } = this.#protocol;
    this.#response.writeHead(200, {
      'content-type': contentType,
      'cache-control': 'no-cache',
      'x-accel-buffering': 'no',
      ...(name === 'connect' ? {} : { 'grpc-accept-encoding': 'identity' }),
      ...headers,
    });
    this.#response.flushHeaders();
  }

  /** A message of a stream, or of gRPC's answer in one piece. */
  message(bytes: Uint8Array): number {
    if (this.#ended) return 0;
    const frame = enveloped(FLAG.message, bytes);
    this.#write(frame);
    return frame.length;
  }

  /** The whole answer of a call in one piece. */
  whole(bytes: Uint8Array, headers: Readonly<Record<string, string>>): void {
    if (!this.#protocol.bare) {
      this.begin(headers);
      this.message(bytes);
      return this.end(null);
    }
    this.#ended = true;
    this.#response.writeHead(200, {
      'content-type': this.#protocol.contentType,
      'content-length': String(bytes.length),
      ...headers,
    });
    this.#response.end(bytes);
  }

  /** Null: all is well. */
  end(failure: Failure | null): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#response.destroyed) return;
    const { name, bare } = this.#protocol;
    if (bare) return failure ? this.#refuse(failure) : void this.#response.end();
    if (name === 'connect') return this.#connectEnd(failure);
    const trailers = failure?.trailers ?? { 'grpc-status': '0' };
    if (name === 'grpc-web') return this.#webEnd(trailers);
    this.begin();
    const response = this.#response as unknown as Http2ServerResponse;
    response.addTrailers(trailers);
    response.end();
  }

  #connectEnd(failure: Failure | null): void {
    this.begin();
    const said = failure ? { error: failure.connect } : {};
    this.#response.end(enveloped(FLAG.connectEnd, Buffer.from(JSON.stringify(said))));
  }

  #webEnd(trailers: Readonly<Record<string, string>>): void {
    this.begin();
    const lines = Object.entries(trailers).map(([name, value]) => `${name}: ${value}\r\n`);
    this.#write(enveloped(FLAG.webTrailers, Buffer.from(lines.join(''))));
    this.#response.end();
  }

  #refuse({ httpStatus, connect }: Failure): void {
    const body = Buffer.from(JSON.stringify(connect));
    this.#response.writeHead(httpStatus, { 'content-type': 'application/json', 'content-length': String(body.length) });
    this.#response.end(body);
  }

  #write(frame: Buffer): void {
    if (!this.#response.destroyed) this.#response.write(this.#protocol.text ? frame.toString('base64') : frame);
  }
}
