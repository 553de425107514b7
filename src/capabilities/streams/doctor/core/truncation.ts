/** Whether a reader sees that the origin died half-way, without the terminal event's help. Pure. */
import type { StreamSample } from './sample.ts';

/** `hidden`: the body ended as a whole one does. `mixed`: now so, now so. */
export type Sight = 'seen' | 'hidden' | 'mixed' | 'unknown';

export interface Truncation {
  /** The origin's socket was reset. */
  readonly reset: Sight;
  /** The origin's socket was closed in order, before the end of the body was said. */
  readonly close: Sight;
}

export function sightOf(samples: readonly StreamSample[]): Sight {
  const sights = samples.map(({ end, status }): Sight => {
    if (end === 'clean' && status === 200) return 'hidden';
    return end === 'aborted' || (status ?? 0) >= 500 || (end === 'refused' && status === null) ? 'seen' : 'unknown';
  });
  const known = new Set(sights.filter((sight) => sight !== 'unknown'));
  if (known.size === 0) return 'unknown';
  return known.size === 1 ? [...known][0]! : 'mixed';
}

/** What holds for streams that die says nothing where others are cut as well. */
export const NOT_JUDGED: Truncation = { reset: 'unknown', close: 'unknown' };

export const truncationOf = (reset: readonly StreamSample[], close: readonly StreamSample[]): Truncation => ({
  reset: sightOf(reset),
  close: sightOf(close),
});
