import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { CaptureKey } from './core/envelope.ts';
import { KEY_BYTES, NONCE_BYTES } from './core/envelope.ts';
import {
  fileKeyOf,
  FIRST_BYTES,
  keyIdOf,
  openRecord,
  placeAt,
  preamble,
  PREAMBLE_BYTES,
  recordBytes,
  SEALED_KEY_AT,
  SEALED_KEY_LENGTH,
  type Place,
  type RecordHead,
} from './core/segment.ts';

/** A file takes records for so long at most, so that what is old does not wait for what is young. */
const FILE_MS = 3_600_000;
const FILE_BYTES = 64 * 1024 * 1024;
const NAME = /^([0-9a-f]{24})\.captured$/;

interface File {
  readonly name: string;
  bytes: number;
  /** When the last of its records is gone. */
  expiresAt: number;
}

interface Found extends Place {
  readonly file: string;
}

interface Writing {
  readonly fd: number;
  readonly file: File;
  readonly fileKey: Buffer;
  readonly keyId: string;
  readonly until: number;
}

/** The folder of captured text: append-only files, each gone whole when its last record has expired. One process owns it. */
export class Vault {
  readonly #dir: string;
  readonly #files = new Map<string, File>();
  readonly #calls = new Map<string, Found>();
  #writing: Writing | null = null;

  constructor(dir: string) {
    this.#dir = dir;
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    for (const entry of readdirSync(dir)) {
      const name = NAME.exec(entry)?.[1];
      if (name !== undefined) this.#scan(name);
    }
  }

  get bytes(): number {
    let sum = 0;
    for (const { bytes } of this.#files.values()) sum += bytes;
    return sum;
  }
  get records(): number {
    return this.#calls.size;
  }

  /** Appends one record. Throws what the file system throws; nothing is half in the index then. */
  append(head: RecordHead, text: Uint8Array, { key, now }: { readonly key: CaptureKey; readonly now: number }): void {
    const writing = this.#file(key, now, head.expiresAt - now);
    const bytes = recordBytes(head, { fileKey: writing.fileKey, nonce: randomBytes(NONCE_BYTES), text });
    const { file } = writing;
    try {
      writeWhole(writing.fd, bytes);
    } catch (error) {
      // What was written of it ends the file for every reader: the next record goes into another.
      file.bytes = statSync(this.#path(file.name)).size;
      this.#seal();
      throw error;
    }
    this.#calls.set(head.call, { head, at: file.bytes, length: bytes.length, file: file.name });
    file.bytes += bytes.length;
    file.expiresAt = Math.max(file.expiresAt, head.expiresAt);
  }

  /** The head of a call's record; null: there is none. */
  head(call: string): RecordHead | null {
    return this.#calls.get(call)?.head ?? null;
  }

  /** The text of a call; which key is missing; or null: tampered with. */
  read(call: string, keys: readonly CaptureKey[]): Buffer | { readonly needs: string } | null {
    const found = this.#calls.get(call)!;
    const fd = openSync(this.#path(found.file), 'r');
    try {
      const start = readAt(fd, 0, PREAMBLE_BYTES);
      const keyId = keyIdOf(start);
      if (keyId === null) return null;
      const key = keys.find(({ id }) => id === keyId);
      if (!key) return { needs: keyId };
      const fileKey = fileKeyOf(start, found.file, key);
      return fileKey === null ? null : openRecord(readAt(fd, found.at, found.length), fileKey);
    } finally {
      closeSync(fd);
    }
  }

  /** Shreds and deletes what has expired; returns how many files. */
  forget(now: number): number {
    let gone = 0;
    if (this.#writing && this.#writing.file.expiresAt <= now && this.#writing.until <= now) this.#seal();
    for (const file of [...this.#files.values()]) {
      if (file.expiresAt > now || file === this.#writing?.file) continue;
      shred(this.#path(file.name));
      this.#files.delete(file.name);
      for (const [call, found] of this.#calls) if (found.file === file.name) this.#calls.delete(call);
      gone++;
    }
    return gone;
  }

  close(): void {
    this.#seal();
  }

  #path(name: string): string {
    return join(this.#dir, `${name}.captured`);
  }

  #file(key: CaptureKey, now: number, keepMs: number): Writing {
    const open = this.#writing;
    if (open && open.keyId === key.id && open.until > now && open.file.bytes < FILE_BYTES) return open;
    this.#seal();
    const name = randomBytes(12).toString('hex');
    const fileKey = randomBytes(KEY_BYTES);
    const fd = openSync(this.#path(name), 'wx', 0o600);
    const file: File = { name, bytes: PREAMBLE_BYTES, expiresAt: 0 };
    try {
      writeWhole(fd, preamble({ name, key, fileKey, nonce: randomBytes(NONCE_BYTES) }));
    } catch (error) {
      closeSync(fd);
      unlinkSync(this.#path(name));
      throw error;
    }
    this.#files.set(name, file);
    return (this.#writing = { fd, file, fileKey, keyId: key.id, until: now + Math.min(FILE_MS, keepMs) });
  }

  #seal(): void {
    if (!this.#writing) return;
    closeSync(this.#writing.fd);
    this.#writing = null;
  }

  /** Heads alone: no key is needed to know what lies there and when it must go. */
  #scan(name: string): void {
    const path = this.#path(name);
    const bytes = statSync(path).size;
    const file: File = { name, bytes, expiresAt: 0 };
    this.#files.set(name, file);
    const fd = openSync(path, 'r');
    try {
      for (let at = PREAMBLE_BYTES; ;) {
        const place = placeAt(readAt(fd, at, FIRST_BYTES), at, bytes);
        if (place === null) return;
        this.#calls.set(place.head.call, { ...place, file: name });
        file.expiresAt = Math.max(file.expiresAt, place.head.expiresAt);
        at += place.length;
      }
    } finally {
      closeSync(fd);
    }
  }
}

function writeWhole(fd: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
}

/** At most so many bytes: fewer at the end of the file. */
function readAt(fd: number, at: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  return bytes.subarray(0, readSync(fd, bytes, 0, length, at));
}

/** The file's key goes first: what a copy-on-write disk keeps of the rest cannot be read without it. */
function shred(path: string): void {
  const fd = openSync(path, 'r+');
  try {
    writeSync(fd, Buffer.alloc(SEALED_KEY_LENGTH), 0, SEALED_KEY_LENGTH, SEALED_KEY_AT);
    fsyncSync(fd);
  } catch {
    // A file too short to hold a key holds nothing else either.
  } finally {
    closeSync(fd);
  }
  unlinkSync(path);
}
