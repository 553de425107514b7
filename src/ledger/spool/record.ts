import { crc32 } from 'node:zlib';

/**
 * One record of a segment, little endian:
 *
 *     0  magic   FF 48      FF is no byte of UTF-8, so no payload can hold what looks like a record
 *     2  crc     u32        CRC-32 of all that follows
 *     6  type    u8         see RecordType; a reader skips a type that it does not know
 *     7  zero    u8
 *     8  length  u32        of the payload
 *    12  payload            UTF-8 JSON whose first element is the call's id; a settlement has three lines of it
 */
export const HEADER_BYTES = 12;
const MAGIC = 0x48ff;

/** Record types of format version 2. Numbers are never used again. */
export const RecordType = {
  /** `[formatVersion, owner, seq, createdAtMs, coversSeq]`, first in each file. */
  segment: 1,
  admission: 2,
  attempt: 3,
  progress: 4,
  settlement: 5,
  /** Nothing: room was probed. */
  padding: 6,
} as const;
export type RecordTypeCode = (typeof RecordType)[keyof typeof RecordType];

/** A change that an older reader would misread raises this; new record types and new trailing fields do not. */
export const FORMAT_VERSION = 2;

/** Largest payload. An entry is about 1 KB; the largest has a hundred attempts and long labels. */
export const MAX_PAYLOAD_BYTES = 1024 * 1024;

const CRC_AT = 2;
const TYPE_AT = 6;
const LENGTH_AT = 8;

// One run of bytes: a second call of crc32 and a second view cost 0.5 µs a record.
const crcOf = (bytes: Uint8Array, at: number, next: number): number => crc32(bytes.subarray(at + TYPE_AT, next));

/** Writes one record at `at` and returns its length. `buffer` must hold `12 + 3 * text.length` bytes from there. */
export function writeRecord(buffer: Buffer, at: number, type: RecordTypeCode, text: string): number {
  const length = buffer.write(text, at + HEADER_BYTES, 'utf8');
  const next = at + HEADER_BYTES + length;
  buffer.writeUInt16LE(MAGIC, at);
  buffer.writeUInt16LE(type, at + TYPE_AT);
  buffer.writeUInt32LE(length, at + LENGTH_AT);
  buffer.writeUInt32LE(crcOf(buffer, at, next), at + CRC_AT);
  return HEADER_BYTES + length;
}

export const recordSpace = (text: string): number => HEADER_BYTES + text.length * 3;

/** One record in place: `payload` is a view of the buffer that was read. */
export interface SpoolRecord {
  readonly type: number;
  readonly payload: Buffer;
}

export type ReadResult =
  | { readonly kind: 'record'; readonly record: SpoolRecord; readonly next: number }
  /** The bytes end before the record does: a torn tail, or a record that is still being written. */
  | { readonly kind: 'short' }
  /** Not a record, or its CRC is wrong. */
  | { readonly kind: 'bad' };

/** Reads the record at `at` of the first `end` bytes. */
export function readRecord(buffer: Buffer, at: number, end: number): ReadResult {
  if (end - at < HEADER_BYTES) return { kind: 'short' };
  if (buffer.readUInt16LE(at) !== MAGIC) return { kind: 'bad' };
  const length = buffer.readUInt32LE(at + LENGTH_AT);
  if (length > MAX_PAYLOAD_BYTES) return { kind: 'bad' };
  const next = at + HEADER_BYTES + length;
  if (next > end) return { kind: 'short' };
  if (crcOf(buffer, at, next) !== buffer.readUInt32LE(at + CRC_AT)) return { kind: 'bad' };
  const payload = buffer.subarray(at + HEADER_BYTES, next);
  return { kind: 'record', record: { type: buffer[at + TYPE_AT]!, payload }, next };
}

/** Position of the next whole record after a bad one, or null. Only a right CRC counts. */
export function findRecord(buffer: Buffer, from: number, end: number): number | null {
  for (let at = buffer.indexOf(0xff, from); at >= 0 && at < end; at = buffer.indexOf(0xff, at + 1)) {
    if (readRecord(buffer, at, end).kind === 'record') return at;
  }
  return null;
}

const QUOTE = 0x22;

/** The id in `["<id>",…`, without parsing the rest: the shipper joins on it and parses settlements only. */
export function callIdOf(payload: Buffer): string {
  return payload.toString('latin1', 2, payload.indexOf(QUOTE, 2));
}
