import type { BodyChanges } from '#wire/dialect.ts';
import { splice } from '#wire/json/splice.ts';
import type { StrictJson } from '#wire/json/strict.ts';

/** Same dialect: only the named fields change. Usage needs no asking, since the terminal event carries it. */
export function patch(request: StrictJson, changes: BodyChanges): Uint8Array {
  const edits = new Map<string, string | null>();
  for (const field of changes.drop ?? []) edits.set(field, null);
  if (changes.model !== undefined) edits.set('model', JSON.stringify(changes.model));
  if (changes.maxOutputTokens !== undefined && request.value['max_output_tokens'] == null) {
    edits.set('max_output_tokens', String(changes.maxOutputTokens));
  }
  for (const [field, json] of Object.entries(changes.set ?? {})) edits.set(field, json);
  return splice(request.bytes, request.spans, edits);
}
