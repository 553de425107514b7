/** Calls as a table. Pure. */
import { shortId } from '#kernel/ids.ts';
import type { LedgerEntry } from '#ports/entry.ts';
import { dateTime, duration, ESTIMATED, money, tokens, UNKNOWN } from '../format.ts';
import type { Cell, Column } from '../table.ts';
import type { Terminal } from '../terminal.ts';
import { plain } from '../text.ts';

export interface CallsDrawing {
  readonly terminal: Pick<Terminal, 'width' | 'paint'>;
  readonly zone: string;
  /** Whole ids: where they are copied by a program, or there is room. */
  readonly wholeIds: boolean;
}

const RIGHT = { align: 'right' } as const;

export const CALL_COLUMNS: readonly Column[] = [
  { title: 'time' },
  { title: 'call' },
  { title: 'tenant', shrinkTo: 8 },
  { title: 'feature', shrinkTo: 8, leaves: 3 },
  { title: 'model', shrinkTo: 12 },
  { title: 'outcome' },
  { title: 'tries', ...RIGHT, leaves: 5 },
  { title: 'in', ...RIGHT, leaves: 2 },
  { title: 'out', ...RIGHT, leaves: 2 },
  { title: 'first token', ...RIGHT, leaves: 4 },
  { title: 'total', ...RIGHT, leaves: 1 },
  { title: 'cost', ...RIGHT },
];

export function callCells(entry: LedgerEntry, { terminal, zone, wholeIds }: CallsDrawing): Cell[] {
  const { usage, timing } = entry;
  const mark = entry.usageSource === 'estimated' ? ESTIMATED : '';
  const counted = (value: number | null): string => (value === null ? UNKNOWN : `${mark}${tokens(value)}`);
  return [
    dateTime(entry.at, zone, { seconds: true }),
    wholeIds ? entry.id : shortId(entry.id),
    plain(entry.tenant),
    plain(entry.feature ?? UNKNOWN),
    plain(entry.modelReturned ?? entry.modelAsked),
    outcomeCell(entry, terminal),
    String(entry.attempts.length),
    counted(usage.inputTokens),
    counted(usage.outputTokens),
    duration(timing.firstTokenMs),
    duration(timing.totalMs),
    entry.cost === null ? 'unknown' : `${mark}${money(entry.cost.total)}`,
  ];
}

/** `ok`, `timeout`, `provider_error 529`, `cancelled by client`. */
export function outcomeText({ status, httpStatus, cancelledBy, errorCode }: LedgerEntry): string {
  if (status === 'ok') return 'ok';
  if (cancelledBy !== null) return `cancelled by ${cancelledBy}`;
  return plain([status, errorCode ?? httpStatus].filter((part) => part !== null).join(' '));
}

function outcomeCell(entry: LedgerEntry, { paint }: Pick<Terminal, 'paint'>): Cell {
  const text = outcomeText(entry);
  if (entry.status === 'ok') return text;
  return { text, tone: entry.status === 'cancelled' ? paint.warn : paint.bad };
}
