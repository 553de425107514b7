import { createHash } from 'node:crypto';
import type { MaybePromise } from '#ports/shared-state.ts';

/** A megabyte takes about half a millisecond: a larger body is hashed a piece a turn of the loop. */
const PIECE_BYTES = 1024 * 1024;

export const hashOf = (body: Uint8Array, small: (body: Uint8Array) => string): MaybePromise<string> =>
  body.length <= PIECE_BYTES ? small(body) : hashInPieces(body);

async function hashInPieces(body: Uint8Array): Promise<string> {
  const hash = createHash('sha256');
  for (let at = 0; at < body.length; at += PIECE_BYTES) {
    hash.update(body.subarray(at, at + PIECE_BYTES));
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  return hash.digest('hex');
}
