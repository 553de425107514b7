import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Worker } from 'node:worker_threads';
import { ConfigError } from '#kernel/config/diagnostics.ts';
import { readConfig } from '#kernel/config/read.ts';
import { moduleUrl } from '#kernel/module-url.ts';
import { resolveConfig, type GateConfig } from '#gateway/config/resolve.ts';
import { configSchema, type ConfigFile } from '#gateway/config/schema.ts';
import type { ConfigWork, ReadConfig } from './config-thread.ts';

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

type Env = Readonly<Record<string, string | undefined>>;

/** Reads, checks and resolves; throws a ConfigError with every problem. For a start: nobody waits for the loop yet. */
export const loadConfig = (source: ConfigSource, env: Env): GateConfig =>
  resolved(source, readConfig(source.text, nameOf(source), configSchema), env);

/** The same while calls are served: the text is read in a thread of its own. */
export async function loadConfigAside(source: ConfigSource, env: Env): Promise<GateConfig> {
  const workerData: ConfigWork = { do: 'read', text: source.text, name: nameOf(source) };
  const worker = new Worker(moduleUrl('./config-thread.ts', import.meta.url), { workerData, name: 'configuration' });
  const [read] = (await once(worker, 'message')) as [ReadConfig];
  if ('diagnostics' in read) throw new ConfigError(nameOf(source), read.diagnostics);
  return resolved(source, read.file, env);
}

const nameOf = ({ path }: ConfigSource): string => path ?? 'default';
/** Changes with what the file says, and with nothing else. */
export const hashOf = ({ text }: ConfigSource): string => createHash('sha256').update(text).digest('hex').slice(0, 16);

function resolved(source: ConfigSource, file: ConfigFile, env: Env): GateConfig {
  const { path, text } = source;
  return resolveConfig(file, { text, path, hash: hashOf(source), env, loadedS: Math.floor(Date.now() / 1000) });
}

export const readSource = (path: string): ConfigSource => ({ path, text: readFileSync(path, 'utf8') });
