/**
 * The shape of an event's text: what stands between its JSON strings and numbers, and those values. Events of one
 * stream have few shapes, and the next event of a shape differs from the last in a piece of text and a counter.
 * Texts are Latin-1, one character a byte, so that any bytes come back exactly.
 */
export interface Shape {
  /** One more than there are values. */
  readonly literals: readonly string[];
  /** Is the value a number? Else it is what stands between two quotes, escaped as it came. */
  readonly numeric: readonly boolean[];
}

/** More values than this is no piece of a text: such an event is kept whole. */
const MOST_VALUES = 96;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39;

/** End of the string that begins at `at`, behind its opening quote: the place of its closing one, or -1. */
export function stringEnd(text: string, at: number): number {
  for (let i = at; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) return i;
    if (code === BACKSLASH) i++;
  }
  return -1;
}

export function digitsEnd(text: string, at: number): number {
  let i = at;
  while (i < text.length && isDigit(text.charCodeAt(i))) i++;
  return i;
}

/** Takes a text apart; null where it has no values, too many, or a string without end. */
export function shapeOf(text: string): { readonly shape: Shape; readonly values: string[] } | null {
  const [literals, numeric, values]: [string[], boolean[], string[]] = [[], [], []];
  let from = 0;
  for (let at = 0; at < text.length;) {
    const code = text.charCodeAt(at);
    const quoted = code === QUOTE;
    if (!quoted && !isDigit(code)) {
      at++;
      continue;
    }
    if (values.length === MOST_VALUES) return null;
    const start = quoted ? at + 1 : at;
    const end = quoted ? stringEnd(text, start) : digitsEnd(text, start);
    if (end < 0) return null;
    literals.push(text.slice(from, start));
    numeric.push(!quoted);
    values.push(text.slice(start, end));
    from = end;
    at = quoted ? end + 1 : end;
  }
  literals.push(text.slice(from));
  return values.length === 0 ? null : { shape: sharedShape({ literals, numeric }), values };
}

/** Shapes that streams have in common, the last used at the end. */
const SHARED = new Map<string, Shape>();
const MOST_SHARED = 256;

/** The same shape as an earlier stream's, where there was one: a thousand streams of a provider hold it once. */
function sharedShape(shape: Shape): Shape {
  const { literals, numeric } = shape;
  const key = `${literals.map(({ length }, i) => `${length}${numeric[i] ? 'n' : 's'}`).join('')} ${literals.join('')}`;
  const known = SHARED.get(key) ?? shape;
  SHARED.delete(key);
  SHARED.set(key, known);
  if (SHARED.size > MOST_SHARED) SHARED.delete(SHARED.keys().next().value!);
  return known;
}

/** Values of a text that has the shape; null where it has another. */
export function valuesIn(text: string, { literals, numeric }: Shape): string[] | null {
  const values: string[] = [];
  let at = 0;
  for (let i = 0; i < numeric.length; i++) {
    const literal = literals[i]!;
    if (!text.startsWith(literal, at)) return null;
    const start = at + literal.length;
    const end = numeric[i] ? digitsEnd(text, start) : stringEnd(text, start);
    if (end < 0 || (numeric[i] && end === start)) return null;
    values.push(text.slice(start, end));
    at = end;
  }
  return text.length - at === literals.at(-1)!.length && text.endsWith(literals.at(-1)!) ? values : null;
}

export function textOf({ literals }: Shape, values: readonly string[]): string {
  let text = literals[0]!;
  for (let i = 0; i < values.length; i++) text += values[i]! + literals[i + 1]!;
  return text;
}

/** The next whole number in decimal; null where the value is none that a double holds, or has a leading zero. */
export function successorOf(value: string): string | null {
  if (value.length > 15 || (value.length > 1 && value.startsWith('0'))) return null;
  return String(Number(value) + 1);
}
