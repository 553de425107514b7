/** Attempts drawn to scale. Pure: from spans to lines of cells. */
import type { AttemptSpan } from './report.ts';

/** Each sign stands for a phase, so that the drawing reads without colour. */
export const SIGN = { connect: '░', wait: '█', tokens: '▓', held: '▒', failed: '╳', blank: ' ' } as const;

export interface Scale {
  readonly lengthMs: number;
  /** Columns for the whole length. */
  readonly columns: number;
}

const STEPS = [1, 2, 5];
/** Room for `1.25` and space around it. */
const TICK_COLUMNS = 8;

/** The finest step of 1, 2 or 5 times a power of ten whose labels have room. */
export function tickMs({ lengthMs, columns }: Scale): number {
  const least = (lengthMs * TICK_COLUMNS) / columns;
  const power = 10 ** Math.floor(Math.log10(least));
  const factor = STEPS.find((step) => step * power >= least) ?? 10;
  return factor * power;
}

/** ` 0.0 s        0.5           1.0`: labels start at their moment, the first one carries the unit. */
export function axis(scale: Scale): string {
  const step = tickMs(scale);
  const inSeconds = scale.lengthMs >= 1000;
  const unit = inSeconds ? 1000 : 1;
  const decimals = Math.max(0, -Math.floor(Math.log10(step / unit) + 1e-9));
  let line = '';
  for (let i = 0; i * step <= scale.lengthMs; i++) {
    const label = `${((i * step) / unit).toFixed(decimals)}${i === 0 ? (inSeconds ? ' s' : ' ms') : ''}`;
    const at = columnOf(i * step, scale);
    if (at < line.length + (i === 0 ? 0 : 1) || at + label.length > scale.columns + TICK_COLUMNS) continue;
    line = line.padEnd(at) + label;
  }
  return line;
}

const columnOf = (ms: number, { lengthMs, columns }: Scale): number =>
  lengthMs === 0 ? 0 : Math.min(columns, Math.round((ms / lengthMs) * columns));

/** One attempt: blank before it, then its phases; at least one cell, since it took place. */
export function bar(span: AttemptSpan, scale: Scale): string {
  const start = Math.min(columnOf(span.startMs, scale), scale.columns - 1);
  const end = Math.max(start + 1, columnOf(span.endMs ?? span.startMs, scale));
  const tokensAt = span.firstTokenMs === null ? end : columnOf(span.firstTokenMs, scale);
  const connectedAt = span.connectedMs === null ? start : columnOf(span.connectedMs, scale);
  let cells = SIGN.blank.repeat(start);
  for (let i = start; i < end; i++) cells += i < connectedAt ? SIGN.connect : i < tokensAt ? SIGN.wait : SIGN.tokens;
  if (span.failed) return cells.slice(0, -1) + SIGN.failed;
  const heldUntil = span.heldMs === undefined ? end : columnOf((span.endMs ?? span.startMs) + span.heldMs, scale);
  return cells + SIGN.held.repeat(Math.max(0, heldUntil - end));
}
