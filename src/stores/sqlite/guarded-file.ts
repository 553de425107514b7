import type { DatabaseSync } from 'node:sqlite';
import { HeadgateError } from '#kernel/errors.ts';
import { fileIdentity } from './open-file.ts';

/** Primary result codes (https://sqlite.org/rescode.html) that mean: the file is away, not that we erred. */
const AWAY: Readonly<Record<number, string>> = {
  3: 'permission denied',
  5: 'another process holds its lock',
  6: 'its table is locked',
  8: 'it is read-only',
  10: 'input or output failed',
  11: 'it is damaged',
  13: 'the disk is full',
  14: 'it cannot be opened',
  22: 'it is too large for the file system',
  26: 'it is no database',
};
const BUSY = 5;

/** Code of an error of SQLite, or null of another error. */
function sqliteCode(error: unknown): number | null {
  const code = (error as { errcode?: unknown }).errcode;
  return typeof code === 'number' ? code & 0xff : null;
}

export interface GuardedFileOptions<T> {
  readonly path: string;
  readonly open: () => DatabaseSync;
  /** Prepares what uses the connection. Called again after each opening. */
  readonly use: (db: DatabaseSync) => T;
}

interface Opened<T> {
  readonly db: DatabaseSync;
  readonly identity: string | null;
  readonly value: T;
}

/**
 * A database that may be away: locked, read-only, moved, on a full disk. Each use opens it where it is closed, and
 * notices that the path names another file than the one that is open; what fails is `store_unavailable`, and the next
 * use tries again, so that the store comes back by itself.
 */
export class GuardedFile<T> {
  readonly #options: GuardedFileOptions<T>;
  #opened: Opened<T> | null = null;
  #closed = false;

  constructor(options: GuardedFileOptions<T>) {
    this.#options = options;
  }

  /** Runs `work` on the open file. An async function, so that callers get a rejection and never a throw. */
  async with<R>(work: (value: T, db: DatabaseSync) => R): Promise<R> {
    try {
      const { value, db } = this.#open();
      return work(value, db);
    } catch (error) {
      throw this.#explained(error);
    }
  }

  close(): void {
    this.#closed = true;
    this.#drop();
  }

  #open(): Opened<T> {
    const { path, open, use } = this.#options;
    if (this.#closed) throw new HeadgateError('store_unavailable', { message: `${path} is closed.` });
    if (this.#opened && this.#opened.identity !== fileIdentity(path)) this.#drop();
    if (this.#opened) return this.#opened;
    const db = open();
    try {
      this.#opened = { db, identity: fileIdentity(path), value: use(db) };
    } catch (error) {
      db.close();
      throw error;
    }
    return this.#opened;
  }

  #explained(error: unknown): unknown {
    const code = sqliteCode(error);
    if (code === null || !(code in AWAY)) return error;
    // After all but a lock the connection itself may be at fault (its file replaced, its log gone): open it anew.
    if (code !== BUSY) this.#drop();
    return new HeadgateError('store_unavailable', { message: `${this.#options.path}: ${AWAY[code]}.` }, error);
  }

  #drop(): void {
    const db = this.#opened?.db;
    this.#opened = null;
    try {
      db?.close();
    } catch {
      // The file is gone under the connection: there is nothing left to keep.
    }
  }
}
