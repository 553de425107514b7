import { createHash } from 'node:crypto';

/** The first 48 bits of a hash, as a share of all of them. */
const BITS = 2 ** 48;

/**
 * Is a call judged? By a hash of feature, judge and call, so that anybody can say afterwards which calls were drawn, and
 * two judges draw on their own. A larger share draws all that a smaller one drew, and more.
 */
export function isDrawn(
  judged: { readonly feature: string; readonly judge: string; readonly call: string },
  share: number,
): boolean {
  if (share <= 0) return false;
  const text = JSON.stringify([judged.feature, judged.judge, judged.call]);
  return createHash('sha256').update(text).digest().readUIntBE(0, 6) / BITS < share;
}
