import { z } from 'zod';
import { configSchema } from '#gateway/config/schema.ts';
import { MEANING } from './meaning.ts';
import { code, head, madeFrom, row, type Page } from './page.ts';

/** The part of JSON Schema that zod writes for this configuration. */
export interface Schema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly pattern?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  /** A section that is one of several, told apart by the constant of one key. */
  readonly oneOf?: readonly Schema[];
  readonly const?: unknown;
  readonly required?: readonly string[];
}

/** What a file may say, before defaults and transforms. */
export const configJsonSchema = (): Schema => {
  const { $schema, ...schema } = z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' });
  return {
    $schema,
    $id: 'https://headgate.dev/schema/headgate.schema.json',
    title: 'headgate.yaml',
    ...schema,
  } as Schema;
};

const FACTS = ['minimum', 'exclusiveMinimum', 'maximum', 'minLength', 'maxLength', 'minItems', 'maxItems'] as const;
const WORDS: Readonly<Record<(typeof FACTS)[number], string>> = {
  minimum: '≥',
  exclusiveMinimum: '>',
  maximum: '≤',
  minLength: 'characters ≥',
  maxLength: 'characters ≤',
  minItems: 'entries ≥',
  maxItems: 'entries ≤',
};
/** zod writes JavaScript's own bounds where a schema has none. */
const isBound = (value: unknown): value is number => typeof value === 'number' && Math.abs(value) < 2 ** 53 - 1;

function typeOf(schema: Schema): string {
  if (schema.const !== undefined) return code(String(schema.const));
  if (schema.enum) return schema.enum.map((value) => code(String(value))).join(', ');
  if (schema.anyOf) return [...new Set(schema.anyOf.map(typeOf))].join(' or ');
  if (typeof schema.type === 'object')
    return schema.type.map((name) => (name === 'string' ? 'text' : name)).join(' or ');
  if (schema.type === 'array') return `list of ${schema.items ? typeOf(schema.items) : 'values'}`;
  if (schema.type === 'object') return 'section';
  const bounds = FACTS.filter((fact) => isBound(schema[fact])).map((fact) => `${WORDS[fact]} ${schema[fact]}`);
  return [schema.type === 'string' ? 'text' : (schema.type ?? 'value'), ...bounds].join(', ');
}

/** Rows of a section and of everything below it; `<name>` stands for a name that the operator chooses. */
function rows(path: string, schema: Schema): string[] {
  const below = Object.entries(schema.properties ?? {}).flatMap(([name, part]) =>
    keyRows(path === '' ? name : `${path}.${name}`, part),
  );
  const named = schema.additionalProperties;
  return typeof named === 'object' ? [...below, ...keyRows(`${path}.<name>`, named)] : below;
}

function keyRows(path: string, schema: Schema): string[] {
  if (schema.oneOf) return variantRows(path, schema.oneOf);
  const isSection = schema.properties !== undefined || typeof schema.additionalProperties === 'object';
  const inner = schema.items?.properties ? keyRows(`${path}[]`, schema.items) : [];
  if (isSection && schema.description === undefined && MEANING[path] === undefined)
    return [...rows(path, schema), ...inner];
  return [line(path, schema), ...rows(path, schema), ...inner];
}

/** Keys of a section that is one of several: once where all that have it agree, else once a variant, by its name. */
function variantRows(path: string, variants: readonly Schema[]): string[] {
  const kindOf = (schema: Schema): string => {
    const told = Object.values(schema.properties ?? {}).find(({ const: value }) => value !== undefined);
    return String(told?.const);
  };
  const kinds = variants.map(kindOf);
  const names = [...new Set(variants.flatMap(({ properties }) => Object.keys(properties ?? {})))];
  const of = (name: string) =>
    variants.flatMap((variant, i) => {
      const part = variant.properties?.[name];
      const required = variant.required?.includes(name) ?? false;
      return part ? [{ kind: kinds[i]!, part: { ...part, ...(required && { required: [] }) } }] : [];
    });
  return names.flatMap((name) => {
    const key = `${path}.${name}`;
    const parts = of(name);
    if (parts[0]!.part.const !== undefined)
      return [row([code(key), kinds.map(code).join(', '), '', MEANING[key] ?? 'What kind it is.'])];
    const drawn = parts.map(({ kind, part }) => ({
      kind,
      text: keyRows(key, { ...part, ...sampled(path, kind, name, part) }),
    }));
    const groups = [...Map.groupBy(drawn, ({ text }) => text.join('\n')).values()];
    return groups.flatMap((group) => {
      const own = group.map(({ kind }) => kind);
      return own.length === variants.length ? group[0]!.text : group[0]!.text.map((one) => forKinds(one, own));
    });
  });
}

