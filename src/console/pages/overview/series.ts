/** Rows by time bucket as the lists that charts draw. Pure. */
import type { SpendFigures } from '../../state/questions.ts';

export const STEP_MS = { minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const;
export type Bucket = keyof typeof STEP_MS;

/** Starts of all buckets of a window, those without a call too. */
export function bucketsOf({ from, to }: { readonly from: number; readonly to: number }, bucket: Bucket): number[] {
  const step = STEP_MS[bucket];
  const first = from - (from % step);
  return Array.from({ length: Math.ceil((to - first) / step) }, (_, i) => first + i * step);
}

/** A bucket without calls is 0 where sums are drawn. */
export const sumsOver = (
  times: readonly number[],
  rows: readonly SpendFigures[],
  pick: (row: SpendFigures) => number,
): number[] => {
  const sums = new Map<number, number>();
  for (const row of rows) {
    const at = Number(row.by[0]);
    sums.set(at, (sums.get(at) ?? 0) + pick(row));
  }
  return times.map((time) => sums.get(time) ?? 0);
};

/** A bucket without calls has no latency: null, and a gap. */
export function valuesOver(
  times: readonly number[],
  rows: readonly SpendFigures[],
  pick: (row: SpendFigures) => number | null,
): (number | null)[] {
  const values = new Map(rows.map((row) => [Number(row.by[0]), pick(row)]));
  return times.map((time) => values.get(time) ?? null);
}

/** For a picture alone: figures keep their nano-dollars. */
export const dollars = (nano: bigint): number => Number(nano) / 1e9;
