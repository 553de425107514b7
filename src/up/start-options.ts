import type { SpoolOptions } from '#ledger/index.ts';
import type { GateConfig } from '#gateway/config/resolve.ts';
import { findConfig, loadConfig, readSource, type ConfigSource } from './config-source.ts';
import { defaultConfig } from '#gateway/config/default-config.ts';
import { startLab, type LabChild } from './lab-child.ts';

export interface UpOptions {
  readonly config?: string | undefined;
  readonly dataDir?: string | undefined;
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  /** Stands in for providers even where a provider key is in the environment. */
  readonly lab?: boolean | undefined;
  /** One line of JSON instead of the words of a start. */
  readonly json?: boolean | undefined;
  /** File operations of the spool, for tests that break them. */
  readonly spoolIo?: SpoolOptions['io'];
}

export interface ChosenConfig {
  readonly config: GateConfig;
  readonly source: ConfigSource;
  /** Running where it stands in for a provider. */
  readonly lab: LabChild | null;
}

type Env = Readonly<Record<string, string | undefined>>;

/** The file, or what the environment allows: its providers, else the lab. */
export async function chooseConfig(options: UpOptions, env: Env): Promise<ChosenConfig> {
  const path = findConfig(options.config, env);
  const lab = path === null && needsLab(options, env) ? await startLab() : null;
  const source = path ? readSource(path) : { path: null, text: defaultConfig(env, lab?.url ?? null).yaml };
  return { config: overridden(loadConfig(source, env), options, env), source, lab };
}

const needsLab = (options: UpOptions, env: Env): boolean =>
  options.lab === true || defaultConfig(env, null).providers.length === 0;

/** What the command line and the environment say wins over the file. */
export function overridden(config: GateConfig, options: UpOptions, env: Env): GateConfig {
  const { file } = config;
  const dataDir = options.dataDir ?? env['HEADGATE_DATA'] ?? file.dataDir;
  const listen = { host: options.host ?? file.listen.host, port: options.port ?? file.listen.port };
  return Object.freeze({ ...config, file: { ...file, dataDir, listen } });
}

/** Which values something else than the file gave. */
export function overrideSources(options: UpOptions, env: Env): ReadonlyMap<string, 'command line' | 'environment'> {
  const found = new Map<string, 'command line' | 'environment'>();
  if (env['HEADGATE_DATA']) found.set('dataDir', 'environment');
  if (options.dataDir !== undefined) found.set('dataDir', 'command line');
  if (options.host !== undefined) found.set('listen.host', 'command line');
  if (options.port !== undefined) found.set('listen.port', 'command line');
  return found;
}

export const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || /^127\./.test(host);
