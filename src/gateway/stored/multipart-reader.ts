import { HeadgateError } from '#kernel/errors.ts';

/** Head of one part (RFC 7578). */
export interface PartHead {
  readonly name: string;
  /** Null: the part is a plain field. */
  readonly filename: string | null;
  readonly contentType: string | null;
}

/** What a reader of a form is told, in order: head, data*, and after the last part nothing. */
export type PartEvent =
  { readonly is: 'head'; readonly head: PartHead } | { readonly is: 'data'; readonly bytes: Buffer };

/** Names and types of one part; more is an attack. */
const HEAD_BYTES = 8 * 1024;
const MOST_PARTS = 32;
const HEAD_END = Buffer.from('\r\n\r\n');

type Reading = 'preamble' | 'after-boundary' | 'head' | 'data' | 'epilogue';

/** Reads `multipart/form-data` piece by piece, whatever the pieces' bounds. Holds one boundary or one head, never a part. */
export class MultipartReader {
  readonly #mark: Buffer;
  #reading: Reading = 'preamble';
  // The first boundary has no line break before it; with one it is like the others.
  #rest: Buffer = Buffer.from('\r\n');
  #parts = 0;

  constructor(contentType: string | undefined) {
    const boundary = /^multipart\/form-data\s*;.*?boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i.exec(contentType ?? '');
    if (!boundary) throw refused('The body must be `multipart/form-data` with a boundary.');
    this.#mark = Buffer.from(`\r\n--${boundary[1] ?? boundary[2]}`, 'latin1');
  }

  /** True once the closing boundary was read. */
  get complete(): boolean {
    return this.#reading === 'epilogue';
  }

  push(chunk: Buffer): readonly PartEvent[] {
    const events: PartEvent[] = [];
    let bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    for (;;) {
      const left = this.#step(bytes, events);
      if (left === null) break;
      bytes = left;
    }
    return events;
  }

  /** Reads one thing; returns what is behind it, or null where more must come first (it is kept). */
  #step(bytes: Buffer, events: PartEvent[]): Buffer | null {
    if (this.#reading === 'epilogue') return this.#keep(bytes, bytes.length);
    if (this.#reading === 'after-boundary') return this.#afterBoundary(bytes);
    if (this.#reading === 'head') return this.#head(bytes, events);
    const at = bytes.indexOf(this.#mark);
    const safe = at >= 0 ? at : Math.max(0, bytes.length - this.#mark.length + 1);
    if (this.#reading === 'data' && safe > 0) events.push({ is: 'data', bytes: bytes.subarray(0, safe) });
    if (at < 0) return this.#keep(bytes, safe);
    this.#reading = 'after-boundary';
    return bytes.subarray(at + this.#mark.length);
  }

  #afterBoundary(bytes: Buffer): Buffer | null {
    if (bytes.length < 2) return this.#keep(bytes, 0);
    if (bytes[0] === 0x2d && bytes[1] === 0x2d) {
      this.#reading = 'epilogue';
      return bytes.subarray(2);
    }
    if (bytes[0] !== 0x0d || bytes[1] !== 0x0a) throw refused('A boundary of the form is broken.');
    if (++this.#parts > MOST_PARTS) throw refused(`The form has more than ${MOST_PARTS} parts.`);
    this.#reading = 'head';
    // A part may have no header line at all: then the empty line is this one.
    return bytes;
  }

  #head(bytes: Buffer, events: PartEvent[]): Buffer | null {
    const end = bytes.indexOf(HEAD_END);
    if (end < 0 && bytes.length > HEAD_BYTES) throw refused('The head of a part is too long.');
    if (end < 0) return this.#keep(bytes, 0);
    events.push({ is: 'head', head: headOf(bytes.toString('utf8', 0, end)) });
    this.#reading = 'data';
    return bytes.subarray(end + HEAD_END.length);
  }

  #keep(bytes: Buffer, from: number): null {
    this.#rest = from === bytes.length ? EMPTY : Buffer.from(bytes.subarray(from));
    return null;
  }
}

const EMPTY = Buffer.alloc(0);

function headOf(text: string): PartHead {
  const disposition = /^content-disposition:\s*form-data\s*(;.*)$/im.exec(text)?.[1] ?? '';
  const name = /;\s*name="((?:[^"\\]|\\.)*)"/i.exec(disposition)?.[1];
  if (name === undefined) throw refused('A part of the form has no name.');
  const filename = /;\s*filename="((?:[^"\\]|\\.)*)"/i.exec(disposition)?.[1] ?? null;
  const contentType = /^content-type:\s*([^\r\n]+)$/im.exec(text)?.[1]?.trim() ?? null;
  return { name, filename, contentType };
}

const refused = (message: string): HeadgateError => new HeadgateError('invalid_request', { field: 'body', message });
