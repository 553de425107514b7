/**
 * One server-sent event. `raw` is exactly the bytes that came, blank line included, so that an event that
 * needs no change is written as it is. `data` joins several data lines with a newline (WHATWG, 9.2.6).
 */
export interface SseEvent {
  readonly raw: Buffer;
  /** The `event:` field, or '' where there is none. */
  readonly name: string;
  /** Null: the block has no data line (a comment, a lone id or retry). */
  readonly data: string | null;
}

/** A block larger than this is no event of any dialect (the largest seen: 1.1 MB of image base64). */
export const MAX_EVENT_BYTES = 32 * 1024 * 1024;

const LF = 0x0a;
const CR = 0x0d;

/** Cuts a byte stream into events at any split. Line ends may be LF, CRLF or CR, mixed, as the standard allows. */
export interface SseSplitter {
  /** Events completed by this chunk, in order. */
  push(chunk: Buffer): SseEvent[];
  /** Bytes after the last complete event: not empty means that the stream was cut inside one. */
  rest(): Buffer;
}

/** A line end that began before a cut may become a blank line with the next bytes: CR LF CR is the longest such. */
const LOOK_BACK = 3;

export function sseSplitter(maxEventBytes = MAX_EVENT_BYTES): SseSplitter {
  // Pieces of the open event are joined once, when it is complete: joining at each chunk is quadratic.
  let held: Buffer[] = [];
  let heldBytes = 0;
  let tail: Buffer = EMPTY;
  let first = true;

  const push = (chunk: Buffer): SseEvent[] => {
    const seam = tail.length === 0 ? chunk : Buffer.concat([tail, chunk]);
    const hasCr = seam.includes(CR);
    const end = blockEnd(seam, 0, hasCr);
    if (end < 0) return keep(chunk, seam);
    const bytes = held.length === 0 ? chunk : Buffer.concat([...held, chunk]);
    return cut(bytes, end + bytes.length - seam.length, hasCr || (held.length > 0 && bytes.includes(CR)));
  };
  const keep = (chunk: Buffer, seam: Buffer): SseEvent[] => {
    held.push(chunk);
    heldBytes += chunk.length;
    tail = seam.subarray(Math.max(0, seam.length - LOOK_BACK));
    if (heldBytes > maxEventBytes) throw new RangeError(`an event is larger than ${maxEventBytes} bytes`);
    return [];
  };
  const cut = (bytes: Buffer, firstEnd: number, hasCr: boolean): SseEvent[] => {
    const events: SseEvent[] = [];
    let start = 0;
    for (let end = firstEnd; end > 0; end = start < bytes.length ? blockEnd(bytes, start, hasCr) : -1) {
      events.push(parseBlock(bytes.subarray(start, end), hasCr, first));
      first = false;
      start = end;
    }
    const rest = bytes.subarray(start);
    if (held.length > 0) held = [];
    heldBytes = 0;
    tail = EMPTY;
    if (rest.length > 0) keep(rest, rest);
    return events;
  };
  return { push, rest: () => (held.length === 1 ? held[0]! : Buffer.concat(held)) };
}

const EMPTY = Buffer.alloc(0);

/** Index after the first blank line at or after `from`, or -1. */
function blockEnd(bytes: Buffer, from: number, hasCr: boolean): number {
  if (hasCr) return blockEndWithCr(bytes, from);
  for (let at = bytes.indexOf(LF, from); at >= 0; at = bytes.indexOf(LF, at + 1))
    if (bytes[at + 1] === LF) return at + 2;
  return -1;
}

/** The same where CR or CRLF may end a line. A CR at the very end waits: LF may follow and is part of it. */
function blockEndWithCr(bytes: Buffer, from: number): number {
  let i = from;
  while (i < bytes.length) {
    if (bytes[i] !== LF && bytes[i] !== CR) {
      i++;
      continue;
    }
    const next = lineEnd(bytes, i);
    if (next < 0) return -1;
    if (bytes[next] === LF || bytes[next] === CR) return lineEnd(bytes, next);
    i = next;
  }
  return -1;
}

/** Index after the line end that stands at `at`, or -1 where the next byte decides. */
function lineEnd(bytes: Buffer, at: number): number {
  if (bytes[at] === LF) return at + 1;
  if (at + 1 >= bytes.length) return -1;
  return bytes[at + 1] === LF ? at + 2 : at + 1;
}

function parseBlock(raw: Buffer, hasCr: boolean, first: boolean): SseEvent {
  const text = raw.toString('utf8');
  // The form of nearly every event of every provider: one data line, LF line ends.
  if (!hasCr && text.startsWith('data: ') && text.indexOf('\n') === text.length - 2) {
    return { raw, name: '', data: text.slice(6, -2) };
  }
  let name = '';
  let data: string | null = null;
  // A byte order mark may stand before the whole stream only (WHATWG, 9.2.5).
  for (const line of (first ? text.replace(/^\uFEFF/, '') : text).split(/\r\n|\n|\r/)) {
    const colon = line.indexOf(':');
    if (colon === 0 || line === '') continue;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (field === 'event') name = value;
    else if (field === 'data') data = data === null ? value : `${data}\n${value}`;
  }
  return { raw, name, data };
}
