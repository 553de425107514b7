import type { EpochMs } from '#kernel/brand.ts';
import type { Slot } from '#ports/shared-state.ts';
import type { BudgetWindow } from '#ports/state-store.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
const FOREVER = Infinity as EpochMs;
/** Farther from UTC than any zone has been (Manila until 1844, 15:56 h): midnight lies within. */
const WIDEST_OFFSET_MS = 16 * HOUR_MS;
/** Zones and units in use at once: more is a generated configuration. */
const MAX_CACHED = 256;

/** `[start, end)` of the calendar window, or the rolling span that ends now. */
export interface WindowBounds {
  readonly start: EpochMs;
  /** When the window resets as a whole; null: never, or bit by bit. */
  readonly resetsAt: EpochMs | null;
}

type CalendarUnit = 'day' | 'week' | 'month';
interface Span {
  readonly start: EpochMs;
  readonly end: EpochMs;
}

/** The slot in which spending at `now` counts. Minutes of a rolling window count until the last of them has left it. */
export function slotAt(window: BudgetWindow, now: EpochMs): Slot {
  if (window.kind === 'total') return TOTAL_SLOT;
  if (window.kind === 'rolling') {
    const start = Math.floor(now / MINUTE_MS) * MINUTE_MS;
    return { start: start as EpochMs, expiresAt: (start + MINUTE_MS + window.ms) as EpochMs };
  }
  const last = lastSlots.get(window);
  if (last && last.start <= now && now < last.expiresAt) return last;
  const { start, end } = calendarWindow(window.unit, window.timeZone, now);
  const slot = { start, expiresAt: end };
  lastSlots.set(window, slot);
  return slot;
}
// Every call asks for the slot of each of its budgets, and it changes once a day.
const lastSlots = new WeakMap<BudgetWindow, Slot>();
const TOTAL_SLOT: Slot = Object.freeze({ start: 0 as EpochMs, expiresAt: FOREVER });

/** First instant whose spending counts at `now`, and when all of it stops counting. */
export function windowBounds(window: BudgetWindow, now: EpochMs): WindowBounds {
  if (window.kind === 'total') return { start: 0 as EpochMs, resetsAt: null };
  if (window.kind === 'rolling') return { start: (now - window.ms - MINUTE_MS) as EpochMs, resetsAt: null };
  const { start, end } = calendarWindow(window.unit, window.timeZone, now);
  return { start, resetsAt: end };
}

/** Two windows of one tag count in the same slots. Part of a pot's name, so that a changed window is counted anew. */
export const windowTag = (window: BudgetWindow): string =>
  window.kind === 'calendar'
    ? `${window.unit}@${window.timeZone}`
    : window.kind === 'rolling'
      ? `rolling${window.ms}`
      : 'total';

/** Is it a time zone that this runtime knows (IANA)? */
export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

const cache = new Map<string, Span>();

/**
 * Day, week (from Monday) or month that holds `now` in a zone. Bounds are the zone's own midnights, so a day has 23 to
 * 25 hours where clocks change; a midnight that the clocks skip begins at the next instant.
 */
export function calendarWindow(unit: CalendarUnit, timeZone: string, now: EpochMs): Span {
  const name = `${unit}@${timeZone}`;
  const known = cache.get(name);
  if (known && known.start <= now && now < known.end) return known;
  const span = findWindow(unit, timeZone, now);
  if (cache.size >= MAX_CACHED) cache.clear();
  cache.set(name, span);
  return span;
}

function findWindow(unit: CalendarUnit, timeZone: string, now: EpochMs): Span {
  let date = firstDay(unit, localDay(timeZone, now));
  for (;;) {
    const next = nextFirstDay(unit, date);
    const [start, end] = [startOfDay(timeZone, date), startOfDay(timeZone, next)];
    // Clocks that fall back over midnight show a date twice; the bounds decide, not the date.
    if (now >= end) date = next;
    else if (now < start) date = firstDay(unit, date - 1);
    else return { start, end };
  }
}

/** Days since the epoch of the first day of the unit that holds a day. 1970-01-01 was a Thursday. */
function firstDay(unit: CalendarUnit, day: number): number {
  if (unit === 'day') return day;
  if (unit === 'week') return day - ((((day + 3) % 7) + 7) % 7);
  const date = new Date(day * DAY_MS);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1) / DAY_MS;
}

function nextFirstDay(unit: CalendarUnit, first: number): number {
  if (unit === 'day') return first + 1;
  if (unit === 'week') return first + 7;
  const date = new Date(first * DAY_MS);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1) / DAY_MS;
}

/** First instant of a local day, by bisection to the millisecond: about 30 formats, once a window. */
function startOfDay(timeZone: string, day: number): EpochMs {
  let low = day * DAY_MS - WIDEST_OFFSET_MS;
  let high = day * DAY_MS + WIDEST_OFFSET_MS;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (localDay(timeZone, middle) >= day) high = middle;
    else low = middle;
  }
  return high as EpochMs;
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** Days since the epoch of the date that a wall calendar in the zone shows. */
function localDay(timeZone: string, at: number): number {
  const parts = formatOf(timeZone).formatToParts(at);
  const field = (type: string): number => Number(parts.find((part) => part.type === type)?.value);
  return Date.UTC(field('year'), field('month') - 1, field('day')) / DAY_MS;
}

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone);
  if (known) return known;
  if (formats.size >= MAX_CACHED) formats.clear();
  const options = {
    timeZone,
    calendar: 'iso8601',
    numberingSystem: 'latn',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
  } as const;
  const format = new Intl.DateTimeFormat('en-US', options);
  formats.set(timeZone, format);
  return format;
}
