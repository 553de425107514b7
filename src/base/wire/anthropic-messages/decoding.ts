import type { Extra, FieldClass } from '../canonical.ts';
import type { FieldFault } from '../dialect.ts';
import { kindOf, type Check } from '../json/checks.ts';

/** What a decode gathers on its way: the first fault wins, and the rest of the walk changes nothing. */
export interface Decoding {
  fault: FieldFault | null;
  readonly extras: Extra[];
}

export const newDecoding = (): Decoding => ({ fault: null, extras: [] });

/** The value where the check passes; else the fallback, and the field is named. */
export function wanted<T>(to: Decoding, value: unknown, field: string, right: Check, fallback: T): T {
  const wants = right(value);
  if (wants === null) return value as T;
  to.fault ??= { code: 'invalid_request', field, message: `\`${field}\` must be ${wants}, not ${kindOf(value)}.` };
  return fallback;
}

/** The same for a field that may be absent or null. */
export const optional = <T>(to: Decoding, value: unknown, field: string, right: Check): T | null =>
  value === undefined || value === null ? null : wanted<T | null>(to, value, field, right, null);

/** Notes members that the canonical form has no place for. */
export function noteExtra(to: Decoding, field: string, value: unknown, kind: FieldClass): void {
  if (value !== undefined && value !== null) to.extras.push({ field, value, class: kind });
}

/** Every member but the known ones is an extra; `classes` says which of them are hints, the rest is meaning. */
export function noteUnknown(
  to: Decoding,
  value: Readonly<Record<string, unknown>>,
  path: string,
  known: ReadonlySet<string>,
  hints: ReadonlySet<string> = NO_HINTS,
): void {
  for (const [name, member] of Object.entries(value)) {
    if (!known.has(name)) noteExtra(to, `${path}.${name}`, member, hints.has(name) ? 'hint' : 'meaning');
  }
}
const NO_HINTS: ReadonlySet<string> = new Set();
