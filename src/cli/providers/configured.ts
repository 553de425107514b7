import { existsSync } from 'node:fs';
import { readConfig } from '#kernel/config/read.ts';
import { configSchema, type ConfigFile } from '#gateway/config/schema.ts';
import { PROVIDERS, type ProviderData } from '#providers/index.ts';
import type { CliContext } from '../context.ts';
import type { ConfigInUse } from '../config/in-use.ts';
import type { KeyState } from './report.ts';

export interface ConfiguredProvider {
  readonly name: string;
  readonly kind: string;
  /** Null: no data file of that name. */
  readonly data: ProviderData | null;
  readonly baseUrl: string | null;
  readonly keyReference: string | null;
  readonly key: KeyState;
  readonly models: readonly string[];
}

export interface Configured {
  readonly file: ConfigFile;
  readonly providers: readonly ConfiguredProvider[];
}

/** Providers as the configuration has them. Keys are looked for in the environment of this command. */
export function configuredProviders({ text, path }: ConfigInUse, env: CliContext['env']): Configured {
  const file = readConfig(text, path ?? 'the configuration made from the environment', configSchema);
  const providers = Object.entries(file.providers).map(([name, settings]) => {
    const kind = settings.kind ?? name;
    const data = PROVIDERS[kind] ?? null;
    const reference = settings.apiKey ?? (data?.keyVariable ? { from: 'env' as const, name: data.keyVariable } : null);
    return {
      ...{ name, kind, data },
      baseUrl: settings.baseUrl ?? data?.baseUrl ?? null,
      keyReference:
        reference && (reference.from === 'env' ? `\${env:${reference.name}}` : `\${file:${reference.path}}`),
      key: keyState(reference, data?.auth.required ?? false, env),
      models: Object.entries(file.models)
        .filter(([, { deployments }]) => deployments.some(({ provider }) => provider === name))
        .map(([model]) => model),
    };
  });
  return { file, providers };
}

function keyState(
  reference: NonNullable<ConfigFile['providers'][string]['apiKey']> | null,
  required: boolean,
  env: CliContext['env'],
): KeyState {
  const found =
    reference !== null && (reference.from === 'env' ? Boolean(env[reference.name]) : existsSync(reference.path));
  if (found) return 'present';
  return required ? 'missing' : 'none';
}
