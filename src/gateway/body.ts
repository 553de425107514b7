import type { IncomingMessage } from 'node:http';
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from 'node:zlib';
import type { Readable, Transform } from 'node:stream';
import { HeadgateError } from '#kernel/errors.ts';
import { Deadlines } from '#providers/index.ts';
import type { ClientRequest } from './client.ts';

export interface BodyLimits {
  /** Bytes after content decoding: a bomb is as large as what it unpacks to. */
  readonly bodyBytes: number;
  /** Milliseconds for the whole body. */
  readonly bodyTimeout: number;
}

/** A map and no object: the name is the caller's, and `constructor` is no encoding. */
const DECODERS: ReadonlyMap<string, () => Transform> = new Map<string, () => Transform>([
  ['gzip', () => createGunzip()],
  ['x-gzip', () => createGunzip()],
  ['deflate', () => createInflate()],
  ['br', () => createBrotliDecompress()],
  ['zstd', () => createZstdDecompress()],
]);

/** Reads a request's body whole, decoded, within its limits. Rejects with a HeadgateError (400, 408, 413, 415). */
export function readBody(request: ClientRequest, limits: BodyLimits): Promise<Buffer> {
  const encoding = (request.headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  const declared = Number(request.headers['content-length'] ?? NaN);
  if (declared > limits.bodyBytes) return Promise.reject(tooLarge(limits));
  if (encoding === 'identity' || encoding === '') return collect(request, request, limits, declared);
  const decoder = DECODERS.get(encoding)?.();
  if (!decoder) {
    const message = `The content encoding \`${encoding.slice(0, 32)}\` is not supported.`;
    return Promise.reject(new HeadgateError('bad_encoding', { message, field: 'content-encoding' }));
  }
  return collect(request, request.pipe(decoder), limits, NaN);
}

/** The body as it comes, decoded, for whoever reads it in pieces and bounds them. Throws 415. */
export function decodedBody(request: IncomingMessage): Readable {
  const encoding = (request.headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  if (encoding === 'identity' || encoding === '') return request;
  const decoder = DECODERS.get(encoding)?.();
  if (decoder) return request.pipe(decoder);
  const message = `The content encoding \`${encoding.slice(0, 32)}\` is not supported.`;
  throw new HeadgateError('bad_encoding', { message, field: 'content-encoding' });
}

const tooLarge = (limits: BodyLimits): HeadgateError =>
  new HeadgateError('body_too_large', { message: `The body is larger than ${limits.bodyBytes} bytes.` });

const undecodable = (): HeadgateError =>
  new HeadgateError('bad_encoding', { message: 'The body cannot be decoded.', field: 'content-encoding' });

/** One turn of the loop reads up to 2 MB of a socket, which held it for 5 ms on a slow machine: the rest waits for the next. */
const TURN_BYTES = 512 * 1024;
const deadlines = new Deadlines();
const EMPTY = Buffer.alloc(0);

/**
 * One allocation where the length is declared; else blocks that are joined a piece a turn of the loop, since a copy
 * of 32 MB holds it for 20 ms (measured).
 */
function collect(
  request: ClientRequest,
  source: NodeJS.ReadableStream,
  limits: BodyLimits,
  declared: number,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let only: Buffer | null = null;
    let blocks: Blocks | null = null;
    let length = 0;
    let sinceTurn = 0;
    let over = false;
    const deadline = deadlines.add(limits.bodyTimeout, () => fail(new HeadgateError('slow_request')));
    const fail = (error: HeadgateError): void => {
      over = true;
      deadlines.drop(deadline);
      source.removeAllListeners('data');
      request.unpipe?.();
      request.pause();
      // A decoder that has more of a bomb to unpack would go on with it.
      if (source !== request) (source as Transform).destroy();
      reject(error);
    };
    source.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > limits.bodyBytes) return fail(tooLarge(limits));
      if (length === chunk.length && length === declared) only = chunk;
      else (blocks ??= new Blocks(declared)).add(chunk);
      if (source !== request || (sinceTurn += chunk.length) < TURN_BYTES) return;
      sinceTurn = 0;
      request.pause();
      setImmediate(() => over || request.resume());
    });
    source.on('end', () => {
      over = true;
      deadlines.drop(deadline);
      resolve(only ?? blocks?.whole() ?? EMPTY);
    });
    source.on('error', () => fail(undecodable()));
    request.on('close', () => {
      if (request.complete === false) fail(new HeadgateError('client_closed'));
    });
  });
}

/** First allocation of a body of unknown length: most are smaller. */
const FIRST_BLOCK_BYTES = 64 * 1024;
const BLOCK_BYTES = 1024 * 1024;
/** What is copied in one turn of the loop: 1 MB took up to 4 ms with its fresh pages, on a busy machine. */
const COPY_BYTES = 256 * 1024;

/** Bytes in the order of their arrival, in blocks that never move. */
class Blocks {
  readonly #full: Buffer[] = [];
  #block: Buffer | null = null;
  #used = 0;
  readonly #declared: number;

  constructor(declared: number) {
    this.#declared = declared;
  }

  add(chunk: Buffer): void {
    for (let at = 0; at < chunk.length;) {
      const block = this.#room();
      const copied = chunk.copy(block, this.#used, at);
      this.#used += copied;
      at += copied;
    }
  }

  #room(): Buffer {
    if (this.#block && this.#used < this.#block.length) return this.#block;
    const first = this.#block === null;
    if (this.#block) this.#full.push(this.#block);
    this.#used = 0;
    // Unpooled, because a large body is handed to another thread, which takes the whole allocation.
    return (this.#block = Buffer.allocUnsafeSlow(
      first ? Math.max(1, this.#declared || FIRST_BLOCK_BYTES) : BLOCK_BYTES,
    ));
  }

  whole(): Buffer | Promise<Buffer> {
    const last = this.#block?.subarray(0, this.#used) ?? Buffer.alloc(0);
    return this.#full.length === 0 ? last : joined([...this.#full, last]);
  }
}

/** The pieces as one allocation of its own, copied a piece a turn of the loop. */
export async function joined(pieces: readonly Uint8Array[]): Promise<Buffer> {
  const whole = Buffer.allocUnsafeSlow(pieces.reduce((sum, { length }) => sum + length, 0));
  let to = 0;
  let sinceTurn = 0;
  for (const piece of pieces)
    for (let from = 0; from < piece.length; from += COPY_BYTES) {
      const part = piece.subarray(from, from + COPY_BYTES);
      whole.set(part, to);
      to += part.length;
      sinceTurn += part.length;
      if (sinceTurn < COPY_BYTES) continue;
      sinceTurn = 0;
      await new Promise(setImmediate);
    }
  return whole;
}
