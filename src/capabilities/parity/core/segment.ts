/**
 * Files of captured text. A file begins with its own key, sealed under the operator's: deleting begins by overwriting
 * that key, and what a disk then still holds of the rest is noise. Records follow, each with a head in the clear (whose
 * call it is and until when) that its seal covers.
 */
import { seal, unseal, type CaptureKey } from './envelope.ts';

const MAGIC = Buffer.from('HGCAP1\n\0', 'latin1');
const LENGTHS = 8;
const SEALED_KEY_BYTES = 12 + 32 + 16;
const ID_BYTES = 12;
/** `magic | id of the operator's key | sealed key of the file`. */
export const PREAMBLE_BYTES = MAGIC.length + ID_BYTES + SEALED_KEY_BYTES;
export const SEALED_KEY_AT = MAGIC.length + ID_BYTES;
export const SEALED_KEY_LENGTH = SEALED_KEY_BYTES;

const aboutFile = (name: string, keyId: string): Buffer => Buffer.from(JSON.stringify(['segment', name, keyId]));

export interface NewFile {
  readonly name: string;
  readonly key: CaptureKey;
  readonly fileKey: Uint8Array;
  readonly nonce: Uint8Array;
}

export const preamble = ({ name, key, fileKey, nonce }: NewFile): Buffer =>
  Buffer.concat([
    MAGIC,
    Buffer.from(key.id, 'latin1'),
    seal(key.bytes, nonce, { text: fileKey, about: aboutFile(name, key.id) }),
  ]);

/** Whose key a file needs; null: it is no such file. */
export function keyIdOf(start: Buffer): string | null {
  if (start.length < PREAMBLE_BYTES || !start.subarray(0, MAGIC.length).equals(MAGIC)) return null;
  return start.toString('latin1', MAGIC.length, SEALED_KEY_AT);
}

/** The file's own key; null: it was shredded, tampered with, or the operator's key is another. */
export function fileKeyOf(start: Buffer, name: string, key: CaptureKey): Buffer | null {
  const sealed = start.subarray(SEALED_KEY_AT, PREAMBLE_BYTES);
  const opened = unseal(key.bytes, sealed, aboutFile(name, key.id));
  return opened.ok ? opened.value : null;
}

/** What is known of a record without a key. */
export interface RecordHead {
  readonly call: string;
  readonly tenant: string;
  readonly at: number;
  /** First instant at which it is gone. */
  readonly expiresAt: number;
}

export function recordBytes(
  head: RecordHead,
  { fileKey, nonce, text }: { readonly fileKey: Uint8Array; readonly nonce: Uint8Array; readonly text: Uint8Array },
): Buffer {
  const about = Buffer.from(JSON.stringify(head));
  const sealed = seal(fileKey, nonce, { text, about });
  const lengths = Buffer.alloc(LENGTHS);
  lengths.writeUInt32BE(about.length, 0);
  lengths.writeUInt32BE(sealed.length, 4);
  return Buffer.concat([lengths, about, sealed]);
}

/** Where a record lies in its file. */
export interface Place {
  readonly head: RecordHead;
  readonly at: number;
  readonly length: number;
}

/** A head that is longer is none. */
const MOST_HEAD_BYTES = 4_096;

/** The next record's place by its first bytes; null: the file ends here, or was cut here. */
export function placeAt(bytes: Buffer, at: number, fileLength: number): Place | null {
  if (bytes.length < LENGTHS) return null;
  const [about, sealed] = [bytes.readUInt32BE(0), bytes.readUInt32BE(4)];
  const length = LENGTHS + about + sealed;
  if (about > MOST_HEAD_BYTES || bytes.length < LENGTHS + about || at + length > fileLength) return null;
  try {
    const head = JSON.parse(bytes.toString('utf8', LENGTHS, LENGTHS + about)) as RecordHead;
    return { head, at, length };
  } catch {
    return null;
  }
}

export const FIRST_BYTES = LENGTHS + MOST_HEAD_BYTES;

/** The text of one record; null: it was tampered with. */
export function openRecord(bytes: Buffer, fileKey: Uint8Array): Buffer | null {
  const about = bytes.readUInt32BE(0);
  const opened = unseal(fileKey, bytes.subarray(LENGTHS + about), bytes.subarray(LENGTHS, LENGTHS + about));
  return opened.ok ? opened.value : null;
}
