import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { HeadgateError } from '#kernel/errors.ts';
import { migrate, requireKnownVersion, type SchemaName } from './schema.ts';
import { registerSketches } from './sketch-functions.ts';

// The thread waits this long for another process's lock; longer would hold up the other store and the queries.
const BUSY_MS = 250;
// Pages in memory: 8 MiB hold the leaves that a batch of 10,000 keys touches, and idle they cost nothing.
const CACHE_KIB = 8_192;
// A checkpoint writes each page of the log once, however often it changed: 16 MiB instead of SQLite's 4, so that the
// leaves of the indexes, which every batch changes, are written more rarely.
const CHECKPOINT_PAGES = 2_048;

// Rows near 1 KB overflow a page of 4 KiB (a cell may fill a quarter of it): 54 µs an entry against 45 with 8 KiB.
const PAGE_BYTES = 8_192;

/*
 * synchronous = FULL: a resolved `ship` lets the spool delete its segment, and `apply` is answered to a person, so both
 * must outlive a power cut. NORMAL would lose the last commits of the log. It costs one fdatasync a transaction
 * (0.85 ms), which is 2 µs an entry in batches of 500, waited in this thread alone.
 */
const PRAGMAS = `
  PRAGMA page_size = ${PAGE_BYTES}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -${CACHE_KIB};
  PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}; PRAGMA journal_size_limit = 67108864; PRAGMA temp_store = MEMORY;`;

/** Which file a path names now; null where it is away. A file that was moved keeps its inode, the path does not. */
export function fileIdentity(path: string): string | null {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat ? `${stat.dev}:${stat.ino}` : null;
}

/**
 * Lies beside a file that was made. While it does, a missing file is away and not new: an empty one in its place would
 * take entries, and the true one would come back without them.
 */
const markOf = (path: string): string => `${path}.made`;

/** Opens a store's file to write, makes it where there never was one, and brings its schema up to date. */
export function openToWrite(path: string, schema: SchemaName): DatabaseSync {
  if (!existsSync(path) && existsSync(markOf(path)))
    throw new HeadgateError('store_unavailable', {
      message: `${path} is away. Put it back, or delete ${markOf(path)} to begin an empty one.`,
    });
  mkdirSync(dirname(path), { recursive: true });
  const db = new DatabaseSync(path, { timeout: BUSY_MS });
  return prepared(db, () => {
    db.exec(PRAGMAS);
    migrate(db, schema);
    if (!existsSync(markOf(path))) writeFileSync(markOf(path), `${path} was made by Headgate\n`);
  });
}

/** Opens a store's file to read, beside a process that writes or without one. Throws where it is not there. */
export function openToRead(path: string, schema: SchemaName): DatabaseSync {
  const db = new DatabaseSync(path, { readOnly: true, timeout: BUSY_MS });
  return prepared(db, () => requireKnownVersion(db, schema));
}

function prepared(db: DatabaseSync, prepare: () => void): DatabaseSync {
  try {
    registerSketches(db);
    prepare();
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Runs `work` in a transaction that takes the write lock at once: to find it taken later would undo work. */
export function inTransaction<T>(db: DatabaseSync, work: () => T): T {
  db.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    db.exec('COMMIT');
    return result;
  } catch (error) {
    // A commit that failed for a full disk has rolled back by itself.
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}
