/**
 * Does a value fit a JSON Schema (draft 2020-12)? In bounded work, since schemas come from callers as well: patterns
 * are matched in linear time, and there is a limit of steps and of depth. What a schema may say that is not checked
 * here makes it no schema, rather than one that fits everything.
 */
import { err, ok, type Result } from '#kernel/result.ts';
import { linearRegex, type LinearRegex } from '#math/regex/linear-regex.ts';

type JsonObject = Readonly<Record<string, unknown>>;

export interface SchemaCheck {
  /** Null: it would take too much work to say. */
  fits(value: unknown): boolean | null;
}

/** Schemas looked at while one is read, and values against schemas while one is checked. */
const MOST_SCHEMAS = 20_000;
const MOST_STEPS = 200_000;
const DEEPEST = 256;

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Keywords whose value is a schema, a list of them, or a map of them. */
const ONE = ['additionalProperties', 'propertyNames', 'items', 'contains', 'not', 'if', 'then', 'else'] as const;
const LISTS = ['allOf', 'anyOf', 'oneOf', 'prefixItems'] as const;
const MAPS = ['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas'] as const;
const NOT_CHECKED: ReadonlySet<string> = new Set([
  ...['unevaluatedProperties', 'unevaluatedItems', '$dynamicRef', '$recursiveRef', 'dependencies', 'additionalItems'],
]);
const DRAFTS = /^https?:\/\/json-schema\.org\//;
const TYPES: ReadonlySet<unknown> = new Set(['null', 'boolean', 'object', 'array', 'number', 'string', 'integer']);
const COUNTS: ReadonlySet<string> = new Set([
  ...['minLength', 'maxLength', 'minItems', 'maxItems', 'minProperties', 'maxProperties', 'minContains', 'maxContains'],
]);
const NUMBERS: ReadonlySet<string> = new Set([
  ...['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
]);

/** What a schema refers to, found while it was read. */
interface Known {
  readonly root: unknown;
  readonly anchors: Map<string, unknown>;
  readonly patterns: Map<string, LinearRegex>;
}

/** Reads a schema; else says what of it cannot be checked. */
export function readSchema(root: unknown): Result<SchemaCheck, string> {
  const known: Known = { root, anchors: new Map(), patterns: new Map() };
  const wrong = new Reading(known).read();
  if (wrong !== null) return err(wrong);
  return ok({
    fits: (value) => {
      const check = new Checking(known);
      const fits = check.fits(root, value, 0);
      return check.over ? null : fits;
    },
  });
}

class Reading {
  readonly #known: Known;
  readonly #refs = new Set<string>();
  readonly #seen = new Set<unknown>();
  #left = MOST_SCHEMAS;

  constructor(known: Known) {
    this.#known = known;
  }

  /** What is wrong; null: nothing. */
  read(): string | null {
    const wrong = this.#schema(this.#known.root, 0);
    if (wrong !== null) return wrong;
    // What is referred to may lie where no schema stands otherwise, and refer to more.
    for (const ref of this.#refs) {
      const found = target(this.#known, ref);
      if (found === undefined) return `\`$ref\` ${ref.slice(0, 128)} leads nowhere in the schema itself`;
      const why = this.#seen.has(found) ? null : this.#schema(found, 1);
      if (why !== null) return why;
    }
    return null;
  }

  #schema(schema: unknown, depth: number): string | null {
    if (typeof schema === 'boolean') return null;
    if (!isObject(schema)) return 'a schema is an object, `true` or `false`';
    if (--this.#left < 0 || depth > DEEPEST) return 'it is too large';
    this.#seen.add(schema);
    return this.#words(schema, depth) ?? this.#inner(schema, depth);
  }

  #words(schema: JsonObject, depth: number): string | null {
    for (const [word, value] of Object.entries(schema)) {
      const wrong = this.#word(word, value, depth);
      if (wrong !== null) return wrong;
    }
    if (typeof schema['$anchor'] === 'string') this.#known.anchors.set(schema['$anchor'], schema);
    return null;
  }

  #word(word: string, value: unknown, depth: number): string | null {
    if (NOT_CHECKED.has(word)) return `\`${word}\` is not checked here`;
    if (word === '$id' && depth > 0) return '`$id` within a schema is not followed here';
    if (word === '$ref') return typeof value === 'string' ? (this.#refs.add(value), null) : '`$ref` is a text';
    if (word === 'type' && ![value].flat().every((type) => TYPES.has(type))) return '`type` names no type of JSON';
    if (word === '$schema' && !DRAFTS.test(String(value))) return '`$schema` names no draft of JSON Schema';
    if (word === 'pattern') return this.#pattern(value);
    if ((COUNTS.has(word) || NUMBERS.has(word)) && typeof value !== 'number') return `\`${word}\` is a number`;
    if ((word === 'required' || word === 'enum') && !Array.isArray(value)) return `\`${word}\` is a list`;
    return null;
  }

  #pattern(source: unknown): string | null {
    if (typeof source !== 'string') return '`pattern` is a text';
    if (this.#known.patterns.has(source)) return null;
    const made = linearRegex(source);
    if (!made.ok) return `the pattern \`${source.slice(0, 64)}\` ${made.error}`;
    this.#known.patterns.set(source, made.value);
    return null;
  }

  #inner(schema: JsonObject, depth: number): string | null {
    const inner: unknown[] = ONE.filter((word) => word in schema).map((word) => schema[word]);
    for (const word of LISTS) {
      if (!(word in schema)) continue;
      if (!Array.isArray(schema[word])) return `\`${word}\` is a list of schemas`;
      inner.push(...(schema[word] as unknown[]));
    }
    for (const word of MAPS) {
      if (!(word in schema)) continue;
      if (!isObject(schema[word])) return `\`${word}\` is an object of schemas`;
      inner.push(...Object.values(schema[word]));
    }
    for (const source of Object.keys(isObject(schema['patternProperties']) ? schema['patternProperties'] : {})) {
      const wrong = this.#pattern(source);
      if (wrong !== null) return wrong;
    }
    for (const one of inner) {
      const wrong = this.#schema(one, depth + 1);
      if (wrong !== null) return wrong;
    }
    return null;
  }
}

