/**
 * Reads of parsed JSON of which nothing is trusted. `JSON.parse` makes `__proto__` an own property, so a read by a
 * fixed name is safe; names that come from the body are never used to index.
 */
export type JsonObject = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The value where it is an object, else an empty one: for reads of optional nested fields. */
export const objectOf = (value: unknown): JsonObject => (isObject(value) ? value : NOTHING);
// An ordinary object, since V8 keeps one without a prototype as a hash table; no field that we read is inherited.
const NOTHING: JsonObject = Object.freeze({});

/** The value where it is an array, else an empty one. */
export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : EMPTY);
const EMPTY: readonly unknown[] = Object.freeze([]);

export const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null);
export const numberOf = (value: unknown): number | null =>
  typeof value === 'number' && Number.isFinite(value) ? value : null;
export const booleanOf = (value: unknown): boolean | null => (typeof value === 'boolean' ? value : null);

/** A count: a safe integer that is not negative. A provider's `12.0` is one, since JSON knows one number. */
export const countOf = (value: unknown): number | null =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null;

/**
 * More is no count of tokens, characters, milliseconds or uses that one answer can have: a hundred times the largest
 * window. Sums of a ledger are exact up to 2^53, and money up to 2^63 nano-dollars: one answer that said 2^53 tokens
 * stopped the ledger for everybody.
 */
export const MOST_USED = 1_000_000_000;

/** A count that is billed; null: nothing that could be true was said, and it is estimated. */
export const usedOf = (value: unknown): number | null => {
  const count = countOf(value);
  return count !== null && count <= MOST_USED ? count : null;
};

/** Absent and null are the same to every OpenAI-compatible API: the field is not set. */
export const isUnset = (value: unknown): value is null | undefined => value === undefined || value === null;
