import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { readConfig } from '#kernel/config/read.ts';
import { resolveConfig, type GateConfig } from '#gateway/config/resolve.ts';
import { configSchema } from '#gateway/config/schema.ts';

export interface ConfigSource {
  /** Null: no file was found and the default one is used. */
  readonly path: string | null;
  readonly text: string;
}

/** `--config`, `HEADGATE_CONFIG`, or headgate.yaml in the working folder. A named file that is missing is an error. */
export function findConfig(
  named: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): string | null {
  const wanted = named ?? env['HEADGATE_CONFIG'];
  if (wanted) return resolve(wanted);
  const here = resolve('headgate.yaml');
  return existsSync(here) ? here : null;
}

/** Reads, checks and resolves; throws a ConfigError with every problem. */
export function loadConfig(source: ConfigSource, env: Readonly<Record<string, string | undefined>>): GateConfig {
  const { path, text } = source;
  const file = readConfig(text, path ?? 'default', configSchema);
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 16);
  return resolveConfig(file, { text, path, hash, env, loadedS: Math.floor(Date.now() / 1000) });
}

export const readSource = (path: string): ConfigSource => ({ path, text: readFileSync(path, 'utf8') });
