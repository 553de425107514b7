import type { Span } from '../json/scan.ts';

const [QUOTE, ESCAPE, COMMA] = [0x22, 0x5c, 0x2c];
const OPENS = new Set([0x5b, 0x7b]);
const CLOSES = new Set([0x5d, 0x7d]);

/** Where each element of the array at `span` stands. The bytes are valid JSON. */
export function elementsOf(bytes: Buffer, span: Span): Span[] {
  const found: Span[] = [];
  let depth = 0;
  let start = span.start + 1;
  const add = (end: number): void => {
    const trimmed = trim(bytes, start, end);
    if (trimmed) found.push(trimmed);
    start = end + 1;
  };
  for (let at = span.start; at < span.end; at++) {
    const byte = bytes[at]!;
    if (byte === QUOTE) at = stringEnd(bytes, at);
    else if (OPENS.has(byte)) depth++;
    else if (CLOSES.has(byte) && --depth === 0) add(at);
    else if (byte === COMMA && depth === 1) add(at);
  }
  return found;
}

function stringEnd(bytes: Buffer, from: number): number {
  let at = from + 1;
  while (bytes[at] !== QUOTE) at += bytes[at] === ESCAPE ? 2 : 1;
  return at;
}

const isSpace = (byte: number | undefined): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

function trim(bytes: Buffer, from: number, to: number): Span | null {
  let [start, end] = [from, to];
  while (start < end && isSpace(bytes[start])) start++;
  while (end > start && isSpace(bytes[end - 1])) end--;
  return start === end ? null : { keyStart: start, start, end };
}
