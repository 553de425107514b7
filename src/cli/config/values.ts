/** Every value of a configuration with where it came from. Pure. */
import { LineCounter, isMap, isScalar, isSeq, parseDocument } from 'yaml';
import { z } from 'zod';
import { nanoUsd, usdDecimal } from '#kernel/money.ts';
import { pathText, readConfig } from '#kernel/config/read.ts';
import { configSchema } from '#gateway/config/schema.ts';
import { duration } from '../format.ts';

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

type Step = string | number;
type Schema = {
  readonly type?: string | readonly string[];
  readonly anyOf?: readonly Schema[];
  readonly properties?: Record<string, Schema>;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
};

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
  const schema = z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' }) as Schema;
  const said = placesOf(text);
  const out: EffectiveValue[] = [];
  walk(config, schema, [], (path, value, field) => {
    const line = said.get(JSON.stringify(path));
    const source = line === undefined ? 'default' : name === null ? MADE : `${name}:${line}`;
    out.push({ path: pathText(path), value: valueText(path, value, field), source, isDefault: line === undefined });
  });
  return [
    ...out.map((one) => running(overridden(one, env), runningAt)),
    ...impliedKeys(config.providers, keyVariable, env),
  ];
}

function walk(
  value: unknown,
  schema: Schema | undefined,
  path: readonly Step[],
  leaf: (path: readonly Step[], value: unknown, field: Schema | undefined) => void,
): void {
  if (value === undefined) return;
  if (isReference(value) || value === null || typeof value !== 'object') return leaf(path, value, schema);
  const entries = Array.isArray(value) ? value.map((part, i) => [i, part] as const) : Object.entries(value);
  if (entries.length === 0) return leaf(path, value, schema);
  for (const [step, part] of entries) walk(part, below(schema, step), [...path, step], leaf);
}

function below(schema: Schema | undefined, step: Step): Schema | undefined {
  if (typeof step === 'number') return schema?.items;
  const known = schema?.properties?.[step];
  if (known) return known;
  return typeof schema?.additionalProperties === 'object' ? schema.additionalProperties : undefined;
}

interface Ref {
  readonly from: 'env' | 'file';
  readonly name?: string;
  readonly path?: string;
}
const isReference = (value: unknown): value is Ref =>
  typeof value === 'object' && value !== null && /^(env|file)$/.test(String((value as Ref).from));

const SECRET = /auth|key|token|secret|cookie|password/i;

/** A number that is read from a text is a duration; one that may be either is a size. */
function valueText(path: readonly Step[], value: unknown, field: Schema | undefined): string {
  if (isReference(value)) return `\${${value.from}:${value.name ?? value.path}}`;
  if (value === null) return 'none';
  // Money, the only big integers of a configuration.
  if (typeof value === 'bigint') return `$${usdDecimal(nanoUsd(value))}`;
  if (typeof value === 'object') return Array.isArray(value) ? '[]' : '{}';
  // A header may hold a secret that the schema cannot know of.
  if (path.at(-2) === 'headers' && SECRET.test(String(path.at(-1)))) return '(not shown)';
  if (typeof value !== 'number') return String(value);
  if (field?.type === 'string') return duration(value);
  const either = field?.anyOf !== undefined || Array.isArray(field?.type);
  return either && path.at(-2) !== 'perMillion' ? sizeText(value) : String(value);
}

const UNITS = [
  [1024 ** 3, 'GiB'],
  [1024 ** 2, 'MiB'],
  [1024, 'KiB'],
] as const;
function sizeText(bytes: number): string {
  const unit = UNITS.find(([size]) => bytes >= size && bytes % size === 0);
  return unit ? `${bytes / unit[0]} ${unit[1]}` : `${bytes} B`;
}

/** Line of every leaf that the text has, by the JSON of its path. */
function placesOf(text: string): Map<string, number> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const out = new Map<string, number>();
  const note = (path: readonly Step[], node: unknown): void => {
    const at = (node as { range?: readonly number[] } | null)?.range?.[0];
    if (at !== undefined) out.set(JSON.stringify(path), lines.linePos(at).line);
  };
  const visit = (node: unknown, path: readonly Step[]): void => {
    if (isMap(node))
      for (const { key, value } of node.items) step(value, [...path, String(isScalar(key) ? key.value : key)], key);
    else if (isSeq(node)) node.items.forEach((item, i) => step(item, [...path, i], item));
  };
  const step = (value: unknown, path: readonly Step[], at: unknown): void => {
    note(path, at);
    visit(value, path);
  };
  visit(document.contents, []);
  return out;
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
