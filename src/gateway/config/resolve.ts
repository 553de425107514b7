import { readFileSync } from 'node:fs';
import { ConfigError, didYouMean, type Diagnostic } from '#kernel/config/diagnostics.ts';
import type { Reference } from '#kernel/config/primitives.ts';
import { pathText, placesIn, type Place } from '#kernel/config/read.ts';
import { PROVIDERS } from '#providers/index.ts';
import { makeProvider, type Provider, type ProviderSettings } from '#providers/interpreter.ts';
import type { StaticAwsKeys } from '#providers/credentials/index.ts';
import { OPTION_NAMES, type OptionName, type ProviderData } from '#providers/provider-data.ts';
import { modelTable, type Deployment, type ModelGroup, type ModelTable } from '#capabilities/failover/index.ts';
import { resolveCapture } from '#capabilities/parity/config.ts';
import type { VaultSettings } from '#capabilities/parity/index.ts';
import { attributionFaults, qualityFaults, resolveDeclared, type Declared } from '#capabilities/tenants/config.ts';
import { resolveSignals, type ResolvedSignals } from './resolve-signals.ts';
import type { ConfigFile } from './schema.ts';

/** The configuration that the gate runs on: checked, secrets read, providers joined with their data files. Frozen. */
export interface GateConfig extends ResolvedSignals {
  readonly file: ConfigFile;
  readonly providers: ReadonlyMap<string, Provider>;
  /** Providers with the own keys of layers: by where the layer is declared, then by the provider's name. */
  readonly ownKeys: OwnKeys;
  /** All of both by their own names: for what is kept at one of them. */
  readonly accounts: ReadonlyMap<string, Provider>;
  readonly models: ModelTable;
  /** First 16 hex digits of the SHA-256 of what the file says; in every entry. */
  readonly hash: string;
  /** The file; null where none was found. */
  readonly path: string | null;
  /** Tenants, keys, budgets, limits and layers of the file. */
  readonly declared: Declared;
  /** Null: no text of calls may be captured. */
  readonly capture: VaultSettings | null;
  /** Where a key stands in the file. */
  readonly placeOf: (path: Path) => Place;
  /** When it was read, in seconds since the epoch: the models' `created`. */
  readonly loadedS: number;
}

type Path = readonly (string | number)[];
type OwnKeys = ReadonlyMap<string, ReadonlyMap<string, Provider>>;

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
  const ownKeys = resolveOwnKeys(file, options, problems);
  for (const [name, feature] of Object.entries(file.features)) {
    checkChain(name, feature.chain ?? [], file, problems);
    checkRedrive(name, file, problems);
  }
  checkQuality(file, problems);
  const { signals, problems: ofSignals } = resolveSignals(file, (reference) => readSecret(reference, options.env));
  checkFiles(file, problems);
  for (const { path, message, hint } of attributionFaults(file.attribution, Object.keys(file.providers)))
    problems.push(problem(['attribution', ...path], message, hint));
  const { declared, faults } = resolveDeclared(file, {
    features: new Set(Object.keys(file.features)),
    labels: new Set(file.labels),
    readSecret: (reference) => readSecret(reference, options.env),
  });
  const named = ofSignals.map(({ path, message, hint }) => problem(path, message, hint));
  const capture = resolveCapture(file.capture, (reference) => readSecret(reference, options.env));
  const all = [...problems, ...named, ...faults, ...capture.faults];
  if (all.length > 0)
    throw new ConfigError(
      options.path ?? 'default',
      all.map((found) => diagnostic(found, placeOf)),
    );
  const { path, hash, loadedS } = options;
  const models = modelTable(groups);
  const accounts = new Map(
    [...providers.values(), ...[...ownKeys.values()].flatMap((own) => [...own.values()])].map((one) => [one.name, one]),
  );
  const parts = { file, providers, ownKeys, accounts, models, path, declared, ...signals, capture: capture.settings };
  return Object.freeze({ ...parts, placeOf, hash, loadedS });
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
  own: OwnAccount | null = null,
): Provider | null {
  const path = own?.path ?? ['providers', name];
  const data = PROVIDERS[settings.kind ?? name];
  if (!data) {
    const wrong = settings.kind ?? name;
    problems.push(problem(path, `no provider data file \`${wrong}\``, didYouMean(wrong, Object.keys(PROVIDERS))));
    return null;
  }
  try {
    return makeProvider({
      name: own?.name ?? name,
      of: name,
      data: dataOf(data, settings),
      baseUrl: settings.baseUrl,
      ...credentialOf(data, settings, options.env),
      options: placesOf(data, settings, options.env),
      subscription: settings.subscription,
      cacheControl: settings.cacheControl,
      continues: settings.continues,
      prefixCache: settings.prefixCache,
      cachedTokens: settings.cachedTokens,
      ttftQuantumMs: settings.ttftQuantum,
      timers: timersOf(settings.timers),
      headers: settings.headers,
      query: settings.query,
      traceContext: settings.traceContext,
    });
  } catch (error) {
    problems.push(problem(path, error instanceof Error ? error.message : String(error)));
    return null;
  }
}

/** A provider that is called with the key of a layer. */
interface OwnAccount {
  readonly path: Path;
  readonly name: string;
}

