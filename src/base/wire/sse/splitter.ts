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

export function sseSplitter(maxEventBytes = MAX_EVENT_BYTES): SseSplitter {
  let held: Buffer = Buffer.alloc(0);
  let searched = 0;
  const push = (chunk: Buffer): SseEvent[] => {
    const bytes = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    const events: SseEvent[] = [];
    let start = 0;
    let end = blockEnd(bytes, Math.max(0, searched));
    while (end > 0) {
      events.push(parseBlock(bytes.subarray(start, end)));
      start = end;
      end = blockEnd(bytes, start);
    }
    held = start === 0 ? bytes : bytes.subarray(start);
    if (held.length > maxEventBytes) throw new RangeError(`an event is larger than ${maxEventBytes} bytes`);
    // A line end that began before the cut may become a blank line with the next byte: look back three.
    searched = Math.max(0, held.length - 3);
    return events;
  };
  return { push, rest: () => held };
}

/** Index after the first blank line at or after `from`, or -1. A lone CR at the end waits: LF may follow. */
function blockEnd(bytes: Buffer, from: number): number {
  for (let i = bytes.indexOf(LF, from); i >= 0; i = bytes.indexOf(LF, i + 1)) {
    if (bytes[i + 1] === LF) return i + 2;
    if (bytes[i + 1] === CR && bytes[i + 2] === LF) return i + 3;
    if (bytes[i + 1] === CR && i + 2 < bytes.length) return i + 2;
  }
  return bytes.indexOf(CR, from) >= 0 ? blockEndWithCr(bytes, from) : -1;
}

/** The rare streams with CR line ends. */
function blockEndWithCr(bytes: Buffer, from: number): number {
  for (let i = bytes.indexOf(CR, from); i >= 0; i = bytes.indexOf(CR, i + 1)) {
    if (bytes[i + 1] === CR && i + 2 < bytes.length) return bytes[i + 2] === LF ? i + 3 : i + 2;
    if (bytes[i + 1] === LF) continue;
  }
  return -1;
}

function parseBlock(raw: Buffer): SseEvent {
  const text = raw.toString('utf8');
  // The form of nearly every event of every provider: one data line, LF line ends.
  if (text.startsWith('data: ') && text.indexOf('\n') === text.length - 2) {
    return { raw, name: '', data: text.slice(6, -2) };
  }
  let name = '';
  let data: string | null = null;
  for (const line of text.split(/\r\n|\n|\r/)) {
    const colon = line.indexOf(':');
    if (colon === 0 || line === '') continue;
    const field = (colon < 0 ? line : line.slice(0, colon)).replace(/^\uFEFF/, '');
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (field === 'event') name = value;
    else if (field === 'data') data = data === null ? value : `${data}\n${value}`;
  }
  return { raw, name, data };
}
