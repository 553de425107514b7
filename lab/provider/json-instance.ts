import type { JsonSchema } from './answer.ts';

// Schemas of real tools nest a few levels; a recursive one would never end.
const MAX_DEPTH = 12;

/** A small value that satisfies a JSON Schema of the kind that tools and structured outputs use. Deterministic. */
export function instanceOf(schema: JsonSchema, root: JsonSchema = schema, depth = 0): unknown {
  if (depth > MAX_DEPTH) return null;
  const target = resolve(schema, root);
  if ('const' in target) return target['const'];
  if (Array.isArray(target['enum'])) return target['enum'][0];
  if ('default' in target) return target['default'];
  const branch = firstBranch(target);
  if (branch) return instanceOf(branch, root, depth + 1);
  return byType(target, root, depth);
}

function resolve(schema: JsonSchema, root: JsonSchema): JsonSchema {
  const ref = schema['$ref'];
  if (typeof ref !== 'string' || !ref.startsWith('#')) return schema;
  let at: unknown = root;
  for (const key of ref.split('/').slice(1)) at = (at as Record<string, unknown> | undefined)?.[key];
  return (at as JsonSchema | undefined) ?? {};
}

function firstBranch(schema: JsonSchema): JsonSchema | null {
  for (const key of ['anyOf', 'oneOf', 'allOf']) {
    const list = schema[key];
    if (Array.isArray(list) && list.length > 0) return list[0] as JsonSchema;
  }
  return null;
}

function byType(schema: JsonSchema, root: JsonSchema, depth: number): unknown {
  const type = Array.isArray(schema['type']) ? schema['type'][0] : schema['type'];
  if (type === 'string') return stringOf(schema);
  if (type === 'integer' || type === 'number') return Number(schema['minimum'] ?? 1);
  if (type === 'boolean') return true;
  if (type === 'null') return null;
  if (type === 'array') return arrayOf(schema, root, depth);
  return objectOf(schema, root, depth);
}

function stringOf(schema: JsonSchema): string {
  if (schema['format'] === 'date') return '2026-11-23';
  if (schema['format'] === 'date-time') return '2026-11-23T00:00:00Z';
  return 'lab'.padEnd(Number(schema['minLength'] ?? 0), 'x');
}

const arrayOf = (schema: JsonSchema, root: JsonSchema, depth: number): unknown[] =>
  Array.from({ length: Math.max(1, Number(schema['minItems'] ?? 1)) }, () =>
    instanceOf((schema['items'] as JsonSchema | undefined) ?? { type: 'string' }, root, depth + 1),
  );

function objectOf(schema: JsonSchema, root: JsonSchema, depth: number): Record<string, unknown> {
  const properties = (schema['properties'] as Record<string, JsonSchema> | undefined) ?? {};
  const required = Array.isArray(schema['required']) ? (schema['required'] as string[]) : Object.keys(properties);
  return Object.fromEntries(required.map((key) => [key, instanceOf(properties[key] ?? {}, root, depth + 1)]));
}
