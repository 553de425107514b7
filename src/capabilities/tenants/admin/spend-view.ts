import { DdSketch } from '#math/ddsketch.ts';
import type { SpendRow } from '#ports/ledger-store.ts';

/** Which figures a reader wants: mergeable sketches, quantiles made of them, or sums alone, which are the cheapest. */
export type SpendFigures = 'sketches' | 'quantiles' | 'sums';

export interface Quantiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

/** A row with the figures that were asked for. Quantiles are within 1 %, in milliseconds. */
export function spendView(row: SpendRow, figures: SpendFigures): object {
  if (figures === 'sketches') return row;
  const { totalMsSketch, firstTokenMsSketch, ...sums } = row;
  if (figures === 'sums') return sums;
  return { ...sums, totalMs: quantilesOf(totalMsSketch), firstTokenMs: quantilesOf(firstTokenMsSketch) };
}

function quantilesOf(text: string | null): Quantiles | null {
  if (text === null) return null;
  const sketch = DdSketch.fromText(text);
  const at = (q: number): number => sketch.quantile(q) ?? 0;
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}
