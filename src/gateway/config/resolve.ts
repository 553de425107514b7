import { readFileSync } from 'node:fs';
import { ConfigError, didYouMean, type Diagnostic } from '#kernel/config/diagnostics.ts';
import type { Reference } from '#kernel/config/primitives.ts';
import { pathText, placesIn, type Place } from '#kernel/config/read.ts';
import { PROVIDERS } from '#providers/index.ts';
import { makeProvider, type Provider } from '#providers/interpreter.ts';
import { modelTable, type Deployment, type ModelGroup, type ModelTable } from '#capabilities/failover/index.ts';
import { resolveCapture } from '#capabilities/parity/config.ts';
import type { VaultSettings } from '#capabilities/parity/index.ts';
import { resolveDeclared, type Declared } from '#capabilities/tenants/config.ts';
import type { ConfigFile } from './schema.ts';

/** The configuration that the gate runs on: checked, secrets read, providers joined with their data files. Frozen. */
export interface GateConfig {
  readonly file: ConfigFile;
  readonly providers: ReadonlyMap<string, Provider>;
  readonly models: ModelTable;
  /** First 16 hex digits of the SHA-256 of what the file says; in every entry. */
  readonly hash: string;
  /** The file; null where none was found. */
  readonly path: string | null;
  /** Tenants, keys and budgets of the file. */
  readonly declared: Declared;
  /** Null: no text of calls may be captured. */
  readonly capture: VaultSettings | null;
  /** Where a key stands in the file. */
  readonly placeOf: (path: Path) => Place;
  /** When it was read, in seconds since the epoch: the models' `created`. */
  readonly loadedS: number;
}

type Path = readonly (string | number)[];

export interface ResolveOptions {
  /** What the file says, for the lines of its problems. */
  readonly text: string;
  readonly loadedS: number;
  readonly path: string | null;
  readonly hash: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Turns a checked file into what runs; throws {@link ConfigError} with every reference that leads nowhere. */
export function resolveConfig(file: ConfigFile, options: ResolveOptions): GateConfig {
  const placeOf = placesIn(options.text);
  const problems: Problem[] = [];
  const providers = new Map<string, Provider>();
  for (const [name, settings] of Object.entries(file.providers)) {
    const provider = resolveProvider(name, settings, options, problems);
    if (provider) providers.set(name, provider);
  }
  const groups = Object.entries(file.models).map(([name, model]) =>
    resolveModel(name, model, file, providers, problems),
  );
  for (const [name, feature] of Object.entries(file.features)) checkChain(name, feature.chain ?? [], file, problems);
  const { declared, faults } = resolveDeclared(file, {
    features: new Set(Object.keys(file.features)),
    labels: new Set(file.labels),
    readSecret: (reference) => readSecret(reference, options.env),
  });
  const capture = resolveCapture(file.capture, (reference) => readSecret(reference, options.env));
  const all = [...problems, ...faults, ...capture.faults];
  if (all.length > 0)
    throw new ConfigError(
      options.path ?? 'default',
      all.map((found) => diagnostic(found, placeOf)),
    );
  const { path, hash, loadedS } = options;
  const models = modelTable(groups);
  return Object.freeze({ file, providers, models, path, declared, capture: capture.settings, placeOf, hash, loadedS });
}

/** A reference that leads nowhere, at its path. */
interface Problem {
  readonly path: Path;
  readonly message: string;
  readonly hint: string | null;
}

const problem = (path: Path, message: string, hint: string | null = null): Problem => ({
  path,
  message: `${pathText(path)}: ${message}`,
  hint,
});

const diagnostic = ({ path, message, hint }: Problem, placeOf: GateConfig['placeOf']): Diagnostic => ({
  code: 'config_reference',
  path: pathText(path),
  ...placeOf(path),
  message,
  hint,
});

function resolveProvider(
  name: string,
  settings: ConfigFile['providers'][string],
  options: ResolveOptions,
  problems: Problem[],
): Provider | null {
  const path = ['providers', name];
  const data = PROVIDERS[settings.kind ?? name];
  if (!data) {
    const wrong = settings.kind ?? name;
    problems.push(problem(path, `no provider data file \`${wrong}\``, didYouMean(wrong, Object.keys(PROVIDERS))));
    return null;
  }
  try {
    const apiKey = settings.apiKey
      ? readSecret(settings.apiKey, options.env)
      : data.keyVariable
        ? (options.env[data.keyVariable] ?? null)
        : null;
    return makeProvider({
      name,
      data: settings.onDisconnect ? { ...data, onDisconnect: settings.onDisconnect } : data,
      baseUrl: settings.baseUrl,
      apiKey,
      timers: timersOf(settings.timers),
      headers: settings.headers,
      query: settings.query,
    });
  } catch (error) {
    problems.push(problem(path, error instanceof Error ? error.message : String(error)));
    return null;
  }
}

const timersOf = (timers: ConfigFile['providers'][string]['timers']) =>
  timers && {
    ...(timers.connect !== undefined && { connectMs: timers.connect }),
    ...(timers.firstByte !== undefined && { firstByteMs: timers.firstByte }),
    ...(timers.idle !== undefined && { idleMs: timers.idle }),
    ...(timers.total !== undefined && { totalMs: timers.total }),
  };

/** Reads what a reference names. The text of the secret never reaches a message. */
export function readSecret(reference: Reference, env: ResolveOptions['env']): string {
  if (reference.from === 'env') {
    const value = env[reference.name];
    if (!value) throw new RangeError(`the environment variable ${reference.name} is not set`);
    return value.trim();
  }
  try {
    return readFileSync(reference.path, 'utf8').trim();
  } catch {
    throw new RangeError(`the file ${reference.path} cannot be read`);
  }
}

function resolveModel(
  name: string,
  model: ConfigFile['models'][string],
  file: ConfigFile,
  providers: ReadonlyMap<string, Provider>,
  problems: Problem[],
): ModelGroup {
  const deployments: Deployment[] = [];
  model.deployments.forEach((wanted, i) => {
    const path = ['models', name, 'deployments', i, 'provider'];
    const provider = providers.get(wanted.provider);
    if (provider) deployments.push({ ...wanted, provider, model: wanted.model ?? null });
    else if (!(wanted.provider in file.providers))
      problems.push(
        problem(
          path,
          `unknown provider \`${wanted.provider}\``,
          didYouMean(wanted.provider, Object.keys(file.providers)),
        ),
      );
  });
  return { name, deployments };
}

function checkChain(feature: string, chain: readonly string[], file: ConfigFile, problems: Problem[]): void {
  chain.forEach((model, i) => {
    const known = Object.keys(file.models);
    const matches = known.some((name) => name === model || (name.endsWith('*') && model.startsWith(name.slice(0, -1))));
    if (!matches)
      problems.push(problem(['features', feature, 'chain', i], `unknown model \`${model}\``, didYouMean(model, known)));
  });
}
