import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** Locks a SQLite file from another process. Returns what lets go of it. */
export async function lockFile(path: string, how: 'write' | 'whole' = 'write'): Promise<() => Promise<void>> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'lock-file.ts'), path, how], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  await Promise.race([
    once(child.stdout, 'data'),
    exited.then(() => Promise.reject(new Error(`${path} could not be locked`))),
  ]);
  return async () => {
    child.kill('SIGKILL');
    await exited;
  };
}
