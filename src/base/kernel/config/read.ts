import { LineCounter, isMap, isScalar, isSeq, parseDocument, type Document } from 'yaml';
import type { z } from 'zod';
import { ConfigError, didYouMean, type Diagnostic } from './diagnostics.ts';
import { requireUniqueKeys } from './unique-keys.ts';

/** The words that a secret may stand under: such a line is never shown. */
const SECRET = /key|token|secret|password|credential|^raw$|^sha256$/i;
/** One of them earlier in the line of a flow mapping, with a value that is neither a reference nor a section. */
const SECRET_BESIDE = /(key|token|secret|password|credential|\braw|\bsha256)\w*["']?\s*:(?!\s*(?:["']?\$\{|[[{]|$))/i;
/** A key by its look, under whatever name it was put. */
const LOOKS_SECRET = /\b(sk|hg|hga)[-_][\w-]{8,}/g;
/** YAML aliases multiply: ten levels of ten are a bomb. Nobody's configuration has more than this. */
const MAX_ALIASES = 100;

/** Parses YAML and checks it against a schema; throws {@link ConfigError} with every problem found. */
export function readConfig<S extends z.ZodType>(text: string, file: string, schema: S): z.output<S> {
  const source = sourceOf(text);
  const { document } = source;
  if (document.errors.length > 0)
    throw new ConfigError(
      file,
      document.errors.map((error) => syntax(error, source)),
    );
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: MAX_ALIASES }) ?? {};
  } catch (error) {
    throw new ConfigError(file, [syntax({ message: String(error), pos: [0, 0] }, source)]);
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new ConfigError(
    file,
    result.error.issues.flatMap((issue) => fromIssue(issue, schema, source)),
  );
}

interface Source {
  readonly text: readonly string[];
  readonly lines: LineCounter;
  readonly document: Document;
}

function sourceOf(text: string): Source {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: false });
  requireUniqueKeys(document, lines);
  return { text: text.split('\n'), lines, document };
}

function syntax(error: { message: string; pos: readonly [number, number] }, source: Source): Diagnostic {
  const line = source.lines.linePos(error.pos[0]).line;
  const message = error.message.split('\n')[0]!;
  return { code: 'config_syntax', path: '', line, excerpt: excerpt(source, line), message, hint: null };
}

function fromIssue(issue: z.core.$ZodIssue, schema: z.ZodType, source: Source): Diagnostic[] {
  const at = issue.path as (string | number)[];
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(key, at, schema, source));
  const line = lineOf(source, at);
  const missing = issue.code === 'invalid_type' && line === null;
  return [
    {
      code: missing ? 'config_missing' : 'config_invalid',
      path: pathText(at),
      line: line ?? lineOf(source, at.slice(0, -1)),
      excerpt: SECRET.test(String(at.at(-1) ?? '')) ? null : excerpt(source, line),
      message: `${pathText(at) || 'the file'}: ${issue.message}`,
      hint: null,
    },
  ];
}

function unknownKey(key: string, at: (string | number)[], schema: z.ZodType, source: Source): Diagnostic {
  const line = lineOf(source, [...at, key]);
  return {
    code: 'config_unknown_key',
    path: pathText([...at, key]),
    line,
    excerpt: SECRET.test(key) ? null : excerpt(source, line),
    message: `unknown key \`${key}\`${at.length > 0 ? ` in ${pathText(at)}` : ''}`,
    hint: didYouMean(key, keysAt(schema, at)),
  };
}

/** The keys that the schema knows at a path, unwrapping defaults, records, arrays and unions as it goes. */
function keysAt(schema: unknown, path: readonly (string | number)[]): string[] {
  const nodes = unwrap(schema);
  const [head, ...rest] = path;
  if (head === undefined) return nodes.flatMap((node) => Object.keys(node.shape ?? {}));
  return nodes.flatMap((node) => {
    const next = node.shape?.[String(head)] ?? node.valueType ?? node.element;
    return next ? keysAt(next, rest) : [];
  });
}

interface SchemaNode {
  shape?: Record<string, unknown>;
  valueType?: unknown;
  element?: unknown;
}

/** Zod 4 keeps its definition in `_zod.def`; wrappers name what they wrap. */
function unwrap(schema: unknown): SchemaNode[] {
  const def = (schema as { _zod?: { def: Record<string, unknown> } })?._zod?.def;
  if (!def) return [];
  if (def['innerType']) return unwrap(def['innerType']);
  if (def['type'] === 'pipe') return unwrap(def['in']);
  if (Array.isArray(def['options'])) return def['options'].flatMap(unwrap);
  return [def as SchemaNode];
}

function lineOf(source: Source, path: readonly (string | number)[]): number | null {
  let node: unknown = source.document.contents;
  let at: number | null = path.length === 0 ? 1 : null;
  for (const step of path) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(step));
      if (!pair) return null;
      at = offsetOf(pair.key) ?? at;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(step)];
      at = offsetOf(node) ?? at;
    } else return null;
  }
  return at === null ? null : path.length === 0 ? 1 : source.lines.linePos(at).line;
}

const offsetOf = (node: unknown): number | null => (node as { range?: [number, number, number] })?.range?.[0] ?? null;
/** The line for the eye; null where it may hold a secret. */
function excerpt(source: Pick<Source, 'text'>, line: number | null): string | null {
  const text = line === null ? undefined : source.text[line - 1];
  return text === undefined || SECRET_BESIDE.test(text) ? null : text.replace(LOOKS_SECRET, '***');
}

/** Where a path stands in the text of a file, for what is found wrong after it was read. */
export interface Place {
  readonly line: number | null;
  readonly excerpt: string | null;
}

/** Places in a file that was read already, parsed again when the first is asked for: most files are good. A path that leads nowhere has the place of the last step that is there. */
export function placesIn(text: string): (path: readonly (string | number)[]) => Place {
  let parsed: Source | null = null;
  return (path) => {
    const source = (parsed ??= sourceOf(text));
    for (let length = path.length; length > 0; length--) {
      const line = lineOf(source, path.slice(0, length));
      if (line === null) continue;
      const hidden = SECRET.test(String(path.at(length - 1)));
      return { line, excerpt: hidden ? null : excerpt(source, line) };
    }
    return { line: null, excerpt: null };
  };
}

/** `models.gpt-5.deployments[0].provider` */
export const pathText = (path: readonly (string | number)[]): string =>
  path.map((step, i) => (typeof step === 'number' ? `[${step}]` : i === 0 ? step : `.${step}`)).join('');
