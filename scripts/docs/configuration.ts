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
  const isSection = schema.properties !== undefined || typeof schema.additionalProperties === 'object';
  const inner = schema.items?.properties ? keyRows(`${path}[]`, schema.items) : [];
  if (isSection && schema.description === undefined && MEANING[path] === undefined)
    return [...rows(path, schema), ...inner];
  return [line(path, schema), ...rows(path, schema), ...inner];
}

/** Paths of all keys, as the page writes them. */
export const configKeys = (): string[] => rows('', configJsonSchema()).map((text) => /^\| `([^`]+)`/.exec(text)![1]!);

const line = (path: string, schema: Schema): string =>
  row([code(path), typeOf(schema), defaultText(path, schema), schema.description ?? MEANING[path] ?? '']);

/** Durations and sizes are text in the file and numbers once read: the default is read back from an empty file. */
const DEFAULTS = configSchema.parse({});

function defaultText(path: string, schema: Schema): string {
  const value = schema.default ?? path.split('.').reduce<unknown>(below, DEFAULTS);
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
