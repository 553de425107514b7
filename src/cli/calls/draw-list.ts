/** Calls as a table. Pure. */
import { shortId } from '#kernel/ids.ts';
import type { LedgerEntry } from '#ports/entry.ts';
import { dateTime, duration, ESTIMATED, money, tokens, UNKNOWN } from '../format.ts';
import type { Cell, Column } from '../table.ts';
import type { Terminal } from '../terminal.ts';
import { plain } from '../text.ts';
import { outcomeText } from './outcome.ts';

export interface CallsDrawing {
  readonly terminal: Pick<Terminal, 'width' | 'paint'>;
  readonly zone: string;
  /** Whole ids: where they are copied by a program, or there is room. */
  readonly wholeIds: boolean;
  /** Times of today alone need no date. */
  readonly timeOnly: boolean;
}

const DATE_COLUMNS = '2026-11-23 '.length;
const RIGHT = { align: 'right' } as const;

export const CALL_COLUMNS: readonly Column[] = [
  { title: 'time' },
  { title: 'call' },
  { title: 'tenant', shrinkTo: 8 },
  { title: 'feature', shrinkTo: 8, leaves: 3 },
  { title: 'model', shrinkTo: 12 },
  { title: 'outcome', shrinkTo: 14 },
  { title: 'tries', ...RIGHT, leaves: 5 },
  { title: 'in', ...RIGHT, leaves: 2 },
  { title: 'out', ...RIGHT, leaves: 2 },
  { title: 'first token', ...RIGHT, leaves: 4 },
  { title: 'total', ...RIGHT, leaves: 1 },
  { title: 'cost', ...RIGHT },
];

export function callCells(entry: LedgerEntry, { terminal, zone, wholeIds, timeOnly }: CallsDrawing): Cell[] {
  const { usage, timing } = entry;
  const mark = entry.usageSource === 'estimated' ? ESTIMATED : '';
  const counted = (value: number | null): string => (value === null ? UNKNOWN : `${mark}${tokens(value)}`);
  return [
    dateTime(entry.at, zone, { seconds: true }).slice(timeOnly ? DATE_COLUMNS : 0),
    wholeIds ? entry.id : shortId(entry.id),
    plain(entry.tenant),
    plain(entry.feature ?? UNKNOWN),
    plain(entry.modelAsked),
    outcomeCell(entry, terminal),
    String(entry.attempts.length),
    counted(usage.inputTokens),
    counted(usage.outputTokens),
    duration(timing.firstTokenMs),
    duration(timing.totalMs),
    entry.cost === null ? 'unknown' : `${mark}${money(entry.cost.total)}`,
  ];
}

function outcomeCell(entry: LedgerEntry, { paint }: Pick<Terminal, 'paint'>): Cell {
  const text = entry.corrects === null ? outcomeText(entry) : `${outcomeText(entry)}, corrected`;
  if (entry.status === 'ok') return text;
  return { text, tone: entry.status === 'cancelled' ? paint.warn : paint.bad };
}
