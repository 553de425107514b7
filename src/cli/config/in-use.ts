import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { defaultConfig } from '#gateway/config/default-config.ts';
import { dataFolder, gateAddress, readText } from '../connect/address.ts';
import type { CliContext } from '../context.ts';
import { CliFailure, EXIT } from '../failure.ts';

/** The configuration that a command speaks of: the text, and where it came from. */
export interface ConfigInUse {
  /** Null: there is no file, and a start would make this from the environment. */
  readonly path: string | null;
  readonly text: string;
  /** Address of the gate that runs on it; null: none does. */
  readonly runningAt: string | null;
}

interface Flags {
  readonly config?: string | undefined;
  readonly data?: string | undefined;
}

/** `--config`, the file of the running gate, `HEADGATE_CONFIG`, headgate.yaml here, or what the environment makes. */
export async function configInUse({ env }: CliContext, { config, data }: Flags): Promise<ConfigInUse> {
  const address = gateAddress(await dataFolder(data, env), env);
  if (config !== undefined) return { ...fileNamed(config), runningAt: null };
  if (address?.config) return { ...fileNamed(address.config), runningAt: address.url };
  if (address?.config === null) return { ...fromEnvironment(env), runningAt: address.url };
  const named = env['HEADGATE_CONFIG'];
  if (named) return { ...fileNamed(named), runningAt: null };
  return { ...(existsSync('headgate.yaml') ? fileNamed('headgate.yaml') : fromEnvironment(env)), runningAt: null };
}

/** The lab takes a free port when it starts. */
const LAB_URL = 'http://127.0.0.1:0/v1';

function fromEnvironment(env: CliContext['env']): Omit<ConfigInUse, 'runningAt'> {
  const made = defaultConfig(env, null);
  return { path: null, text: made.providers.length > 0 ? made.yaml : defaultConfig(env, LAB_URL).yaml };
}

function fileNamed(path: string): Omit<ConfigInUse, 'runningAt'> {
  const text = readText(resolve(path));
  if (text !== null) return { path: resolve(path), text };
  throw new CliFailure({
    code: 'config_missing',
    message: `There is no file ${path}.`,
    hint: 'check the path, or `headgate init` writes one',
    exit: EXIT.usage,
  });
}
