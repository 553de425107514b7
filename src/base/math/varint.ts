import { invariant } from '#kernel/invariant.ts';

// LEB128: seven bits a byte, low first. Arithmetic instead of shifts, so that counts past 2^31 are right.

/** Bytes that grow and are used again: one for a module, so that encoding allocates its result alone. */
export class ScratchBytes {
  #bytes: Uint8Array;
  #length = 0;
  constructor(capacity: number) {
    this.#bytes = new Uint8Array(capacity);
  }

  clear(): void {
    this.#length = 0;
  }

  byte(value: number): void {
    if (this.#length === this.#bytes.length) this.#grow();
    this.#bytes[this.#length++] = value;
  }

  /** Appends a count of at most 2^53 − 1. */
  varint(value: number): void {
    let rest = value;
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.byte((rest % 128) + 128);
    this.byte(rest);
  }

  copy(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #grow(): void {
    const larger = new Uint8Array(this.#bytes.length * 2);
    larger.set(this.#bytes);
    this.#bytes = larger;
  }
}

/** Reads one number and moves `at.offset` behind it. Throws where the bytes end inside it or it passes 2^53. */
export function readVarint(bytes: Uint8Array, at: { offset: number }): number {
  let value = 0;
  for (let unit = 1; ; unit *= 128) {
    const byte = bytes[at.offset++];
    invariant(byte !== undefined, 'a varint is complete');
    value += (byte % 128) * unit;
    if (byte < 128) break;
  }
  invariant(Number.isSafeInteger(value), 'a varint is below 2^53');
  return value;
}

/** Value of a hexadecimal digit in upper case, as SQLite writes it. */
const digit = (code: number): number => {
  const value = code < 58 ? code - 48 : code - 55;
  invariant(value >= 0 && value < 16, 'a text of hexadecimal digits');
  return value;
};

/** Reads a byte that is written as two hexadecimal digits, and moves `at.offset` behind it. */
export function readHexByte(text: string, at: { offset: number }): number {
  invariant(at.offset + 1 < text.length, 'a byte has two digits');
  const value = digit(text.charCodeAt(at.offset)) * 16 + digit(text.charCodeAt(at.offset + 1));
  at.offset += 2;
  return value;
}

/** {@link readVarint} of a text in hexadecimal. */
export function readHexVarint(text: string, at: { offset: number }): number {
  let value = 0;
  for (let unit = 1; ; unit *= 128) {
    const byte = readHexByte(text, at);
    value += (byte % 128) * unit;
    if (byte < 128) break;
  }
  invariant(Number.isSafeInteger(value), 'a varint is below 2^53');
  return value;
}
