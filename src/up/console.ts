import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadAssets } from '#gateway/console/assets.ts';
import { createConsoleDoor, type ConsoleDoor, type ConsoleParts } from '#gateway/console/door.ts';
import { Sessions, type KeptSession, type SessionsOptions } from '#gateway/console/sessions.ts';
import type { Gate } from '#gateway/gate.ts';
import type { Holders } from '#gateway/holders.ts';
import type { DataFolder } from './data-folder.ts';

interface Parts {
  readonly gate: Gate;
  readonly folder: DataFolder;
  readonly holders: Holders;
  readonly opens: ConsoleParts['opens'];
}

const here = import.meta.dirname;
/** In a checkout the build lies beside the sources, in a package beside this file's folder. */
const BUILDS = [join(here, '..', '..', 'dist', 'console'), join(here, '..', 'console')];

/** The console's door; null where the configuration turns it off. */
export function openConsole({ gate, folder, holders, opens }: Parts): ConsoleDoor | null {
  if (!gate.config.file.console.enabled) return null;
  const now = (): number => gate.clock.now();
  const build = BUILDS.find((path) => existsSync(join(path, 'index.html')));
  return createConsoleDoor({
    assets: build ? loadAssets(build) : new Map(),
    sessions: new Sessions({ holders, randomBytes, now, kept: keptIn(folder.sessionsFile, gate.log) }),
    hosts: () => gate.config.file.console.hosts,
    ...{ holders, opens, now },
  });
}

/** Sessions in a file of mode 0600: their hashes, so that its reader is nobody. Written whole, then renamed. */
const keptIn = (path: string, log: Gate['log']): SessionsOptions['kept'] => ({
  load: () => {
    try {
      const kept: unknown = JSON.parse(readFileSync(path, 'utf8'));
      return Array.isArray(kept) ? kept.filter(isKept) : [];
    } catch {
      // None yet, or a file that nobody can read: people log in again.
      return [];
    }
  },
  save: (sessions) => {
    try {
      writeFileSync(`${path}.new`, JSON.stringify(sessions), { mode: 0o600 });
      renameSync(`${path}.new`, path);
    } catch (error) {
      // A full disk is when people need the console: their session lives until this process ends.
      log.warn({ err: error }, 'logins of the console could not be kept: a restart will end them');
    }
  },
});

const isKept = (value: unknown): value is KeptSession => {
  const { hash, token, expiresAt } = (value ?? {}) as Partial<Record<keyof KeptSession, unknown>>;
  return typeof hash === 'string' && typeof token === 'string' && typeof expiresAt === 'number';
};
