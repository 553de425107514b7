/**
 * How figures look, everywhere: money, tokens, times, shares. Pure: text in the reader's form from exact values.
 * A value that is not known is {@link UNKNOWN}, never a zero; one that rests on an estimate carries {@link ESTIMATED}.
 */
import { divideHalfEven, type NanoUsd } from './money.ts';

export const UNKNOWN = '–';
export const ESTIMATED = '≈';
/** The true minus sign has the width of the plus sign and of digits. */
const MINUS = '\u2212';
/** A plain space: what is printed is also searched for. */
const GAP = ' ';

const NANO = 1_000_000_000n;
/** Below a hundredth of a cent five decimals would leave one digit or none: two significant ones are shown. */
const SMALL_NANO = 100_000n;

const grouped = (digits: string): string => digits.replace(/\B(?=(\d{3})+$)/g, ',');

/** `$12.47`, `$1,756.52`, `$0.01115`, `$0.000031`, `$0`. */
export function money(value: NanoUsd | bigint | null): string {
  if (value === null) return UNKNOWN;
  if (value === 0n) return '$0';
  const absolute = value < 0n ? -value : value;
  return `${value < 0n ? MINUS : ''}$${dollars(absolute, decimalsOf(absolute))}`;
}

function decimalsOf(absolute: bigint): number {
  if (absolute >= NANO) return 2;
  return absolute >= SMALL_NANO ? 5 : Math.min(9, 9 - absolute.toString().length + 2);
}

function dollars(absolute: bigint, decimals: number): string {
  const rounded = divideHalfEven(absolute, 10n ** BigInt(9 - decimals))
    .toString()
    .padStart(decimals + 1, '0');
  const fraction = rounded.slice(-decimals).replace(/0+$/, '').padEnd(2, '0');
  return `${grouped(rounded.slice(0, -decimals))}.${fraction}`;
}

/** Money that rests on estimates in part carries the mark, money that leaves unknown costs out says "at least". */
export function qualifiedMoney(
  value: NanoUsd | null,
  marks: { readonly estimated?: boolean; readonly partial?: boolean },
): string {
  if (value === null) return UNKNOWN;
  return `${marks.partial ? '≥' : ''}${marks.estimated ? ESTIMATED : ''}${money(value)}`;
}

/** A whole number: `4,112`. */
export function count(value: number | null): string {
  if (value === null) return UNKNOWN;
  return `${value < 0 ? MINUS : ''}${grouped(String(Math.abs(Math.round(value))))}`;
}

const SCALES = [
  [1e3, 'k'],
  [1e6, 'M'],
  [1e9, 'B'],
  [1e12, 'T'],
] as const;
/** People compare whole numbers up to here at a glance. */
const EXACT_TOKENS = 10_000;

/** `612`, `4,112`, `12.3 k`, `1.24 M`. */
export function tokens(value: number | null): string {
  if (value === null || value < EXACT_TOKENS) return count(value);
  // The scale is chosen after rounding, so that 999,999 is 1.00 M and not 1,000 k.
  const scale = SCALES.findLast(([unit]) => Number((value / unit).toPrecision(3)) >= 1)!;
  return `${threeDigits(value / scale[0])}${GAP}${scale[1]}`;
}

/** Three significant digits without an exponent; longer wholes keep all their digits. */
function threeDigits(value: number): string {
  const rounded = Number(value.toPrecision(3));
  if (rounded >= 100) return grouped(String(Math.round(value)));
  return rounded.toFixed(rounded >= 10 ? 1 : 2);
}

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** `0.4 ms`, `83 ms`, `1.24 s`, `4 min 12 s`, `3 h 20 min`, `7 d`. */
export function duration(ms: number | null): string {
  if (ms === null || !Number.isFinite(ms)) return UNKNOWN;
  if (ms < 0) return MINUS + duration(-ms);
  if (ms === 0) return `0${GAP}ms`;
  if (ms < 0.05) return `<0.1${GAP}ms`;
  if (ms < 9.95) return `${ms.toFixed(1)}${GAP}ms`;
  if (ms < 999.5) return `${Math.round(ms)}${GAP}ms`;
  if (ms < 59_950) return `${threeDigits(ms / 1000)}${GAP}s`;
  if (ms < HOUR_MS - 500) return pair(Math.round(ms / 1000), 60, ['min', 's']);
  if (ms < DAY_MS - MINUTE_MS / 2) return pair(Math.round(ms / MINUTE_MS), 60, ['h', 'min']);
  return pair(Math.round(ms / HOUR_MS), 24, ['d', 'h']);
}

function pair(value: number, base: number, [large, small]: readonly [string, string]): string {
  const rest = value % base;
  const whole = `${Math.floor(value / base)}${GAP}${large}`;
  return rest === 0 ? whole : `${whole} ${rest}${GAP}${small}`;
}

/** The length of a window in words: `7 days`, `24 h`, `1 day`; other lengths as {@link duration}. */
export function windowLength(ms: number): string {
  const days = Math.round(ms / DAY_MS);
  if (days < 1 || Math.abs(ms - days * DAY_MS) > MINUTE_MS) return duration(ms);
  return `${days} ${days === 1 ? 'day' : 'days'}`;
}

/** A part of a whole, 0..1: `12.4 %`; null where there is no whole. */
export function share(value: number | null): string {
  if (value === null || !Number.isFinite(value)) return UNKNOWN;
  if (value === 0) return `0${GAP}%`;
  if (Math.abs(value) < 0.0005) return `${value < 0 ? `>${MINUS}` : '<'}0.1${GAP}%`;
  return `${(value * 100).toFixed(1).replace('-', MINUS)}${GAP}%`;
}

/** Growth against an earlier figure, as a ratio − 1: `+38 %`, `−4 %`, `×12`; null where there was nothing before. */
export function change(value: number | null): string {
  if (value === null) return 'new';
  if (!Number.isFinite(value)) return UNKNOWN;
  if (value >= 9.995) return `×${grouped(String(Math.round(value + 1)))}`;
  const percent = Math.round(value * 100);
  if (percent === 0) return `0${GAP}%`;
  return `${percent > 0 ? '+' : MINUS}${Math.abs(percent)}${GAP}%`;
}

/** Part of a whole of money, exact enough for a percentage; null where the whole is 0. */
export const ratioOf = (part: bigint, whole: bigint): number | null =>
  whole === 0n ? null : Number((part * 1_000_000n) / whole) / 1e6;

/** `2026-11-23 14:00`, in the zone that is given; with `seconds`, `14:00:05`. */
export function dateTime(at: number, zone: string, options: { readonly seconds?: boolean } = {}): string {
  const parts = new Intl.DateTimeFormat('sv-SE', {
    timeZone: zone,
    dateStyle: 'short',
    timeStyle: options.seconds ? 'medium' : 'short',
  });
  return parts.format(at);
}
