import * as fs from 'node:fs';

/**
 * The calls of the file system that change the spool. Tests pass one that kills its own process at the n-th call;
 * production has only {@link nodeIo}.
 */
export interface SpoolIo {
  /** Creates a new file for appending; fails where it exists. */
  create(path: string): number;
  /** May write less than asked; throws where nothing was written. */
  write(fd: number, bytes: Uint8Array, offset: number, length: number): number;
  truncate(fd: number, length: number): void;
  sync(fd: number): void;
  /** Off the loop. */
  syncLater(fd: number, done: (error: Error | null) => void): void;
  close(fd: number): void;
  rename(from: string, to: string): void;
  unlink(path: string): void;
  /** Makes names in the folder durable. Off the loop. */
  syncFolderLater(path: string, done: (error: Error | null) => void): void;
}

function syncFolderLater(path: string, done: (error: Error | null) => void): void {
  fs.open(path, 'r', (openError, fd) => {
    // Windows cannot open a folder; its names are durable by the journal of NTFS.
    if (openError) return done(process.platform === 'win32' ? null : openError);
    fs.fsync(fd, (error) => fs.close(fd, () => done(error)));
  });
}

export const nodeIo: SpoolIo = Object.freeze({
  create: (path: string) => fs.openSync(path, 'ax', 0o600),
  write: fs.writeSync as SpoolIo['write'],
  truncate: fs.ftruncateSync,
  sync: fs.fdatasyncSync,
  syncLater: fs.fdatasync,
  close: fs.closeSync,
  rename: fs.renameSync,
  unlink: fs.unlinkSync,
  syncFolderLater,
});
