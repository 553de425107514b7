/** Columns of a bill: money by what it was for. Pure. */

export const PARTS = ['answers', 'cache writes', 'waste', 'background', 'shared', 'adjustments'] as const;
export type Part = (typeof PARTS)[number];

const WASTE: ReadonlySet<string> = new Set(['cut', 'failed', 'retry', 'hedge']);

/** Money that came through a bucket is shared, whatever it was for. */
export function partOf({ bucket, purpose }: { readonly bucket: string | null; readonly purpose: string }): Part {
  if (purpose === 'adjustment') return 'adjustments';
  if (bucket !== null) return 'shared';
  // Paid on top of what had died, and an answer all the same.
  if (purpose === 'answer' || purpose === 'redrive') return 'answers';
  if (purpose === 'cache_write') return 'cache writes';
  return WASTE.has(purpose) ? 'waste' : 'background';
}
