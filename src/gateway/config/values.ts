/** A configuration as a flat list of values, as people write them, with the lines that gave them. Pure. */
import { LineCounter, isMap, isScalar, isSeq, parseDocument } from 'yaml';
import { z } from 'zod';
import { duration } from '#kernel/format.ts';
import { nanoUsd, usdDecimal } from '#kernel/money.ts';
import { pathText } from '#kernel/config/read.ts';
import { configSchema, type ConfigFile } from './schema.ts';

export interface ConfigLeaf {
  /** `providers.openai.apiKey` */
  readonly path: string;
  /** `10 s`, `64 MiB`, `${env:OPENAI_API_KEY}`; null: it may hold a secret, and is shown to nobody. */
  readonly value: string | null;
  /** What it really is, hidden or not: to compare, never to show. */
  readonly raw: string;
  /** Line of the text that says it; null: none does, it is a default. */
  readonly line: number | null;
}

type Step = string | number;
type Schema = {
  readonly type?: string | readonly string[];
  readonly anyOf?: readonly Schema[];
  readonly properties?: Record<string, Schema>;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
};

/**
 * Header and query values are the operator's free text: some hold a credential, as the address of a chat's webhook does.
 * The hash of a key is nobody's to read.
 */
const HIDDEN = /^providers\.[^.]+\.(headers|query)\.|^keys\.[^.]+\.sha256$|^alerts\.webhooks\.[^.]+\.url$/;

/** All values of a file that was read, in the order of the schema. `text`: what it was read from. */
export function configLeaves(file: ConfigFile, text: string): ConfigLeaf[] {
  const said = linesIn(text);
  const out: ConfigLeaf[] = [];
  walk(file, jsonSchema(), [], (steps, value, field) => {
    const path = pathText(steps);
    const raw = valueText(steps, value, field);
    const line = said.get(JSON.stringify(steps)) ?? null;
    out.push({ path, value: HIDDEN.test(path) ? null : raw, raw, line });
  });
  return out;
}

let schema: Schema | null = null;
// Made once, when a configuration is first shown: about 5 ms.
const jsonSchema = (): Schema =>
  (schema ??= z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' }) as Schema);

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

/** A number that is read from a text is a duration; one that may be either is a size. */
function valueText(path: readonly Step[], value: unknown, field: Schema | undefined): string {
  if (isReference(value)) return `\${${value.from}:${value.name ?? value.path}}`;
  if (value === null) return 'none';
  // Money, the only big integers of a configuration.
  if (typeof value === 'bigint') return `$${usdDecimal(nanoUsd(value))}`;
  if (typeof value === 'object') return Array.isArray(value) ? '[]' : '{}';
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
function linesIn(text: string): Map<string, number> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: false });
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
