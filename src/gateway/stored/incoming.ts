import type { Readable } from 'node:stream';
import { HeadgateError } from '#kernel/errors.ts';

/**
 * A body piece by piece, all of it within `limitMs`: 408 where it is slower, `client_closed` where it breaks off. The
 * connection stays, so that a refusal can still be answered.
 */
export async function* piecesOf(source: Readable, limitMs: number): AsyncGenerator<Buffer> {
  const pieces = source.iterator({ destroyOnReturn: false });
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new HeadgateError('slow_request')), limitMs);
  late.promise.catch(() => undefined);
  try {
    for (;;) {
      const next = await Promise.race([pieces.next().catch(broken), late.promise]);
      if (next.done) return;
      yield next.value as Buffer;
    }
  } finally {
    clearTimeout(timer);
  }
}

function broken(error: unknown): never {
  throw new HeadgateError('client_closed', {}, error);
}

const DISCARDED_BYTES = 1024 * 1024;
const DISCARDED_MS = 500;

/**
 * Reads on for a moment after a refusal: a small rest that is still on its way would otherwise break the connection
 * before the client has read the answer. A large one is not waited for.
 */
export async function discardRest(source: Readable): Promise<void> {
  let bytes = 0;
  try {
    for await (const piece of piecesOf(source, DISCARDED_MS)) if ((bytes += piece.length) > DISCARDED_BYTES) return;
  } catch {
    // Slower than that, or gone: the answer goes out as it is.
  }
}
