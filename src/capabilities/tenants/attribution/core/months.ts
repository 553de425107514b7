/** Months of a time zone. Pure. */
import { epochMs, type EpochMs } from '#kernel/brand.ts';
import { calendarWindow } from '../../core/windows.ts';

/** `2026-11`. */
export const MONTH = /^(\d{4})-(0[1-9]|1[0-2])$/;

export interface MonthWindow {
  readonly month: string;
  readonly from: EpochMs;
  readonly to: EpochMs;
}

/** The month of that name in a zone; null where the text names none. */
export function monthWindow(month: string, timeZone: string): MonthWindow | null {
  const match = MONTH.exec(month);
  if (!match) return null;
  // Noon of the second day is in the month in every zone.
  const within = Date.UTC(Number(match[1]), Number(match[2]) - 1, 2, 12);
  const { start, end } = calendarWindow('month', timeZone, epochMs(within));
  return { month, from: start, to: end };
}

/** When a day (`2026-11-15`) begins in a zone. */
export function dayStart(day: string, timeZone: string): EpochMs {
  // Noon in UTC is that day or the next in every zone.
  const { start } = calendarWindow('day', timeZone, epochMs(Date.parse(`${day}T12:00:00Z`)));
  const name = new Intl.DateTimeFormat('en-CA', { timeZone, dateStyle: 'short' }).format(start);
  return name === day ? start : calendarWindow('day', timeZone, epochMs(start - 1)).start;
}

/** The month that holds a time in a zone. */
export function monthAt(at: EpochMs, timeZone: string): MonthWindow {
  const { start, end } = calendarWindow('month', timeZone, at);
  const middle = new Date((start + end) / 2).toISOString();
  return { month: middle.slice(0, 7), from: start, to: end };
}
