import type { FieldFault } from '../dialect.ts';
import { anArray, anObject, anyOf } from '../json/checks.ts';
import type { JsonObject } from '../json/read.ts';

/** A field in the two forms that Google's JSON parser takes: the JSON name and the name of the protocol buffer. */
export interface Name {
  readonly camel: string;
  readonly snake: string;
}

const NAMES = new Map<string, Name>();

/** Both forms of a field, worked out once: `maxOutputTokens`, `max_output_tokens`. */
export function nameOf(camel: string): Name {
  const known = NAMES.get(camel);
  if (known) return known;
  const name = { camel, snake: camel.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`) };
  NAMES.set(camel, name);
  return name;
}

/** The field's value in whichever form it stands; `undefined` where it does not. */
export function member(value: JsonObject, { camel, snake }: Name): unknown {
  const there = value[camel];
  return there === undefined ? value[snake] : there;
}

/** The form that stands in the value, or null. */
export const formIn = (value: JsonObject, { camel, snake }: Name): string | null =>
  value[camel] !== undefined ? camel : value[snake] !== undefined ? snake : null;

/** A fault where both forms of one field stand side by side: which of the two the provider reads is its own secret. */
export function twice(value: JsonObject, { camel, snake }: Name, prefix = ''): FieldFault | null {
  if (snake === camel || value[camel] === undefined || value[snake] === undefined) return null;
  const field = `${prefix}${camel}`;
  return {
    code: 'duplicate_field',
    field,
    message: `\`${field}\` appears twice, as \`${camel}\` and as \`${snake}\`.`,
  };
}

const SNAKE = /_([a-z0-9])/g;
/** The JSON name of a field in either form. */
export const camelOf = (name: string): string =>
  name.includes('_') ? name.replace(SNAKE, (_, letter: string) => letter.toUpperCase()) : name;

/** An integer as the parser takes it: a number, or decimal digits in a string. Null: it is neither. */
export function integerIn(value: unknown): number | null {
  const number = typeof value === 'string' && /^-?\d{1,15}$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isSafeInteger(number) ? number : null;
}

/** A repeated field: the parser takes one value for a list of one, as Google's own examples write it. */
export const aMany = anyOf(anArray, anObject);
export const manyOf = (value: unknown): readonly unknown[] =>
  Array.isArray(value) ? value : value === undefined || value === null ? [] : [value];
