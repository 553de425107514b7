/**
 * JSON Schema to llama.cpp's GBNF. Written for random weights: every string, number and list is bounded, because a
 * model without sense never closes an open one; keys come in schema order, all of them, without white space.
 * GBNF: ggml-org/llama.cpp `grammars/README.md`.
 */

export type JsonSchema = { readonly [key: string]: unknown };

/** A schema that this engine cannot force; `path` is where in the schema. Answered as 400. */
export class UnsupportedSchema extends Error {
  readonly path: string;

  constructor(path: string, why: string) {
    super(`${path}: ${why}`);
    this.path = path;
  }
}

/** Longest string value: a few words, so that a forced answer fits into a small `max_tokens`. */
const MAX_STRING = 24;
/** Most items of a list whose schema sets no smaller bound. */
const MAX_ITEMS = 3;
/** A schema may nest (or refer to itself) this deep; a real one rarely passes 5. */
const MAX_DEPTH = 12;
/** Keywords that narrow values in ways that this grammar does not enforce: refusing beats an answer that breaks them. */
const UNSUPPORTED = ['pattern', 'format', 'allOf', 'not', 'if', 'minimum', 'maximum', 'multipleOf', 'prefixItems'];

/** Any JSON object of up to three string members, for `response_format: json_object`. */
export const ANY_OBJECT_GRAMMAR = (() => {
  const member = `"\\"" [a-z]{1,8} "\\":\\"" [a-z ]{0,${MAX_STRING}} "\\""`;
  return `root ::= "{" member ("," member){0,2} "}"\nmember ::= ${member}`;
})();

/** Literal text in GBNF's spelling; its escapes are those of JSON. */
const literal = (text: string): string => JSON.stringify(text);
/** A JSON value as literal text. */
const jsonLiteral = (value: unknown): string => literal(JSON.stringify(value));
const either = (rules: readonly string[]): string => `(${rules.join(' | ')})`;

const isSchema = (value: unknown): value is JsonSchema =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

interface Place {
  readonly root: JsonSchema;
  readonly path: string;
  readonly depth: number;
}

const below = (place: Place, key: string): Place => ({
  ...place,
  path: `${place.path}.${key}`,
  depth: place.depth + 1,
});

function schemaAt(value: unknown, place: Place): JsonSchema {
  if (isSchema(value)) return value;
  throw new UnsupportedSchema(place.path, 'expected a schema object');
}

function bound(schema: JsonSchema, key: string, fallback: number): number {
  const value = schema[key];
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 ? value : fallback;
}

/** Follows `#/$defs/name` and `#/definitions/name`. */
function resolve(reference: unknown, place: Place): JsonSchema {
  const match = typeof reference === 'string' ? /^#\/(\$defs|definitions)\/([^/]+)$/.exec(reference) : null;
  const definitions = match?.[1] === undefined ? undefined : place.root[match[1]];
  const target = isSchema(definitions) && match?.[2] !== undefined ? definitions[match[2]] : undefined;
  if (isSchema(target)) return target;
  throw new UnsupportedSchema(place.path, `cannot resolve $ref ${JSON.stringify(reference)}`);
}

function stringRule(schema: JsonSchema): string {
  const least = bound(schema, 'minLength', 0);
  const most = Math.max(least, Math.min(bound(schema, 'maxLength', MAX_STRING), MAX_STRING));
  return `"\\"" [a-z ]{${least},${most}} "\\""`;
}

function listRule(schema: JsonSchema, place: Place): string {
  const least = bound(schema, 'minItems', 0);
  const most = Math.max(least, Math.min(bound(schema, 'maxItems', MAX_ITEMS), MAX_ITEMS));
  if (most === 0) return '"[]"';
  const item = rule(schemaAt(schema['items'] ?? { type: 'string' }, place), below(place, 'items'));
  const full = `"[" ${item} ("," ${item}){${Math.max(least - 1, 0)},${most - 1}} "]"`;
  return least > 0 ? full : either(['"[]"', full]);
}

function objectRule(schema: JsonSchema, place: Place): string {
  const properties = schemaAt(schema['properties'] ?? {}, place);
  const members = Object.entries(properties).map(([key, value]) => {
    const inner = below(place, key);
    return `${literal(`${JSON.stringify(key)}:`)} ${rule(schemaAt(value, inner), inner)}`;
  });
  return members.length === 0 ? '"{}"' : `"{" ${members.join(' "," ')} "}"`;
}

function typeRule(type: unknown, schema: JsonSchema, place: Place): string {
  switch (type) {
    case 'string':
      return stringRule(schema);
    case 'integer':
      return '("-"? ("0" | [1-9] [0-9]{0,3}))';
    case 'number':
      return '("-"? ("0" | [1-9] [0-9]{0,3}) ("." [0-9]{1,2})?)';
    case 'boolean':
      return '("true" | "false")';
    case 'null':
      return '"null"';
    case 'array':
      return listRule(schema, place);
    case 'object':
      return objectRule(schema, place);
    default:
      throw new UnsupportedSchema(place.path, `unknown type ${JSON.stringify(type)}`);
  }
}

function rule(schema: JsonSchema, place: Place): string {
  if (place.depth > MAX_DEPTH) throw new UnsupportedSchema(place.path, `deeper than ${MAX_DEPTH} levels`);
  const refused = UNSUPPORTED.find((key) => key in schema);
  if (refused !== undefined) throw new UnsupportedSchema(place.path, `keyword ${refused} is not supported`);
  if ('$ref' in schema) return rule(resolve(schema['$ref'], place), below(place, '$ref'));
  if ('const' in schema) return jsonLiteral(schema['const']);
  if (Array.isArray(schema['enum'])) return either(schema['enum'].map(jsonLiteral));
  const options = schema['anyOf'] ?? schema['oneOf'];
  if (Array.isArray(options)) {
    return either(options.map((option, i) => rule(schemaAt(option, place), below(place, `anyOf[${i}]`))));
  }
  const type = schema['type'] ?? ('properties' in schema ? 'object' : 'string');
  if (!Array.isArray(type)) return typeRule(type, schema, place);
  return either(type.map((one) => typeRule(one, schema, place)));
}

/** GBNF text whose language is a bounded subset of the schema's values. Throws {@link UnsupportedSchema}. */
export function jsonSchemaGrammar(schema: JsonSchema): string {
  return `root ::= ${rule(schema, { root: schema, path: 'schema', depth: 0 })}`;
}

/** GBNF text that allows exactly these words. */
export function choiceGrammar(words: readonly string[]): string {
  return `root ::= ${words.map(literal).join(' | ')}`;
}
