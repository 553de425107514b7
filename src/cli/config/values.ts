/** Every value of a configuration with where it came from. Pure. */
import { readConfig } from '#kernel/config/read.ts';
import { configSchema } from '#gateway/config/schema.ts';
import { configLeaves } from '#gateway/config/values.ts';

/** Who said it: `default`, `headgate.yaml:12`, `environment HEADGATE_DATA`. */
export interface EffectiveValue {
  /** `providers.openai.apiKey` */
  readonly path: string;
  /** As people write it: `10 s`, `64 MiB`, `${env:OPENAI_API_KEY}`. A secret is never here. */
  readonly value: string;
  readonly source: string;
  readonly isDefault: boolean;
}

const MADE = 'made from the environment';

export interface Reading {
  readonly text: string;
  /** `headgate.yaml`; null: made from the environment. */
  readonly name: string | null;
  /** Address of the gate that runs on it: its command line may say otherwise than the file. */
  readonly runningAt: string | null;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Data files by kind: which variable holds a key that the file does not name. */
  readonly keyVariable: (kind: string) => string | null;
}

/** All values, in the order of the schema; throws a ConfigError where the file is wrong. */
export function effectiveValues({ text, name, runningAt, env, keyVariable }: Reading): EffectiveValue[] {
  const config = readConfig(text, name ?? MADE, configSchema);
  const values = configLeaves(config, text).map(({ path, value, line }) => {
    const source = line === null ? 'default' : name === null ? MADE : `${name}:${line}`;
    return { path, value: value ?? '(not shown)', source, isDefault: line === null };
  });
  return [
    ...values.map((one) => running(overridden(one, env), runningAt)),
    ...impliedKeys(config.providers, keyVariable, env),
  ];
}

/** What the environment says over the file. */
function overridden(one: EffectiveValue, env: Reading['env']): EffectiveValue {
  const folder = one.path === 'dataDir' ? env['HEADGATE_DATA'] : undefined;
  return folder ? { ...one, value: folder, source: 'environment HEADGATE_DATA', isDefault: false } : one;
}

/** What the running gate was told by its command line. */
function running(one: EffectiveValue, url: string | null): EffectiveValue {
  if (url === null || !one.path.startsWith('listen.')) return one;
  const { hostname, port } = new URL(url);
  const value = one.path === 'listen.port' ? port : hostname.replace(/^\[|\]$/g, '');
  const chosen = one.value === '0' || value === '' || value === one.value;
  return chosen ? one : { ...one, value, source: 'command line of the running gate', isDefault: false };
}

/** Keys that the file does not name are read from the variable of the provider's own tools. */
function impliedKeys(
  providers: Readonly<Record<string, { readonly kind?: string | undefined; readonly apiKey?: unknown }>>,
  keyVariable: Reading['keyVariable'],
  env: Reading['env'],
): EffectiveValue[] {
  return Object.entries(providers).flatMap(([name, { kind, apiKey }]) => {
    const variable = apiKey === undefined ? keyVariable(kind ?? name) : null;
    if (variable === null) return [];
    const source = env[variable] ? `environment ${variable}` : `environment ${variable}, not set in this shell`;
    return [{ path: `providers.${name}.apiKey`, value: `\${env:${variable}}`, source, isDefault: false }];
  });
}
