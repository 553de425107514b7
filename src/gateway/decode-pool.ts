import { Worker } from 'node:worker_threads';
import { HeadgateError, type ErrorCode, type ErrorDetails } from '#kernel/errors.ts';
import { moduleUrl } from '#kernel/module-url.ts';
import type { DialectName } from '#wire/canonical.ts';
import type { PolicyView } from '#wire/dialect.ts';
import type { Span } from '#wire/json/scan.ts';
import type { FieldFault } from '#wire/dialect.ts';
import type { Result } from '#kernel/result.ts';
import { joined } from './body.ts';
import type { Crossed, CrossOrder } from './cross.ts';
import type { Decoded, OutsideWords } from './decode.ts';
import type { CustomOrder } from './layered/order.ts';

/** What the decoding thread is asked. The bytes of a decode are handed over and come back: nothing is copied. */
export type DecodeRequest =
  | {
      readonly id: number;
      readonly do: 'decode';
      readonly dialect: DialectName;
      readonly outside?: OutsideWords | undefined;
      readonly bytes: Uint8Array<ArrayBuffer>;
    }
  | {
      readonly id: number;
      readonly do: 'customize';
      readonly dialect: DialectName;
      readonly order: CustomOrder;
      readonly outside?: OutsideWords | undefined;
      readonly bytes: Uint8Array<ArrayBuffer>;
    }
  | { readonly id: number; readonly do: 'cross'; readonly order: CrossOrder; readonly bytes: Uint8Array<ArrayBuffer> };

export type DecodeReply =
  | { readonly id: number; readonly ok: true; readonly crossed: Result<Crossed, FieldFault> }
  | {
      readonly id: number;
      readonly ok: true;
      readonly crossed: null;
      readonly bytes: Uint8Array<ArrayBuffer>;
      readonly view: PolicyView;
      readonly lifted: string | null;
      readonly spans: readonly (readonly [string, Span])[];
      readonly longNumberAt: number | null;
      readonly contentType: string | undefined;
      /** Top-level fields whose text is short: all that a patch of the same dialect reads. */
      readonly shallow: Record<string, unknown>;
    }
  | { readonly id: number; readonly ok: false; readonly code: ErrorCode; readonly details: ErrorDetails };

/** Large bodies wait here; more of them would hold too much memory. 64 bodies of 32 MB are 2 GB. */
const MOST_WAITING = 64;

/** One thread that decodes large bodies, started with the first. */
export class DecodePool {
  #worker: Worker | null = null;
  #next = 1;
  readonly #waiting = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>();

  decode(bytes: Buffer, dialect: DialectName, outside?: OutsideWords): Promise<Decoded> {
    const own = transferable(bytes);
    return this.#ask((id) => ({ id, do: 'decode', dialect, outside, bytes: own }), [own.buffer]);
  }

  /** Patches a copy of a body as its layers want it, and reads it again: what the client sent is asked for later. */
  async customize(bytes: Buffer, dialect: DialectName, order: CustomOrder, outside?: OutsideWords): Promise<Decoded> {
    const copy = transferable(await joined([bytes]));
    return this.#ask((id) => ({ id, do: 'customize', dialect, order, outside, bytes: copy }), [copy.buffer]);
  }

  /**
   * A copy goes to the thread, since a further attempt may need the bytes again. It is made a piece a turn of the
   * loop: a clone by `postMessage` held the loop for 30 ms at 32 MB.
   */
  async cross(bytes: Buffer, order: CrossOrder): Promise<Result<Crossed, FieldFault>> {
    const copy = transferable(await joined([bytes]));
    return this.#ask((id) => ({ id, do: 'cross', order, bytes: copy }), [copy.buffer]);
  }

  #ask<T>(request: (id: number) => DecodeRequest, hand: ArrayBuffer[]): Promise<T> {
    if (this.#waiting.size >= MOST_WAITING) {
      return Promise.reject(
        new HeadgateError('overloaded', { message: 'Too many large bodies at once.', retryAfterMs: 1000 }),
      );
    }
    const id = this.#next++;
    return new Promise<T>((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (value: never) => void, reject });
      this.#thread().postMessage(request(id), hand);
    });
  }

  async close(): Promise<void> {
    await this.#worker?.terminate();
  }

  #thread(): Worker {
    if (this.#worker) return this.#worker;
    const worker = new Worker(moduleUrl('./decode-thread.ts', import.meta.url));
    worker.unref();
    worker.on('message', (reply: DecodeReply) => this.#settle(reply));
    worker.on('error', (error) => this.#fail(error));
    worker.on('exit', () => this.#fail(new Error('the decoding thread ended')));
    return (this.#worker = worker);
  }

  #settle(reply: DecodeReply): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if (!reply.ok) return waiting?.reject(new HeadgateError(reply.code, reply.details));
    if (reply.crossed) return waiting?.resolve(reply.crossed as never);
    const { buffer, byteOffset, byteLength } = reply.bytes;
    const body = {
      bytes: Buffer.from(buffer, byteOffset, byteLength),
      value: reply.shallow,
      spans: new Map(reply.spans),
      longNumberAt: reply.longNumberAt,
      ...(reply.contentType !== undefined && { contentType: reply.contentType }),
    };
    const lifted = reply.lifted === null ? {} : { lifted: reply.lifted };
    waiting?.resolve({ body, view: reply.view, ...lifted } as never);
  }

  #fail(cause: unknown): void {
    this.#worker = null;
    for (const { reject } of this.#waiting.values()) reject(new HeadgateError('internal', {}, cause));
    this.#waiting.clear();
  }
}

/** The bytes as an allocation of their own, which can change threads. Bodies of this size already are one. */
function transferable(bytes: Buffer): Uint8Array<ArrayBuffer> {
  const whole =
    bytes.byteOffset === 0 && bytes.buffer instanceof ArrayBuffer && bytes.buffer.byteLength < bytes.length * 2;
  return whole ? new Uint8Array(bytes.buffer as ArrayBuffer, 0, bytes.length) : new Uint8Array(bytes);
}
