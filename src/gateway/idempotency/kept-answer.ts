import { EventEmitter } from 'node:events';
import type { OutgoingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import type { OutcomeStatus } from '#ports/entry.ts';
import type { WholeAnswer } from '#ports/idempotency.ts';
import type { LiveStream } from '#capabilities/streams/index.ts';
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
 * bytes, and a client that leaves is no cancel while its grace lasts. A stream with a log of its own only passes. What
 * has none emits `whole` once it is, with a `WholeAnswer`, or null where it was too large to keep.
 */
export class KeptAnswer extends EventEmitter implements ClientResponse {
  readonly #bounds: KeptBounds;
  readonly #first: ClientResponse;
  readonly #readers = new Set<ClientResponse>();
  readonly #kept: Buffer[] = [];
  readonly #begun: Promise<Begun>;
  #begin!: (begun: Begun) => void;
  /** Its events are in a log; null: they are kept here. */
  #log: LiveStream | null = null;
  /** Who waits for it to begin, each with what ends its wait at the log. */
  readonly #waiting = new Set<{ over: (() => void) | null }>();
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
  passThrough(log: LiveStream): void {
    this.#log = log;
    this.#stopGrace();
    for (const wait of this.#waiting) wait.over = log.awaited();
  }
  /** Another waits for it to begin, and counts as one who reads: it is not given up meanwhile. Returns what ends that. */
  await(): () => void {
    const wait = { over: this.#log?.awaited() ?? null };
    this.#waiting.add(wait);
    this.#stopGrace();
    return () => {
      if (!this.#waiting.delete(wait)) return;
      wait.over?.();
      if (this.#log === null) this.#whenAlone();
    };
  }
  /** Resolves once it is known what the answer is. */
  get begun(): Promise<Begun> {
    return this.#begun;
  }
  get headers(): Readonly<Record<string, string>> {
    return this.#headers;
  }
  get destroyed(): boolean {
    return this.#log !== null ? this.#first.destroyed : this.#destroyed;
  }
  get writableFinished(): boolean {
    return this.#log !== null ? this.#first.writableFinished : this.#ended;
  }
  get writableNeedDrain(): boolean {
    return this.#first.writableNeedDrain;
  }
  get writableLength(): number {
    return this.#first.writableLength;
  }
  /** The first client's: of a stream with a log alone, which has no other client here. */
  get socket(): Socket | null {
    return this.#log !== null ? (this.#first.socket ?? null) : null;
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
    // What failed with nobody there was told to nobody.
    else if (status === 'cancelled' || (status !== 'ok' && this.destroyed)) this.#begin('gone');
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
    this.#begin(this.#log !== null && status === 200 ? 'stream' : 'answer');
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
    const inLog = this.#log !== null && this.statusCode === 200;
    if (!inLog) this.emit('whole', this.#whole());
  }
  destroy(): void {
    if (this.#destroyed || this.#ended) return;
    this.#destroyed = true;
    this.#stopGrace();
    for (const reader of this.#readers) reader.destroy();
    this.emit('close');
  }

  /** Null: it was too large to keep. */
  #whole(): WholeAnswer | null {
    if (this.overflowed) return null;
    return { status: this.statusCode, headers: this.#headers, body: Buffer.concat(this.#kept) };
  }

  #add(reader: ClientResponse): void {
    this.#readers.add(reader);
    this.#stopGrace();
    reader.once('close', () => this.#left(reader));
  }

  #left(reader: ClientResponse): void {
    this.#readers.delete(reader);
    if (this.#log !== null) return void this.emit('close');
    this.#whenAlone();
  }

  #whenAlone(): void {
    if (this.#ended || this.#destroyed || this.#readers.size > 0 || this.#waiting.size > 0) return;
    this.#stopGrace();
    this.#grace = setTimeout(() => this.destroy(), this.#bounds.graceMs());
    this.#grace.unref();
  }

  #stopGrace(): void {
    if (this.#grace) clearTimeout(this.#grace);
    this.#grace = null;
  }

  #keep(bytes: Buffer): void {
    if (this.#log !== null && this.headersSent && this.statusCode === 200) return;
    if (this.overflowed) return;
    this.bytes += bytes.length;
    if (this.bytes > this.#bounds.maxBytes) {
      this.overflowed = true;
      this.#kept.length = 0;
      this.bytes = 0;
    } else this.#kept.push(bytes);
  }
}
