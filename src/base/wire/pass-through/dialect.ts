import { err } from '#kernel/result.ts';
import type { BodyChanges, Dialect } from '#wire/dialect.ts';
import { fieldFault } from '#wire/json/checks.ts';
import { splice } from '#wire/json/splice.ts';
import type { StrictJson } from '#wire/json/strict.ts';
import { NOTHING } from '#wire/nothing.ts';
import { encodeFault, readFault, streamFault } from '#wire/openai-chat/faults.ts';

/** The JSON body with another model, or without the fields that the target refuses; no other change is known. */
export function patchJson(request: StrictJson, changes: BodyChanges): Buffer {
  const edits = new Map<string, string | null>();
  if (changes.model !== undefined && changes.model !== request.value['model']) {
    edits.set('model', JSON.stringify(changes.model));
  }
  for (const field of changes.drop ?? []) if (Object.hasOwn(request.value, field)) edits.set(field, null);
  return splice(request.bytes, request.spans, edits);
}

const NO_FORM = 'This endpoint has no form in another dialect.';

type Own = Pick<Dialect, 'name' | 'kind' | 'policy' | 'readAnswer'> & Partial<Dialect>;

/**
 * A dialect that is metered and passed on as it is: it is spoken to a provider that knows it and never translated.
 * Bodies are JSON and errors are OpenAI's unless `own` says otherwise.
 */
export const passThrough = (own: Own): Dialect => ({
  patch: patchJson,
  decodeCall: () => err({ ...fieldFault('model', NO_FORM), code: 'unsupported_field' }),
  encodeCall: () => ({ value: {}, unsupported: [{ field: 'model', class: 'meaning' }] }),
  decodeAnswer: () => ({ kind: 'embed', model: '', vectors: [], usage: null }),
  encodeAnswer: () => ({}),
  streamReader: () => ({ read: () => NOTHING }),
  streamDecoder: () => ({ push: () => [] }),
  streamEncoder: () => ({ push: () => '' }),
  readFault,
  encodeFault,
  streamFault,
  ...own,
});
