import { invariant } from '#kernel/invariant.ts';
import { parameterFor, type EffectiveParameter } from '#capabilities/tenants/index.ts';
import type { Dialect } from '#wire/dialect.ts';
import { splicePieces, type SpliceChanges } from '#wire/json/splice.ts';
import { parseStrict, type StrictJson } from '#wire/json/strict.ts';
import { inFront, setParameters, type Prompt, type SeamParameter } from '#wire/seams.ts';
import { decodeHere, faultError, type Decoded, type OutsideWords } from '../decode.ts';

/** What layers change in a body, as data that may go to another thread. */
export interface CustomOrder {
  readonly prompt: Prompt | null;
  /** The model that an alias means; null: none was asked. */
  readonly model: string | null;
  readonly parameters: readonly (readonly [SeamParameter, EffectiveParameter])[];
  /** A line before all that the model reads, of a body that layers have been at already; absent: none. */
  readonly front?: string;
}

/**
 * All of it as one patch. `named`: the model that the path names once an alias is resolved. Throws a 400 where the body
 * has no place for the prompt.
 */
export function changesOf(
  dialect: Dialect,
  body: StrictJson,
  { prompt, model, parameters }: CustomOrder,
  named?: string,
): SpliceChanges {
  const edits = new Map<string, string | null>();
  // A form gets its model when it is sent; a path's is no member of the body.
  if (model !== null && body.contentType === undefined && (!dialect.inPath || body.spans.has('model')))
    edits.set('model', JSON.stringify(dialect.inPath ? `models/${model}` : model));
  if (parameters.length > 0) {
    const wanted = parameters.map(
      ([name, rule]) => [name, (asked: number | null) => parameterFor(rule, asked)] as const,
    );
    setParameters(body, dialect.seams!.parameters, new Map(wanted), edits);
  }
  const renamed = model === null ? [] : (dialect.seams?.nameModel?.(body, model) ?? []);
  if (prompt === null) return { edits, insertions: renamed };
  const instructed = dialect.seams!.instruct!(body, prompt, named);
  if (!instructed.ok) throw faultError(instructed.error);
  for (const [name, json] of instructed.value.edits) edits.set(name, json);
  return { edits, insertions: [...renamed, ...instructed.value.insertions] };
}

function frontOf(dialect: Dialect, body: StrictJson, front: string, named?: string): SpliceChanges {
  const changes = inFront(dialect.seams, body, front, named);
  if (!changes.ok) throw faultError(changes.error);
  return changes.value;
}

/** Patches a body and reads it again: for the thread that decodes large ones. */
export function customizedBytes(
  bytes: Buffer,
  dialect: Dialect,
  order: CustomOrder,
  outside: OutsideWords | undefined,
): Decoded {
  const parsed = parseStrict(bytes);
  invariant(parsed.ok, 'a body that was read is strict JSON');
  const { value } = parsed;
  const named = outside?.named?.model;
  const changes = order.front ? frontOf(dialect, value, order.front, named) : changesOf(dialect, value, order, named);
  const pieces = splicePieces(value.bytes, value.spans, changes);
  return decodeHere(Buffer.concat(pieces), dialect, outside);
}
