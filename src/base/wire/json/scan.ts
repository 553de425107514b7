/** Byte offsets of a value: `[start, end)`; `keyStart` is the opening quote of its key. */
export interface Span {
  readonly keyStart: number;
  readonly start: number;
  readonly end: number;
}

export interface Scan {
  readonly spans: Map<string, Span>;
  /** Path of the first key that stands twice in one object, or null. */
  readonly duplicate: string | null;
  readonly tooDeep: boolean;
  readonly longNumberAt: number | null;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const COMMA = 0x2c;
const COLON = 0x3a;

/** Integers of 15 digits are exact in a double; from 16 on some are not. */
const EXACT_DIGITS = 15;
/** Below this many bytes a loop finds the quote sooner than a call into native code (measured: 40 ns a call). */
const SHORT_STRING = 48;
/** Objects with more keys than this compare by a set instead of pair by pair. */
const FEW_KEYS = 12;

/** The keys seen so far in one open object (`keys` null: an array). */
interface Frame {
  keys: string[] | null;
  set: Set<string> | null;
  /** Name or index under which this container stands in its parent. */
  name: string;
  index: number;
}

/**
 * One pass over the bytes of a JSON text: top-level spans, duplicate keys at any depth, depth, long numbers.
 * It does not check the grammar: `JSON.parse` does. On invalid text the result means nothing, but it ends. `ascii`: the
 * text, where each byte is a character of it.
 */
export function scan(bytes: Buffer, maxDepth: number, ascii: string | null = null): Scan {
  const spans = new Map<string, Span>();
  const stack: Frame[] = [];
  let duplicate: string | null = null;
  // -1 for none and no `??=`: Node 26.10's Maglev compiles `longNumberAt ??= i` in this loop wrong (1 scan in 16,000).
  let longNumberAt = -1;
  let wantKey = false;
  let key = '';
  let keyStart = 0;
  let valueStart = -1;
  let i = 0;

  const endTopValue = (end: number): void => {
    if (stack.length !== 1 || valueStart < 0) return;
    spans.set(key, { keyStart, start: valueStart, end: trimEnd(bytes, valueStart, end) });
    valueStart = -1;
  };

  while (i < bytes.length) {
    const c = bytes[i]!;
    if (c === QUOTE) {
      const end = stringEnd(bytes, i + 1);
      if (wantKey) {
        const name = ascii === null ? keyText(bytes, i, end) : asciiKey(ascii, i, end);
        const frame = stack[stack.length - 1]!;
        if (duplicate === null && seen(frame, name)) duplicate = pathOf(stack, name);
        wantKey = false;
        if (stack.length === 1) [key, keyStart] = [name, i];
        else frame.name = name;
      }
      i = end + 1;
      continue;
    }
    if (c === OPEN_OBJECT || c === OPEN_ARRAY) {
      if (stack.length >= maxDepth) return { spans, duplicate, tooDeep: true, longNumberAt: orNull(longNumberAt) };
      stack.push({ keys: c === OPEN_OBJECT ? [] : null, set: null, name: '', index: 0 });
      wantKey = c === OPEN_OBJECT;
    } else if (c === CLOSE_OBJECT || c === CLOSE_ARRAY) {
      endTopValue(i);
      stack.pop();
      wantKey = false;
    } else if (c === COMMA) {
      endTopValue(i);
      const frame = stack[stack.length - 1];
      wantKey = frame?.keys != null;
      if (frame) frame.index++;
    } else if (c === COLON) {
      if (stack.length === 1) valueStart = skipSpace(bytes, i + 1);
      const frame = stack[stack.length - 1];
      if (frame && stack.length === 1) frame.name = key;
    } else if (c >= 0x30 && c <= 0x39) {
      const digits = digitsEnd(bytes, i);
      const end = numberEnd(bytes, digits);
      // Only integers: 17 digits after a point are how Python writes 0.7, and every reader rounds them alike.
      if (end === digits && longNumberAt < 0 && isRounded(bytes, i, digits)) longNumberAt = i;
      i = end;
      continue;
    }
    i++;
  }
  return { spans, duplicate, tooDeep: false, longNumberAt: orNull(longNumberAt) };
}

const orNull = (at: number): number | null => (at < 0 ? null : at);

function seen(frame: Frame, name: string): boolean {
  const keys = frame.keys!;
  if (frame.set) {
    if (frame.set.has(name)) return true;
    frame.set.add(name);
    return false;
  }
  if (keys.includes(name)) return true;
  keys.push(name);
  if (keys.length > FEW_KEYS) frame.set = new Set(keys);
  return false;
}

/** Index of the closing quote of a string that begins before `from`, or the end of the text. */
export function stringEnd(bytes: Buffer, from: number): number {
  let i = from;
  for (;;) {
    // Quoted speech and code escape many quotes near each other: after each, look near by before asking native code.
    const near = Math.min(bytes.length, i + SHORT_STRING);
    for (; i < near; i++) {
      const c = bytes[i]!;
      if (c === QUOTE) return i;
      if (c === BACKSLASH) i++;
    }
    const quote = bytes.indexOf(QUOTE, i);
    if (quote < 0) return bytes.length;
    if (!escaped(bytes, quote, i)) return quote;
    i = quote + 1;
  }
}

/** Is the quote escaped: an odd run of backslashes stands before it, none of them before `from`. */
function escaped(bytes: Buffer, quote: number, from: number): boolean {
  let run = 0;
  while (quote - 1 - run >= from && bytes[quote - 1 - run] === BACKSLASH) run++;
  return (run & 1) === 1;
}

/** A call into native code for each key costs more than the rest of the scan. */
function asciiKey(text: string, start: number, end: number): string {
  const raw = text.slice(start + 1, end);
  return raw.includes('\\') ? parsedKey(text.slice(start, end + 1), raw) : raw;
}

function parsedKey(quoted: string, raw: string): string {
  try {
    return JSON.parse(quoted) as string;
  } catch {
    return raw;
  }
}

function keyText(bytes: Buffer, start: number, end: number): string {
  const raw = bytes.toString('latin1', start + 1, end);
  if (!raw.includes('\\') && isAscii(raw)) return raw;
  return parsedKey(bytes.toString('utf8', start, end + 1), raw);
}

// \x80-\xff in a latin1 slice are bytes of a longer UTF-8 sequence.
const isAscii = (text: string): boolean => !/[\x80-\xff]/.test(text);

const skipSpace = (bytes: Buffer, from: number): number => {
  let i = from;
  while (i < bytes.length && bytes[i]! <= 0x20) i++;
  return i;
};
const trimEnd = (bytes: Buffer, start: number, end: number): number => {
  let i = end;
  while (i > start && bytes[i - 1]! <= 0x20) i--;
  return i;
};
const digitsEnd = (bytes: Buffer, from: number): number => {
  let i = from;
  while (i < bytes.length && bytes[i]! >= 0x30 && bytes[i]! <= 0x39) i++;
  return i;
};

/** Longer than this is no integer when it is written again, but an exponent. */
const MOST_DIGITS = 21;

/** Would it be another number when it is written again? zod's schemas bound each integer by 9007199254740991: exact. */
function isRounded(bytes: Buffer, from: number, to: number): boolean {
  if (to - from <= EXACT_DIGITS) return false;
  if (to - from > MOST_DIGITS) return true;
  const text = bytes.toString('latin1', from, to);
  return String(Number(text)) !== text;
}

/** End of the fraction and exponent that follow the whole digits, or `from` where there are none. */
const numberEnd = (bytes: Buffer, from: number): number => {
  let i = from;
  while (i < bytes.length && NUMBER_TAIL.has(bytes[i]!)) i++;
  return i;
};
const NUMBER_TAIL = new Set(Buffer.from('0123456789.eE+-'));

const pathOf = (stack: readonly Frame[], name: string): string =>
  [...stack.slice(0, -1).map((frame) => (frame.keys ? frame.name : `[${frame.index}]`)), name]
    .join('.')
    .replaceAll('.[', '[');
