import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** Files of one installation. Everything that a node keeps is below this folder. */
export interface DataFolder {
  readonly path: string;
  readonly adminTokenFile: string;
  readonly addressFile: string;
  readonly pidFile: string;
  readonly snapshotFile: string;
  readonly sessionsFile: string;
}

export function openDataFolder(dir: string): DataFolder {
  const path = resolve(dir);
  mkdirSync(path, { recursive: true, mode: 0o700 });
  return {
    path,
    adminTokenFile: join(path, 'admin.token'),
    addressFile: join(path, 'address.json'),
    pidFile: join(path, 'headgate.pid'),
    snapshotFile: join(path, 'state.snapshot.json'),
    sessionsFile: join(path, 'console.sessions.json'),
  };
}

/** The admin token: from the configuration, else from its file, which the first start makes (mode 0600). */
export function adminToken(
  folder: DataFolder,
  configured: string | null,
): { readonly token: string; readonly made: boolean } {
  if (configured) return { token: configured, made: false };
  if (existsSync(folder.adminTokenFile))
    return { token: readFileSync(folder.adminTokenFile, 'utf8').trim(), made: false };
  const token = `hga_${randomBytes(32).toString('base64url')}`;
  writeFileSync(folder.adminTokenFile, `${token}\n`, { mode: 0o600 });
  chmodSync(folder.adminTokenFile, 0o600);
  return { token, made: true };
}

/** Where the running gate listens and which file it runs on (null: made from the environment), for the CLI. */
export function writeAddress(folder: DataFolder, url: string, config: string | null): void {
  writeFileSync(folder.addressFile, `${JSON.stringify({ url, pid: process.pid, config })}\n`);
  writeFileSync(folder.pidFile, `${process.pid}\n`);
}