/** `openai@acme`: a name of its own, so that its turns, its entries and its bill are its own. */
function resolveOwnKeys(file: ConfigFile, options: ResolveOptions, problems: Problem[]): OwnKeys {
  const found = new Map<string, ReadonlyMap<string, Provider>>();
  for (const [layer, { ownKeys }] of Object.entries(file.layers)) {
    const own = new Map<string, Provider>();
    for (const [name, apiKey] of Object.entries(ownKeys)) {
      const path = ['layers', layer, 'ownKeys', name];
      const settings = file.providers[name];
      if (!settings) {
        problems.push(problem(path, `unknown provider \`${name}\``, didYouMean(name, Object.keys(file.providers))));
        continue;
      }
      // A caller's own login is an agreement with the operator's entry alone.
      const { subscription: _, ...shared } = settings;
      const account = { path, name: `${name}@${layer}` };
      const provider = resolveProvider(name, { ...shared, apiKey }, options, problems, account);
      if (provider) own.set(name, provider);
    }
    if (own.size > 0) found.set(pathText(['layers', layer]), own);
  }
  return found;
}

type Settings = ConfigFile['providers'][string];

const dataOf = (data: ProviderData, { onDisconnect, betas }: Settings): ProviderData => ({
  ...data,
  ...(onDisconnect && { onDisconnect }),
  ...(betas && data.acceptedWords && { acceptedWords: withBetas(data.acceptedWords, betas) }),
});

const withBetas = (accepted: NonNullable<ProviderData['acceptedWords']>, betas: readonly string[]) => ({
  ...accepted,
  'anthropic-beta': [...(accepted['anthropic-beta'] ?? []), ...betas],
});

type Credential = Pick<ProviderSettings, 'apiKey' | 'profile' | 'awsKeys'>;

/** The file's own word first, then what the platform's own tools would read; the chain is what is left. */
function credentialOf(data: ProviderData, settings: Settings, env: ResolveOptions['env']): Credential {
  const { apiKey, accessKeyId, secretAccessKey, sessionToken, profile } = settings;
  const read = (reference: Reference): string => readSecret(reference, env);
  if (apiKey) return { apiKey: read(apiKey) };
  if (data.auth.chain?.platform === 'aws') {
    if (!accessKeyId !== !secretAccessKey) throw new RangeError('`accessKeyId` and `secretAccessKey` belong together');
    if (accessKeyId) {
      const session = sessionToken ? read(sessionToken) : null;
      return {
        awsKeys: { accessKeyId: read(accessKeyId), secretAccessKey: read(secretAccessKey!), sessionToken: session },
      };
    }
    if (profile) return { profile };
  } else if (accessKeyId ?? secretAccessKey ?? sessionToken ?? profile) {
    throw new RangeError(`${data.title} takes no keys or profile of AWS`);
  }
  const key = (data.keyVariable && env[data.keyVariable]) || null;
  return key === null && data.auth.chain?.platform === 'aws' ? { awsKeys: awsKeysOf(env) } : { apiKey: key };
}

/** The variables that stand first in AWS's own chain: with them no library is needed. */
function awsKeysOf(env: ResolveOptions['env']): StaticAwsKeys | null {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = env;
  if (!accessKeyId || !secretAccessKey || env['AWS_PROFILE']) return null;
  return { accessKeyId, secretAccessKey, sessionToken: env['AWS_SESSION_TOKEN'] ?? null };
}

/** Region, project and the like: the file's, else what the platform's own tools read. */
function placesOf(data: ProviderData, settings: Settings, env: ResolveOptions['env']): ProviderSettings['options'] {
  const places: Partial<Record<OptionName, string>> = {};
  for (const option of OPTION_NAMES) {
    const variable = data.options?.[option]?.variables.find((name) => env[name]);
    const value = settings[option] ?? (variable && env[variable]);
    if (value !== undefined) places[option] = value;
  }
  return places;
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
    const dataRegion = wanted.dataRegion ?? file.providers[wanted.provider]?.dataRegion;
    const { ttftQuantum: ttftQuantumMs, ...rest } = wanted;
    if (provider) deployments.push({ ...rest, provider, model: wanted.model ?? null, dataRegion, ttftQuantumMs });
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

/** A provider that keeps files must be one of the file's. */
function checkFiles({ files, features, providers }: ConfigFile, problems: Problem[]): void {
  const named: (readonly [path: Path, name: string | undefined])[] = [
    [['files', 'provider'], files.provider],
    ...Object.entries(features).map(
      ([feature, { files: own }]) => [['features', feature, 'files', 'provider'], own?.provider] as const,
    ),
  ];
  for (const [path, wrong] of named)
    if (wrong !== undefined && !(wrong in providers))
      problems.push(problem(path, `unknown provider \`${wrong}\``, didYouMean(wrong, Object.keys(providers))));
}

/** Another gate finds a stream in a log that outlives this one, and nowhere else. */
function checkRedrive(feature: string, { features, stream }: ConfigFile, problems: Problem[]): void {
  if (features[feature]?.resume !== 'redrive' || stream.logs.kind === 'valkey') return;
  const hint = 'set `stream.logs: { kind: valkey, url: "redis://…" }`, or `resume: true`';
  problems.push(problem(['features', feature, 'resume'], '`redrive` needs logs of streams in Valkey', hint));
}

const hasModel = (known: readonly string[], model: string): boolean =>
  known.some((name) => name === model || (name.endsWith('*') && model.startsWith(name.slice(0, -1))));

function checkChain(feature: string, chain: readonly string[], file: ConfigFile, problems: Problem[]): void {
  const known = Object.keys(file.models);
  chain.forEach((model, i) => {
    if (!hasModel(known, model))
      problems.push(problem(['features', feature, 'chain', i], `unknown model \`${model}\``, didYouMean(model, known)));
  });
}

/** Labels and judges that the quality of a feature names. */
function checkQuality({ features, labels, models }: ConfigFile, problems: Problem[]): void {
  const known = { labels, models: Object.keys(models) };
  const faults = qualityFaults(features, { labels, hasModel: (model) => hasModel(known.models, model) });
  for (const { path, wrong, among } of faults)
    problems.push(problem(path, `unknown ${among.slice(0, -1)} \`${wrong}\``, didYouMean(wrong, known[among])));
}