/** The meaning of a row begins with the kinds that it holds for. */
const forKinds = (text: string, kinds: readonly string[]): string =>
  text.replace(/\| ([^|]*) \|$/, (_, meaning: string) => `| ${kinds.map(code).join(', ')}: ${meaning} |`);

/** Default of a key of one variant, read from a file that has one of each. */
function sampled(path: string, kind: string, name: string, part: Schema): { default?: unknown } {
  const value = [...path.split('.').slice(0, -1), kind, name].reduce<unknown>(below, SAMPLES);
  if (part.default !== undefined || part.required || typeof value !== 'number' || part.type !== 'string') return {};
  return { default: durationText(value) };
}

/** Paths of all keys, as the page writes them. */
export const configKeys = (): string[] => rows('', configJsonSchema()).map((text) => /^\| `([^`]+)`/.exec(text)![1]!);

const line = (path: string, schema: Schema): string =>
  row([code(path), typeOf(schema), defaultText(path, schema), schema.description ?? MEANING[path] ?? '']);

/** Durations and sizes are text in the file and numbers once read: the default is read back from an empty file. */
const DEFAULTS = configSchema.parse({});

/** Keys of the sample that have no default. */
const NEEDED: ReadonlySet<string> = new Set(['telemetry.otlp.endpoint', 'alerts.webhooks.<name>.url']);

/** A file with one of each thing that has a name, for the defaults of what is below it. */
const SAMPLES = configSchema.parse({
  telemetry: { otlp: { endpoint: 'http://127.0.0.1:4318' } },
  alerts: {
    webhooks: { any: { url: 'http://127.0.0.1/' } },
    rules: {
      'error-rate': { kind: 'error-rate', threshold: 0.05 },
      'first-token': { kind: 'first-token', threshold: '5s' },
      'spool-lag': { kind: 'spool-lag' },
      'price-unknown': { kind: 'price-unknown' },
      'budget-burn': { kind: 'budget-burn', threshold: 14.4 },
      'key-unused': { kind: 'key-unused' },
      'key-unusual': { kind: 'key-unusual' },
    },
  },
} as never);

function defaultText(path: string, schema: Schema): string {
  // The sample calls everything that has a name so.
  const at = path.replaceAll('<name>', 'any').split('.');
  const value =
    schema.default ??
    at.reduce<unknown>(below, DEFAULTS) ??
    (NEEDED.has(path) ? undefined : at.reduce<unknown>(below, SAMPLES));
  if (value === undefined || (typeof value === 'object' && value !== null)) return '';
  if (typeof value !== 'number' || schema.type === 'integer' || schema.type === 'number') return code(String(value));
  return code(schema.type === 'string' ? durationText(value) : sizeText(value));
}

const below = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;

const MIB = 1024 * 1024;
const sizeText = (bytes: number): string => (bytes % MIB === 0 ? `${bytes / MIB}MiB` : `${bytes / 1024}KiB`);

function durationText(ms: number): string {
  const units = [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1_000],
  ] as const;
  const unit = units.find(([, size]) => ms > 0 && ms % size === 0);
  return unit ? `${ms / unit[1]}${unit[0]}` : `${ms}ms`;
}

const INTRO = `One file: \`headgate.yaml\` in the working folder, or the one that \`--config\` or \`HEADGATE_CONFIG\` names. Without a file, Headgate takes every provider whose key is in the environment, and its simulated provider where there is none.

Unknown keys are errors, and all problems are reported together, each with its path, the value, the bound and the nearest name that exists. A duration is written \`250ms\`, \`10s\`, \`2m\`, \`24h\` or \`30d\`; a size \`64KB\`, \`32MB\` or \`1GiB\`. A secret is never written out: it is \`\${env:NAME}\` or \`\${file:/path}\`. The JSON Schema is [headgate.schema.json](headgate.schema.json); an editor takes it from this line at the top of the file:

\`\`\`yaml
# yaml-language-server: $schema=./headgate.schema.json
\`\`\`

\`<name>\` is a name that you choose.
`;

export function configurationPages(): Page[] {
  const schema = configJsonSchema();
  return [
    { path: 'docs/reference/headgate.schema.json', text: `${JSON.stringify(schema, null, 2)}\n` },
    {
      path: 'docs/reference/configuration.md',
      text: [
        '# Configuration\n',
        madeFrom('src/gateway/config/schema.ts'),
        INTRO,
        head(['key', 'value', 'default', 'meaning']),
        ...rows('', schema),
        '',
      ].join('\n'),
    },
  ];
}
