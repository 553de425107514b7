import { HeadgateError } from '#kernel/errors.ts';

const [QUOTE, BACKSLASH, COMMA, COLON] = [0x22, 0x5c, 0x2c, 0x3a];
const [OPEN_OBJECT, CLOSE_OBJECT, OPEN_ARRAY, CLOSE_ARRAY] = [0x7b, 0x7d, 0x5b, 0x5d];
const KEY = Buffer.from('"requests"');

type Reading = 'start' | 'key' | 'colon' | 'array' | 'item' | 'in-item' | 'between' | 'end' | 'over';

/**
 * Reads `{"requests":[{…},…]}` piece by piece and gives each request as its own bytes: a batch of hundreds of megabytes
 * is never whole in memory. It divides; whoever gets a request parses it.
 */
export class RequestsReader {
  readonly #maxItemBytes: number;
  #reading: Reading = 'start';
  #parts: Buffer[] = [];
  #length = 0;
  #depth = 0;
  #inString = false;
  #escaped = false;
  #key = 0;

  constructor(maxItemBytes: number) {
    this.#maxItemBytes = maxItemBytes;
  }

  get complete(): boolean {
    return this.#reading === 'over';
  }

  push(chunk: Buffer): readonly Buffer[] {
    const items: Buffer[] = [];
    let from = 0;
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at]!;
      if (this.#reading === 'in-item') {
        if (!this.#inItem(byte)) continue;
        this.#add(chunk.subarray(from, at + 1));
        items.push(this.#take());
        this.#reading = 'between';
      } else if (this.#reading === 'item' && byte === OPEN_OBJECT) {
        [from, this.#depth, this.#reading] = [at, 1, 'in-item'];
      } else if (byte > 0x20 || this.#key > 0) this.#outside(byte);
    }
    if (this.#reading === 'in-item') this.#add(chunk.subarray(from));
    return items;
  }

  /** True: the item ends with this byte. */
  #inItem(byte: number): boolean {
    if (this.#inString) {
      if (this.#escaped) this.#escaped = false;
      else if (byte === BACKSLASH) this.#escaped = true;
      else if (byte === QUOTE) this.#inString = false;
      return false;
    }
    if (byte === QUOTE) this.#inString = true;
    else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) this.#depth++;
    else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) this.#depth--;
    return this.#depth === 0;
  }

  #outside(byte: number): void {
    const next = this.#after(byte);
    if (next === null) throw wrongShape();
    this.#reading = next;
  }

  #after(byte: number): Reading | null {
    switch (this.#reading) {
      case 'start':
        return byte === OPEN_OBJECT ? 'key' : null;
      case 'key':
        if (byte !== KEY[this.#key++]) return null;
        if (this.#key < KEY.length) return 'key';
        this.#key = 0;
        return 'colon';
      case 'colon':
        return byte === COLON ? 'array' : null;
      case 'array':
        return byte === OPEN_ARRAY ? 'item' : null;
      case 'between':
        return byte === COMMA ? 'item' : byte === CLOSE_ARRAY ? 'end' : null;
      case 'end':
        return byte === CLOSE_OBJECT ? 'over' : null;
      default:
        return null;
    }
  }

  #add(piece: Buffer): void {
    this.#length += piece.length;
    if (this.#length > this.#maxItemBytes)
      throw new HeadgateError('body_too_large', { message: `A request is longer than ${this.#maxItemBytes} bytes.` });
    this.#parts.push(piece);
  }

  #take(): Buffer {
    const item = this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts);
    [this.#parts, this.#length] = [[], 0];
    return item;
  }
}

const wrongShape = (): HeadgateError =>
  new HeadgateError('invalid_request', {
    field: 'requests',
    message: 'The body must be one JSON object with `requests`, a list of at least one request, and nothing else.',
  });
