import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

type Env = Readonly<Record<string, string | undefined>>;

/** `--data`, `HEADGATE_DATA`, `dataDir` of the headgate.yaml here, or `.headgate`. */
export async function dataFolder(named: string | undefined, env: Env): Promise<string> {
  const wanted = named ?? env['HEADGATE_DATA'];
  return resolve(wanted ?? (await folderOfFile(env['HEADGATE_CONFIG'] ?? 'headgate.yaml')) ?? '.headgate');
}

/** Only a file that names a folder is parsed: the YAML reader costs a third of a command's start. */
async function folderOfFile(path: string): Promise<string | null> {
  const text = readText(path);
  if (text === null || !/^dataDir\s*:/m.test(text)) return null;
  const { parse } = await import('yaml');
  try {
    const { dataDir } = parse(text) as { dataDir?: unknown };
    return typeof dataDir === 'string' ? dataDir : null;
  } catch {
    return null;
  }
}

export function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

export interface GateAddress {
  readonly url: string;
  readonly token: string | null;
  /** The file that it runs on; null: made from the environment; undefined: another machine's, or an older gate. */
  readonly config?: string | null | undefined;
  /** True: the environment names it, so a gate that does not answer is an error and never a reason to look elsewhere. */
  readonly named: boolean;
}

/** Where the gate of a data folder listens; null where none is running. */
export function gateAddress(folder: string, env: Env): GateAddress | null {
  const token = env['HEADGATE_ADMIN_TOKEN'] ?? readText(join(folder, 'admin.token'))?.trim() ?? null;
  if (env['HEADGATE_URL']) return { url: env['HEADGATE_URL'].replace(/\/+$/, ''), token, named: true };
  const running = addressOf(readText(join(folder, 'address.json')));
  return running && isAlive(running.pid) ? { url: running.url, token, config: running.config, named: false } : null;
}

interface Running {
  readonly url: string;
  readonly pid: number;
  readonly config: string | null | undefined;
}

function addressOf(text: string | null): Running | null {
  if (text === null) return null;
  try {
    const { url, pid, config } = JSON.parse(text) as Partial<Running>;
    return typeof url === 'string' && typeof pid === 'number' ? { url, pid, config } : null;
  } catch {
    return null;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // It is there and another user's.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
