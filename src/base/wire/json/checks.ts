import type { FieldFault } from '#wire/dialect.ts';
import { isObject, isUnset, type JsonObject } from './read.ts';

/** Says what would be right where a value is wrong, or null where it is right. */
export type Check = (value: unknown) => string | null;

const check =
  (right: (value: unknown) => boolean, what: string): Check =>
  (value) =>
    right(value) ? null : what;

const isInteger = (value: unknown): value is number => typeof value === 'number' && Number.isSafeInteger(value);

export const aString = check((v) => typeof v === 'string', 'a string');
export const aBoolean = check((v) => typeof v === 'boolean', 'true or false');
export const aNumber = check((v) => typeof v === 'number' && Number.isFinite(v), 'a number');
export const anInteger = check(isInteger, 'an integer');
export const aPositiveInteger = check((v) => isInteger(v) && v > 0, 'a positive integer below 2^53');
export const anObject = check(isObject, 'an object');
export const anArray = check(Array.isArray, 'an array');
export const shortString = (most: number): Check =>
  check((v) => typeof v === 'string' && v.length > 0 && v.length <= most, `a string of 1 to ${most} characters`);
export const integerWithin = (least: number, most: number): Check =>
  check((v) => isInteger(v) && v >= least && v <= most, `an integer from ${least} to ${most}`);
export const oneOf = (...words: readonly string[]): Check =>
  check((v) => typeof v === 'string' && words.includes(v), `one of ${words.map((w) => `"${w}"`).join(', ')}`);
export const anyOf =
  (...checks: readonly Check[]): Check =>
  (value) => {
    const wants = checks.map((one) => one(value));
    return wants.includes(null) ? null : wants.join(' or ');
  };
export const listOfStrings = check(
  (v) => Array.isArray(v) && v.every((item) => typeof item === 'string'),
  'an array of strings',
);
/** An object all of whose values pass; keys are whatever the caller chose, `__proto__` included. */
export const mapOf =
  (each: Check, what: string): Check =>
  (value) =>
    isObject(value) && Object.values(value).every((item) => each(item) === null) ? null : what;

export const fieldFault = (field: string, message: string): FieldFault => ({ code: 'invalid_request', field, message });

/** Message for a field that is wrong: names it, says what is right and what kind of value came, never the value. */
export const wrongField = (field: string, right: string, value: unknown): FieldFault =>
  fieldFault(field, `\`${field}\` must be ${right}, not ${kindOf(value)}.`);

export function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (value === undefined) return 'absent';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty array' : 'an array';
  if (typeof value === 'string') return value === '' ? 'an empty string' : 'this string';
  if (typeof value === 'number') return `the number ${value}`;
  return typeof value === 'boolean' ? String(value) : 'an object';
}

/** The first field of the body that its check refuses. Unset fields and fields without a check pass. */
export function firstWrong(body: JsonObject, checks: ReadonlyMap<string, Check>, prefix = ''): FieldFault | null {
  // What JSON.parse makes has no enumerable field but its own.
  for (const field in body) {
    const value = body[field];
    const right = isUnset(value) ? null : (checks.get(field)?.(value) ?? null);
    if (right !== null) return wrongField(prefix + field, right, value);
  }
  return null;
}
