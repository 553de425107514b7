import type { IncomingMessage } from 'node:http';
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from 'node:zlib';
import type { Transform } from 'node:stream';
import { HeadgateError } from '#kernel/errors.ts';

export interface BodyLimits {
  /** Bytes after content decoding: a bomb is as large as what it unpacks to. */
  readonly bodyBytes: number;
  readonly bodyTimeoutMs: number;
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
export function readBody(request: IncomingMessage, limits: BodyLimits): Promise<Buffer> {
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

const tooLarge = (limits: BodyLimits): HeadgateError =>
  new HeadgateError('body_too_large', { message: `The body is larger than ${limits.bodyBytes} bytes.` });

const undecodable = (): HeadgateError =>
  new HeadgateError('bad_encoding', { message: 'The body cannot be decoded.', field: 'content-encoding' });

/** A growing buffer: one allocation where the length is declared, else doubling, so that no copy is long. */
function collect(
  request: IncomingMessage,
  source: NodeJS.ReadableStream,
  limits: BodyLimits,
  declared: number,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let only: Buffer | null = null;
    let buffer: Buffer | null = null;
    let length = 0;
    const timer = setTimeout(() => fail(new HeadgateError('slow_request')), limits.bodyTimeoutMs);
    const fail = (error: HeadgateError): void => {
      clearTimeout(timer);
      source.removeAllListeners('data');
      request.unpipe?.();
      request.pause();
      reject(error);
    };
    source.on('data', (chunk: Buffer) => {
      const total = length + chunk.length;
      if (total > limits.bodyBytes) return fail(tooLarge(limits));
      if (length === 0 && chunk.length === declared) only = chunk;
      else {
        buffer = room(buffer, length, total, declared);
        chunk.copy(buffer, length);
      }
      length = total;
    });
    source.on('end', () => {
      clearTimeout(timer);
      resolve(only ?? (buffer ? buffer.subarray(0, length) : Buffer.alloc(0)));
    });
    source.on('error', () => fail(undecodable()));
    request.on('close', () => {
      if (!request.complete) fail(new HeadgateError('client_closed'));
    });
  });
}

/** First allocation of a body of unknown length: most are smaller. */
const FIRST_ALLOCATION = 64 * 1024;

function room(buffer: Buffer | null, used: number, wanted: number, declared: number): Buffer {
  if (buffer && buffer.length >= wanted) return buffer;
  // Unpooled, because a large body is handed to another thread, which takes the whole allocation.
  const grown = Buffer.allocUnsafeSlow(Math.max(wanted, (buffer?.length ?? 0) * 2, declared || FIRST_ALLOCATION));
  buffer?.copy(grown, 0, 0, used);
  return grown;
}
