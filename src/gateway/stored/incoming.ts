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
