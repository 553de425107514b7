import { isUtf8 } from 'node:buffer';
import { err, ok, type Result } from '#kernel/result.ts';
import type { Span } from '#wire/json/scan.ts';
import type { JsonFault, StrictJson } from '#wire/json/strict.ts';
import { boundaryOf, formType, isForm } from './boundary.ts';
import { readPartHead } from './part-head.ts';
import { wavMs } from './wav.ts';

/** A file of a form, as far as policy and metering look at it. */
export interface FormFile {
  readonly kind: 'file';
  readonly bytes: number;
  /** Milliseconds of sound where it is a WAV file that says so. */
  readonly wavMs: number | null;
}

export const isFormFile = (value: unknown): value is FormFile =>
  typeof value === 'object' && value !== null && (value as FormFile).kind === 'file';

/** More is no form of any endpoint: edits take 16 images and some twenty fields. */
const MOST_PARTS = 100;
/** Longer is no head of a part: it holds a name, the name of a file and a content type. */
const MOST_HEAD_BYTES = 8 * 1024;
/** The longest text field that is published is a prompt of 32,000 characters. */
const MOST_TEXT_BYTES = 256 * 1024;

/** Fields that policy or metering read: they stand once, under this very name. */
const SINGLE: ReadonlySet<string> = new Set([
  ...['model', 'n', 'size', 'quality', 'stream', 'response_format', 'partial_images', 'prompt', 'user', 'file'],
  ...['safety_identifier', 'service_tier', 'background', 'output_format', 'mask', 'cache_salt'],
]);

const BLANK_LINE = Buffer.from('\r\n\r\n');
const [CR, LF, DASH] = [0x0d, 0x0a, 0x2d];

const fault = (message: string, field: string | null = null): { ok: false; error: JsonFault } =>
  err({ code: 'invalid_request', field, message });

/**
 * Reads a `multipart/form-data` body of which nothing is trusted (RFC 7578), in the shape of a JSON one: text fields as
 * strings, files as {@link FormFile}, a field that may repeat (`image[]`) as a list, spans of the contents. The bytes
 * stay as they are. Refused is whatever servers are known to read in different ways: a preamble, bare line feeds, folded
 * heads, coded names, a field twice.
 */
export function parseForm(bytes: Buffer, contentType: string): Result<StrictJson, JsonFault> {
  if (!isForm(contentType)) return fault('This endpoint takes `multipart/form-data`.', 'content-type');
  const boundary = boundaryOf(contentType);
  if (boundary === null) return fault('The content type must name one boundary of 1 to 70 characters.', 'content-type');
  const reader = new FormReader(bytes, boundary);
  const wrong = reader.read();
  if (wrong) return err(wrong);
  return ok({
    bytes,
    value: Object.fromEntries(reader.values),
    spans: reader.spans,
    longNumberAt: null,
    contentType: formType(boundary),
  });
}

class FormReader {
  readonly values = new Map<string, unknown>();
  readonly spans = new Map<string, Span>();
  readonly #bytes: Buffer;
  readonly #delimiter: Buffer;
  #parts = 0;

  constructor(bytes: Buffer, boundary: string) {
    this.#bytes = bytes;
    this.#delimiter = Buffer.from(`\r\n--${boundary}`);
  }

  read(): JsonFault | null {
    const first = this.#delimiter.subarray(2);
    if (!this.#bytes.subarray(0, first.length).equals(first)) return wrongAt(0, 'does not begin with its boundary');
    for (let at = first.length; ;) {
      if (this.#is(at, DASH, DASH)) return this.#blankFrom(at + 2);
      if (!this.#is(at, CR, LF)) return wrongAt(at, 'has a boundary that is followed by something else');
      if (++this.#parts > MOST_PARTS) return wrongAt(at, `has more than ${MOST_PARTS} parts`);
      const end = this.#part(at + 2);
      if (typeof end !== 'number') return end;
      at = end + this.#delimiter.length;
    }
  }

  #is(at: number, a: number, b: number): boolean {
    return this.#bytes[at] === a && this.#bytes[at + 1] === b;
  }

  #blankFrom(at: number): JsonFault | null {
    const rest = this.#bytes.subarray(at);
    const blank = rest.length <= 4 && rest.every((byte) => byte === CR || byte === LF);
    return blank ? null : wrongAt(at, 'goes on after its last boundary');
  }

  /** Takes one part in; where its content ends, or what is wrong with it. */
  #part(start: number): number | JsonFault {
    const bytes = this.#bytes;
    const headEnd = bytes.subarray(start, start + MOST_HEAD_BYTES).indexOf(BLANK_LINE);
    if (headEnd < 0) return wrongAt(start, 'has a part whose head is cut or longer than 8 KB');
    const head = bytes.subarray(start, start + headEnd);
    const read = isUtf8(head) ? readPartHead(head.toString('utf8')) : { wrong: 'is not UTF-8' };
    if ('wrong' in read) return wrongAt(start, `has a part that ${read.wrong}`);
    const from = start + headEnd + BLANK_LINE.length;
    const end = bytes.indexOf(this.#delimiter, from);
    if (end < 0) return wrongAt(from, 'ends before its last boundary');
    return this.#field(read, { keyStart: start, start: from, end }) ?? end;
  }

  #field({ name, isFile }: { name: string; isFile: boolean }, span: Span): JsonFault | null {
    const repeats = name.endsWith('[]');
    const plain = name.replace(/\[.*$/s, '');
    if (this.values.has(name) && !repeats)
      return { code: 'duplicate_field', field: name, message: `The field \`${name}\` appears twice.` };
    // A field of HTML forms that says how the others are coded.
    if (name === '_charset_') return wrongAt(span.keyStart, 'names a charset');
    if (plain !== name && SINGLE.has(plain))
      return { code: 'invalid_request', field: name, message: `The field \`${plain}\` must stand under its own name.` };
    const content = this.#bytes.subarray(span.start, span.end);
    const value = isFile ? fileOf(content) : textOf(content);
    if (value === null)
      return { code: 'invalid_request', field: name, message: `\`${name}\` must be UTF-8 text of at most 256 KB.` };
    const earlier = this.values.get(name) as unknown[] | undefined;
    this.values.set(name, repeats ? [...(earlier ?? []), value] : value);
    if (!this.spans.has(name)) this.spans.set(name, span);
    return null;
  }
}

const fileOf = (content: Buffer): FormFile => ({ kind: 'file', bytes: content.length, wavMs: wavMs(content) });

const textOf = (content: Buffer): string | null =>
  content.length <= MOST_TEXT_BYTES && isUtf8(content) ? content.toString('utf8') : null;

const wrongAt = (at: number, what: string): JsonFault => ({
  code: 'invalid_request',
  field: null,
  message: `The form ${what} (byte ${at}).`,
});
