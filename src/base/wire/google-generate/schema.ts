import { isObject, type JsonObject } from '../json/read.ts';
import { camelOf } from './member.ts';

/**
 * Google's `Schema` (a subset of OpenAPI 3.0: types in capitals, `nullable`, counts as strings) as a JSON Schema. What
 * both know under one name stays; an order of properties is a hint to Google's models and has no word there.
 */
export function toJsonSchema(schema: unknown): unknown {
  if (!isObject(schema)) return schema;
  const out: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(schema)) put(out, camelOf(name), value);
  if (schema['nullable'] !== true) return out;
  if (typeof out['type'] === 'string') out['type'] = [out['type'], 'null'];
  else if (Array.isArray(out['anyOf'])) out['anyOf'] = [...(out['anyOf'] as unknown[]), { type: 'null' }];
  return out;
}

const COUNTS: ReadonlySet<string> = new Set([
  ...['minItems', 'maxItems', 'minLength', 'maxLength', 'minProperties', 'maxProperties'],
]);
const LEFT_OUT: ReadonlySet<string> = new Set(['nullable', 'propertyOrdering', 'example']);
const SCHEMAS: ReadonlySet<string> = new Set(['items', 'additionalProperties']);
const MAPS: ReadonlySet<string> = new Set(['properties', 'defs', '$defs']);
const LISTS: ReadonlySet<string> = new Set(['anyOf', 'prefixItems']);

function put(out: Record<string, unknown>, name: string, value: unknown): void {
  if (LEFT_OUT.has(name)) return;
  if (name === 'type' && typeof value === 'string') out[name] = value.toLowerCase();
  else if (COUNTS.has(name) && typeof value === 'string') out[name] = Number(value);
  else if (SCHEMAS.has(name)) out[name] = toJsonSchema(value);
  else if (MAPS.has(name) && isObject(value)) out[name === 'defs' ? '$defs' : name] = mapped(value);
  else if (LISTS.has(name) && Array.isArray(value)) out[name] = value.map(toJsonSchema);
  else out[name] = value;
}

const mapped = (schemas: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, toJsonSchema(schema)]));