/** What a reference within the schema leads to; undefined: nothing. */
function target({ root, anchors }: Known, ref: string): unknown {
  if (ref === '#') return root;
  if (!ref.startsWith('#')) return undefined;
  if (!ref.startsWith('#/')) return anchors.get(ref.slice(1));
  let at: unknown = root;
  for (const part of ref.slice(2).split('/')) {
    const name = decoded(part).replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, name)) return undefined;
    at = (at as JsonObject)[name];
  }
  return typeof at === 'boolean' || isObject(at) ? at : undefined;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

class Checking {
  readonly #known: Known;
  #left = MOST_STEPS;
  /** The work was too much: what was found is no answer. */
  over = false;

  constructor(known: Known) {
    this.#known = known;
  }

  fits(schema: unknown, value: unknown, depth: number): boolean {
    if (this.over) return false;
    if (--this.#left < 0 || depth > DEEPEST) return !(this.over = true);
    if (typeof schema === 'boolean') return schema;
    const rules = schema as JsonObject;
    return (
      this.#itself(rules, value) &&
      this.#combined(rules, value, depth + 1) &&
      (typeof value === 'string' ? this.#text(rules, value) : true) &&
      (typeof value === 'number' ? ofNumber(rules, value) : true) &&
      (Array.isArray(value) ? this.#list(rules, value, depth + 1) : true) &&
      (isObject(value) ? this.#object(rules, value, depth + 1) : true)
    );
  }

  #itself(rules: JsonObject, value: unknown): boolean {
    const { type, enum: choices } = rules;
    if (type !== undefined && ![type].flat().some((one) => isOf(one, value))) return false;
    if ('const' in rules && this.#named(rules['const']) !== this.#named(value)) return false;
    if (choices === undefined) return true;
    const name = this.#named(value);
    return (choices as unknown[]).some((choice) => this.#named(choice) === name);
  }

  #combined(rules: JsonObject, value: unknown, depth: number): boolean {
    const fits = (schema: unknown): boolean => this.fits(schema, value, depth);
    const { $ref, allOf, anyOf, oneOf, not } = rules;
    if (typeof $ref === 'string' && !fits(target(this.#known, $ref))) return false;
    if (allOf !== undefined && !(allOf as unknown[]).every(fits)) return false;
    if (anyOf !== undefined && !(anyOf as unknown[]).some(fits)) return false;
    if (oneOf !== undefined && (oneOf as unknown[]).filter(fits).length !== 1) return false;
    if (not !== undefined && fits(not)) return false;
    if (rules['if'] === undefined) return true;
    return fits(rules[fits(rules['if']) ? 'then' : 'else'] ?? true);
  }

  #text(rules: JsonObject, value: string): boolean {
    const { minLength, maxLength, pattern } = rules;
    if (minLength !== undefined || maxLength !== undefined) {
      const length = value.length - (value.match(/[\ud800-\udbff][\udc00-\udfff]/g)?.length ?? 0);
      if (!within(length, minLength, maxLength)) return false;
    }
    return pattern === undefined || this.#matches(pattern as string, value);
  }

  #matches(source: string, value: string): boolean {
    const found = this.#known.patterns.get(source)!.test(value);
    if (found === null) this.over = true;
    return found === true;
  }

  #list(rules: JsonObject, value: readonly unknown[], depth: number): boolean {
    const { prefixItems = [], items, contains, minItems, maxItems, uniqueItems } = rules;
    if (!within(value.length, minItems, maxItems)) return false;
    if (uniqueItems === true && new Set(value.map((one) => this.#named(one))).size < value.length) return false;
    const first = prefixItems as unknown[];
    const fitting = (one: unknown, i: number): boolean =>
      i < first.length ? this.fits(first[i], one, depth) : items === undefined || this.fits(items, one, depth);
    if (!value.every(fitting)) return false;
    if (contains === undefined) return true;
    const found = value.filter((one) => this.fits(contains, one, depth)).length;
    return within(found, rules['minContains'] ?? 1, rules['maxContains']);
  }

  #object(rules: JsonObject, value: JsonObject, depth: number): boolean {
    const names = Object.keys(value);
    const { required, propertyNames, dependentRequired, dependentSchemas } = rules;
    if (!within(names.length, rules['minProperties'], rules['maxProperties'])) return false;
    const has = (name: unknown): boolean => Object.hasOwn(value, name as string);
    if (required !== undefined && !(required as unknown[]).every(has)) return false;
    if (propertyNames !== undefined && !names.every((name) => this.fits(propertyNames, name, depth))) return false;
    for (const [name, others] of entriesOf(dependentRequired))
      if (has(name) && !(others as unknown[]).every(has)) return false;
    for (const [name, schema] of entriesOf(dependentSchemas))
      if (has(name) && !this.fits(schema, value, depth)) return false;
    return names.every((name) => this.#member(rules, name, value[name], depth));
  }

  #member(rules: JsonObject, name: string, value: unknown, depth: number): boolean {
    const { properties, patternProperties, additionalProperties } = rules;
    let known = false;
    if (isObject(properties) && Object.hasOwn(properties, name)) {
      known = true;
      if (!this.fits(properties[name], value, depth)) return false;
    }
    for (const [source, schema] of entriesOf(patternProperties)) {
      if (!this.#matches(source, name)) continue;
      known = true;
      if (!this.fits(schema, value, depth)) return false;
    }
    return known || additionalProperties === undefined || this.fits(additionalProperties, value, depth);
  }

  /** The same text for equal values, whatever the order of their members. */
  #named(value: unknown): string {
    if (--this.#left < 0) this.over = true;
    if (this.over) return '';
    if (Array.isArray(value)) return `[${value.map((one) => this.#named(one)).join()}]`;
    if (!isObject(value)) return JSON.stringify(value) ?? '';
    const names = Object.keys(value).sort();
    return `{${names.map((name) => `${JSON.stringify(name)}:${this.#named(value[name])}`).join()}}`;
  }
}

const entriesOf = (value: unknown): [string, unknown][] => (isObject(value) ? Object.entries(value) : []);

const within = (count: number, least: unknown, most: unknown): boolean =>
  (least === undefined || count >= (least as number)) && (most === undefined || count <= (most as number));

function isOf(type: unknown, value: unknown): boolean {
  switch (type) {
    case 'null':
      return value === null;
    case 'array':
      return Array.isArray(value);
    case 'object':
      return isObject(value);
    case 'integer':
      return typeof value === 'number' && Number.isInteger(value);
    default:
      return typeof value === type;
  }
}

function ofNumber(rules: JsonObject, value: number): boolean {
  const { minimum, maximum, exclusiveMinimum: above, exclusiveMaximum: below, multipleOf } = rules;
  if (!within(value, minimum, maximum)) return false;
  if (above !== undefined && value <= (above as number)) return false;
  if (below !== undefined && value >= (below as number)) return false;
  if (multipleOf === undefined) return true;
  const times = value / (multipleOf as number);
  // 0.0075 is 75 times 0.0001, which a double is not quite.
  return Number.isFinite(times) && Math.abs(times - Math.round(times)) < 1e-9;
}
