import { EventEmitter } from 'node:events';
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import { Readable } from 'node:stream';
import type { ClientRequest, ClientResponse } from '../client.ts';

/** An answer in one piece, or a refusal: what a plain HTTP client would have got. */
export interface CarriedAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** A request that came in a frame or a message: its head as HTTP would have it, and its body. */
export function carriedRequest(headers: IncomingHttpHeaders, body: Buffer): ClientRequest {
  const request = Readable.from([body], { objectMode: false });
  return Object.assign(request, { headers: { ...headers, 'content-length': String(body.length) } });
}

/**
 * The response of a call whose client is on another protocol. A streamed answer never comes here, since its reader
 * has it from the log; what comes is collected, and handed over whole.
 */
export class CarriedResponse extends EventEmitter implements ClientResponse {
  readonly #answered: (answer: CarriedAnswer) => void;
  readonly #chunks: Buffer[] = [];
  #headers: Record<string, string> = {};
  headersSent = false;
  statusCode = 200;
  destroyed = false;
  writableFinished = false;
  readonly writableNeedDrain = false;
  readonly writableLength = 0;

  /** `answered` is called once, unless the answer is a stream or breaks off. */
  constructor(answered: (answer: CarriedAnswer) => void) {
    super();
    this.#answered = answered;
  }

  /** Headers so far; those of a stream are there when its reader is attached. */
  get headers(): Readonly<Record<string, string>> {
    return this.#headers;
  }

  setHeader(name: string, value: string): void {
    this.#headers[name.toLowerCase()] = value;
  }
  writeHead(status: number, headers: OutgoingHttpHeaders | string[]): void {
    this.statusCode = status;
    this.headersSent = true;
    const flat = Array.isArray(headers) ? headers : Object.entries(headers).flat();
    for (let i = 0; i < flat.length; i += 2) this.setHeader(String(flat[i]), String(flat[i + 1]));
  }
  flushHeaders(): void {
    // The head goes out with what it is the head of.
  }
  write(bytes: string | Buffer, encodingOrDone?: BufferEncoding | (() => void)): boolean {
    const encoding = typeof encodingOrDone === 'string' ? encodingOrDone : 'utf8';
    if (!this.destroyed) this.#chunks.push(Buffer.from(bytes as string, encoding));
    if (typeof encodingOrDone === 'function') setImmediate(encodingOrDone);
    return true;
  }
  end(bytes?: string | Buffer, encoding?: BufferEncoding): void {
    if (this.destroyed || this.writableFinished) return;
    if (bytes !== undefined) this.#chunks.push(typeof bytes === 'string' ? Buffer.from(bytes, encoding) : bytes);
    this.writableFinished = true;
    this.#answered({ status: this.statusCode, headers: this.#headers, body: Buffer.concat(this.#chunks) });
    this.emit('close');
  }
  /** The answer broke off, or the client has left: nothing more goes out. */
  destroy(): void {
    if (this.destroyed || this.writableFinished) return;
    this.destroyed = true;
    this.emit('close');
  }
}
