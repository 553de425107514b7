/**
 * Loaded before the gate by `node --import`, in its main thread and in its worker: kills the process with SIGKILL at
 * the n-th file operation of one kind, before it, after it or in the midst of a write. The gate itself knows nothing of
 * it. `HEADGATE_TEST_DEATH` is `<kind>:<n>:<before|after|half>`; kinds are the changes of the spool's files (create,
 * write, sync, close, rename, unlink) and `snapshot`, the renames of the node's snapshots.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

type When = 'before' | 'after' | 'half';

const [kind = '', count = '0', moment = 'before'] = (process.env['HEADGATE_TEST_DEATH'] ?? '').split(':');
const when = moment as When;
let left = Number(count);

const die = (): never => {
  process.kill(process.pid, 'SIGKILL');
  // The signal is on its way; nothing more may happen in this thread.
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);
};

const isSpool = (path: unknown): boolean => /\/spool\/[^/]+\/[^/]+\.(seg|tmp)$/.test(String(path));
const isSnapshot = (path: unknown): boolean => String(path).endsWith('.snapshot.json');

/** The n-th operation of the chosen kind dies on one side of it. */
function fatal<T>(of: string, work: () => T): T {
  if (of !== kind) return work();
  left -= 1;
  if (left === 0 && when === 'before') die();
  const result = work();
  if (left === 0) die();
  return result;
}

if (kind !== '') {
  const spoolFds = new Set<number>();
  const real = { ...fs };
  const promises = { ...fs.promises };
  fs.openSync = ((path: string, ...rest: [never]) => {
    if (!isSpool(path) || rest[0] !== 'ax') return real.openSync(path, ...rest);
    const fd = fatal('create', () => real.openSync(path, ...rest));
    spoolFds.add(fd);
    return fd;
  }) as typeof fs.openSync;
  fs.closeSync = (fd: number) => {
    if (!spoolFds.delete(fd)) return real.closeSync(fd);
    return fatal('close', () => real.closeSync(fd));
  };
  fs.writeSync = ((fd: number, bytes: Uint8Array, offset: number, length: number) => {
    if (!spoolFds.has(fd)) return real.writeSync(fd, bytes, offset, length);
    if (kind === 'write' && when === 'half' && left === 1) {
      real.writeSync(fd, bytes, offset, Math.ceil(length / 2));
      die();
    }
    return fatal('write', () => real.writeSync(fd, bytes, offset, length));
  }) as typeof fs.writeSync;
  fs.fdatasyncSync = (fd: number) => fatal(spoolFds.has(fd) ? 'sync' : '', () => real.fdatasyncSync(fd));
  fs.fdatasync = ((fd: number, done: fs.NoParamCallback) =>
    fatal(spoolFds.has(fd) ? 'sync' : '', () => real.fdatasync(fd, done))) as typeof fs.fdatasync;
  fs.renameSync = (from, to) => fatal(isSpool(to) ? 'rename' : '', () => real.renameSync(from, to));
  fs.unlinkSync = (path) => fatal(isSpool(path) ? 'unlink' : '', () => real.unlinkSync(path));
  fs.promises.rename = (from, to) => fatal(isSnapshot(to) ? 'snapshot' : '', () => promises.rename(from, to));
  syncBuiltinESMExports();
}
