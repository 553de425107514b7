import { isObject } from './read.ts';
import { stringEnd } from './scan.ts';
import type { StrictJson } from './strict.ts';

/** Where a value stands: `[start, end)`. */
export interface Place {
  readonly start: number;
  readonly end: number;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN = new Set([0x7b, 0x5b]);
const CLOSE = new Set([0x7d, 0x5d]);

/** The items of an array, or the values of an object with their keys, one after the other: whoever stops early reads no further. */
function* valuesIn(bytes: Buffer, { start, end }: Place): Generator<Place & { readonly key: Place | null }> {
  let i = skipSpace(bytes, start + 1);
  while (i < end - 1) {
    const first = i;
    i = valueEnd(bytes, first);
    let key: Place | null = null;
    let from = first;
    const colon = skipSpace(bytes, i);
    if (bytes[colon] === COLON) {
      key = { start: first, end: i };
      from = skipSpace(bytes, colon + 1);
      i = valueEnd(bytes, from);
    }
    yield { key, start: from, end: i };
    i = skipSpace(bytes, i);
    if (bytes[i] === COMMA) i = skipSpace(bytes, i + 1);
  }
}

/** The items of the array that stands at a place. The bytes are known to be JSON. */
export const itemsIn = (bytes: Buffer, place: Place): Generator<Place> => valuesIn(bytes, place);

/** Where a member of the object at a place has its value; null: it has no such member. */
export function memberIn(bytes: Buffer, place: Place, name: string): Place | null {
  for (const { key, start, end } of valuesIn(bytes, place))
    if (key !== null && JSON.parse(bytes.toString('utf8', key.start, key.end)) === name) return { start, end };
  return null;
}

/** Has the array or object at a place nothing in it? */
export const isEmptyAt = (bytes: Buffer, { start, end }: Place): boolean => skipSpace(bytes, start + 1) >= end - 1;

function valueEnd(bytes: Buffer, from: number): number {
  if (bytes[from] === QUOTE) return stringEnd(bytes, from + 1) + 1;
  if (!OPEN.has(bytes[from]!)) return wordEnd(bytes, from);
  let depth = 0;
  for (let i = from; i < bytes.length; i++) {
    const c = bytes[i]!;
    if (c === QUOTE) i = stringEnd(bytes, i + 1);
    else if (OPEN.has(c)) depth++;
    else if (CLOSE.has(c) && --depth === 0) return i + 1;
  }
  return bytes.length;
}

function wordEnd(bytes: Buffer, from: number): number {
  let i = from;
  while (i < bytes.length && bytes[i]! > 0x20 && bytes[i] !== COMMA && !CLOSE.has(bytes[i]!)) i++;
  return i;
}

function skipSpace(bytes: Buffer, from: number): number {
  let i = from;
  while (i < bytes.length && bytes[i]! <= 0x20) i++;
  return i;
}

/** A member of a body; one that another thread has left in the bytes is read from them. */
export function memberOf({ bytes, value, spans }: StrictJson, name: string): unknown {
  if (Object.hasOwn(value, name)) return value[name];
  const span = spans.get(name);
  return span && (JSON.parse(bytes.toString('utf8', span.start, span.end)) as unknown);
}

/** The same where it is an object; else an empty one. */
export const objectIn = (request: StrictJson, name: string): Readonly<Record<string, unknown>> => {
  const value = memberOf(request, name);
  return isObject(value) ? value : {};
};
