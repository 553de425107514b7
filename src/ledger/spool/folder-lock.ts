import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { epochMs } from '#kernel/brand.ts';
import type { EpochMs } from '#kernel/brand.ts';

/** Held until `release` or the end of the process, however it ends. */
export interface FolderLock {
  release(): void;
}

const SQLITE_BUSY = 5;

/**
 * Takes the lock of `path` or returns null where another holds it. Node has no flock: an exclusive SQLite transaction
 * is a lock of the kernel that dies with its process. Nothing is ever written by it.
 */
export function tryLock(path: string): FolderLock | null {
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) return null;
    throw error;
  }
  return { release: () => void (database.isOpen && database.close()) };
}

/** The same for a folder that may vanish while it is asked for: then null too. */
export function tryLockExisting(path: string): FolderLock | null {
  try {
    return tryLock(path);
  } catch {
    return null;
  }
}

/** Who holds a data folder, as it described itself. */
export interface DataDirHolder {
  readonly pid: number;
  readonly since: EpochMs;
  /** Where it listens; null: not yet. */
  readonly address: string | null;
}

export type DataDirLock =
  | {
      readonly held: true;
      /** Tells the next one more, once the address is known. */
      describe(holder: DataDirHolder): void;
      release(): void;
    }
  /** `heldBy` null: the holder has not described itself yet. */
  | { readonly held: false; readonly heldBy: DataDirHolder | null; readonly message: string };

const DATA_LOCK = 'headgate.lock';
const HOLDER_FILE = 'headgate.holder.json';

/** Locks a whole data folder for one process; the second learns who holds it and how to run beside it. */
export function lockDataDir(dir: string, holder: DataDirHolder): DataDirLock {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const lock = tryLock(join(dir, DATA_LOCK));
  if (!lock) {
    const heldBy = readHolder(dir);
    return { held: false, heldBy, message: heldMessage(dir, heldBy) };
  }
  const describe = (value: DataDirHolder): void => writeHolder(dir, value);
  describe(holder);
  return { held: true, describe, release: () => lock.release() };
}

/** Tells, and no more: a folder that became read-only is locked all the same, and a start must not fail for this. */
function writeHolder(dir: string, holder: DataDirHolder): void {
  const [path, temporary] = [join(dir, HOLDER_FILE), join(dir, `${HOLDER_FILE}.tmp`)];
  const text = JSON.stringify(holder);
  try {
    writeFileSync(temporary, text, { mode: 0o600 });
    renameSync(temporary, path);
  } catch {
    writeInPlace(path, text);
  }
}

/** No name can be made in the folder, but the file that is there may still be written. */
function writeInPlace(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch {
    // Who holds the folder stays unsaid.
  }
}

/** The description of the last holder, which may be dead: ask `lockDataDir` whether it is. */
export function readHolder(dir: string): DataDirHolder | null {
  try {
    const { pid, since, address } = JSON.parse(readFileSync(join(dir, HOLDER_FILE), 'utf8')) as DataDirHolder;
    return { pid, since: epochMs(since), address };
  } catch {
    return null;
  }
}

function heldMessage(dir: string, holder: DataDirHolder | null): string {
  const who = holder
    ? `process ${holder.pid}, since ${new Date(holder.since).toISOString()}${holder.address ? `, at ${holder.address}` : ''}`
    : 'a process that is just starting';
  return `The data folder ${dir} is held by ${who}. To run a second gate, give it a folder and a port of its own.`;
}
