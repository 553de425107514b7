import { EventEmitter } from 'node:events';
import type { OutgoingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import type { OutcomeStatus } from '#ports/entry.ts';
import type { ClientResponse } from '../client.ts';

export interface KeptBounds {
  /** How long nobody may wait for the answer before its call is cancelled, in milliseconds. */
  readonly graceMs: () => number;
  /** Bytes from which on the answer is not kept: who waits gets it, and nobody later. */
  readonly maxBytes: number;
}

/** What a later reader of an answer finds. `released`: the call came to nothing. `gone`: it ended without an answer. */
export type Begun = 'stream' | 'answer' | 'released' | 'gone';

/**
 * The response of a call that others may ask for as well: what goes out is kept, whoever comes later gets the same
 * bytes, and a client that leaves is no cancel while its grace lasts. A stream with a log of its own only passes.
 */
export class KeptAnswer extends EventEmitter implements ClientResponse {
  readonly #bounds: KeptBounds;
  readonly #first: ClientResponse;
  readonly #readers = new Set<ClientResponse>();
  readonly #kept: Buffer[] = [];
  readonly #begun: Promise<Begun>;
  #begin!: (begun: Begun) => void;
  #passes = false;
  #ended = false;
  #destroyed = false;
  #grace: NodeJS.Timeout | null = null;
  #headers: Record<string, string> = {};
  headersSent = false;
  statusCode = 200;
  /** How the call ended; null: it goes on, or came to nothing. */
  status: OutcomeStatus | null = null;
  /** What is kept, in bytes. */
  bytes = 0;
  overflowed = false;

  constructor(first: ClientResponse, bounds: KeptBounds) {
    super();
    this.setMaxListeners(0);
    this.#first = first;
    this.#bounds = bounds;
    this.#begun = new Promise((resolve) => (this.#begin = resolve));
    this.#add(first);
    first.on('drain', () => this.emit('drain'));
  }

  /** Its events are in a log: nothing is kept here, and a reader that leaves has left. */
  passThrough(): void {
    this.#passes = true;
  }
  /** Resolves once it is known what the answer is. */
  get begun(): Promise<Begun> {
    return this.#begun;
  }
  get headers(): Readonly<Record<string, string>> {
    return this.#headers;
  }
  get destroyed(): boolean {
    return this.#passes ? this.#first.destroyed : this.#destroyed;
  }
  get writableFinished(): boolean {
    return this.#passes ? this.#first.writableFinished : this.#ended;
  }
  get writableNeedDrain(): boolean {
    return this.#first.writableNeedDrain;
  }
  get writableLength(): number {
    return this.#first.writableLength;
  }
  /** The first client's: of a stream with a log alone, which has no other client here. */
  get socket(): Socket | null {
    return this.#passes ? (this.#first.socket ?? null) : null;
  }
  get req(): { readonly complete: boolean } {
    return this.#first.req ?? { complete: true };
  }

  /** Another who wants the answer: what there is, and then what comes. */
  attach(reader: ClientResponse, more: Readonly<Record<string, string>>): void {
    reader.writeHead(this.statusCode, { ...this.#headers, ...more });
    for (const bytes of this.#kept) reader.write(bytes);
    if (this.#ended) reader.end();
    else if (this.#destroyed) reader.destroy();
    else this.#add(reader);
  }

  /** The call is over. Where a head went out, that is what stays. */
  over(status: OutcomeStatus | null): void {
    this.status = status;
    if (status === null) this.#begin('released');
    else if (status === 'cancelled') this.#begin('gone');
  }

  setHeader(name: string, value: string): void {
    this.#headers[name.toLowerCase()] = value;
    for (const reader of this.#readers) reader.setHeader(name, value);
  }
  writeHead(status: number, headers: OutgoingHttpHeaders | string[]): void {
    this.statusCode = status;
    this.headersSent = true;
    const flat = Array.isArray(headers) ? headers : Object.entries(headers).flat();
    for (let i = 0; i < flat.length; i += 2) this.#headers[String(flat[i]).toLowerCase()] = String(flat[i + 1]);
    for (const reader of this.#readers) reader.writeHead(status, headers);
    // What has no log goes out here, whatever it is.
    this.#begin(this.#passes && status === 200 ? 'stream' : 'answer');
  }
  flushHeaders(): void {
    for (const reader of this.#readers) reader.flushHeaders();
  }
  write(text: string | Buffer, encodingOrDone?: BufferEncoding | (() => void)): boolean {
    const encoding = typeof encodingOrDone === 'string' ? encodingOrDone : 'utf8';
    const bytes = typeof text === 'string' ? Buffer.from(text, encoding) : text;
    this.#keep(bytes);
    let done = typeof encodingOrDone === 'function' ? encodingOrDone : undefined;
    let roomy = true;
    for (const reader of this.#readers) {
      roomy = reader.write(bytes, done) && roomy;
      done = undefined;
    }
    if (done) setImmediate(done);
    return roomy || this.#readers.size > 1;
  }
  end(bytes?: string | Buffer, encoding?: BufferEncoding): void {
    if (this.#ended || this.#destroyed) return;
    const whole = typeof bytes === 'string' ? Buffer.from(bytes, encoding) : bytes;
    if (whole !== undefined) this.#keep(whole);
    this.#ended = true;
    this.#stopGrace();
    for (const reader of this.#readers) reader.end(whole);
  }
  destroy(): void {
    if (this.#destroyed || this.#ended) return;
    this.#destroyed = true;
    this.#stopGrace();
    for (const reader of this.#readers) reader.destroy();
    this.emit('close');
  }

  #add(reader: ClientResponse): void {
    this.#readers.add(reader);
    this.#stopGrace();
    reader.once('close', () => this.#left(reader));
  }

  #left(reader: ClientResponse): void {
    this.#readers.delete(reader);
    if (this.#passes) return void this.emit('close');
    if (this.#ended || this.#destroyed || this.#readers.size > 0) return;
    this.#grace = setTimeout(() => this.destroy(), this.#bounds.graceMs());
    this.#grace.unref();
  }

  #stopGrace(): void {
    if (this.#grace) clearTimeout(this.#grace);
    this.#grace = null;
  }

  #keep(bytes: Buffer): void {
    if (this.#passes && this.headersSent && this.statusCode === 200) return;
    if (this.overflowed) return;
    this.bytes += bytes.length;
    if (this.bytes > this.#bounds.maxBytes) {
      this.overflowed = true;
      this.#kept.length = 0;
      this.bytes = 0;
    } else this.#kept.push(bytes);
  }
}
