import type { BodyChanges } from '../dialect.ts';
import { splice } from '../json/splice.ts';
import type { StrictJson } from '../json/strict.ts';

/** Changes a body of this dialect; every other byte stays. Usage is always sent, so `includeUsage` asks nothing. */
export function patchBody(request: StrictJson, changes: BodyChanges): Uint8Array {
  const edits = new Map<string, string | null>();
  if (changes.model !== undefined) edits.set('model', JSON.stringify(changes.model));
  if (changes.maxOutputTokens !== undefined && !request.spans.has('max_tokens')) {
    edits.set('max_tokens', String(changes.maxOutputTokens));
  }
  for (const [field, json] of Object.entries(changes.set ?? {})) edits.set(field, json);
  for (const field of changes.drop ?? []) if (request.spans.has(field)) edits.set(field, null);
  return splice(request.bytes, request.spans, edits);
}
