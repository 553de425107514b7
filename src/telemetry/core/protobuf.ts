/**
 * Writes protobuf from objects in the JSON form of a message, by a table of its fields: one tree serves both forms of
 * OTLP. A library for this weighs 3 MB and is slower (bench/signals).
 */
type Scalar =
  'string' | 'hex' | 'bool' | 'varint' | 'double' | 'fixed32' | 'fixed64' | 'packedFixed64' | 'packedDouble';

interface FieldRow {
  readonly name: string;
  readonly number: number;
  readonly kind: Scalar | MessageTable;
}

export interface MessageTable {
  readonly fields: readonly FieldRow[];
}

/** A message's fields: JSON name → number and kind. A message that holds itself is given as a function. */
export const message = (fields: Readonly<Record<string, readonly [number, Scalar | MessageTable]>>): MessageTable => ({
  fields: Object.entries(fields).map(([name, [number, kind]]) => ({ name, number, kind })),
});

const VARINT = 0;
const I64 = 1;
const LENGTH_DELIMITED = 2;
const I32 = 5;

/** Bytes of a message. Every property that is there is written, zero and empty too: a `oneof` needs that. */
export function encode(table: MessageTable, value: object): Buffer {
  const writer = new Writer();
  writer.message(table, value as Record<string, unknown>);
  return writer.bytes();
}

class Writer {
  #buffer = Buffer.allocUnsafe(16 * 1024);
  #at = 0;

  bytes(): Buffer {
    return Buffer.from(this.#buffer.subarray(0, this.#at));
  }

  message({ fields }: MessageTable, value: Record<string, unknown>): void {
    for (const { name, number, kind } of fields) {
      const field = value[name];
      if (field === undefined) continue;
      if (typeof kind === 'object') {
        if (Array.isArray(field)) for (const one of field) this.#nested(number, kind, one);
        else this.#nested(number, kind, field as Record<string, unknown>);
      } else this.#scalar(number, kind, field);
    }
  }

  #nested(number: number, table: MessageTable, value: Record<string, unknown>): void {
    this.#tag(number, LENGTH_DELIMITED);
    this.#delimited(() => this.message(table, value));
  }

  /** Most lengths are below 128 and take one byte; the content of a longer one moves up. */
  #delimited(write: () => void): void {
    this.#room(1);
    const start = ++this.#at;
    write();
    const length = this.#at - start;
    const extra = varintBytes(length) - 1;
    if (extra > 0) {
      this.#room(extra);
      this.#buffer.copyWithin(start + extra, start, this.#at);
    }
    const end = this.#at + extra;
    this.#at = start - 1;
    this.#varint(length);
    this.#at = end;
  }

  #scalar(number: number, kind: Scalar, value: unknown): void {
    switch (kind) {
      case 'string':
        this.#tag(number, LENGTH_DELIMITED);
        return this.#text(value as string);
      case 'hex':
        this.#tag(number, LENGTH_DELIMITED);
        return this.#hex(value as string);
      case 'bool':
        this.#tag(number, VARINT);
        return this.#varint(value === true ? 1 : 0);
      case 'varint':
        this.#tag(number, VARINT);
        return this.#varint(Number(value));
      case 'double':
        this.#tag(number, I64);
        return this.#double(value as number);
      case 'fixed64':
        this.#tag(number, I64);
        return this.#fixed64(value as string);
      case 'fixed32':
        this.#tag(number, I32);
        this.#room(4);
        this.#at = this.#buffer.writeUInt32LE(value as number, this.#at);
        return;
      case 'packedFixed64':
        this.#tag(number, LENGTH_DELIMITED);
        return this.#delimited(() => (value as string[]).forEach((one) => this.#fixed64(one)));
      case 'packedDouble':
        this.#tag(number, LENGTH_DELIMITED);
        return this.#delimited(() => (value as number[]).forEach((one) => this.#double(one)));
    }
  }

  #tag(number: number, wire: number): void {
    this.#varint((number << 3) | wire);
  }

  #varint(value: number): void {
    this.#room(10);
    let rest = value;
    while (rest >= 0x80) {
      this.#buffer[this.#at++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#buffer[this.#at++] = rest;
  }

  #text(text: string): void {
    const most = text.length * 3;
    if (most < 0x80) {
      this.#room(1 + most);
      const written = this.#buffer.write(text, this.#at + 1);
      this.#buffer[this.#at] = written;
      this.#at += 1 + written;
      return;
    }
    const length = Buffer.byteLength(text);
    this.#varint(length);
    this.#room(length);
    this.#at += this.#buffer.write(text, this.#at);
  }

  #hex(text: string): void {
    this.#varint(text.length / 2);
    this.#room(text.length / 2);
    this.#at += this.#buffer.write(text, this.#at, 'hex');
  }

  #double(value: number): void {
    this.#room(8);
    this.#at = this.#buffer.writeDoubleLE(value, this.#at);
  }

  #fixed64(text: string): void {
    this.#room(8);
    this.#at = this.#buffer.writeBigUInt64LE(BigInt(text), this.#at);
  }

  #room(bytes: number): void {
    if (this.#at + bytes <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#at + bytes));
    this.#buffer.copy(larger, 0, 0, this.#at);
    this.#buffer = larger;
  }
}

function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes += 1;
  return bytes;
}
