import type { BodyChanges } from '../dialect.ts';
import { splice, spliceNested } from '../json/splice.ts';
import type { StrictJson } from '../json/strict.ts';
import { isObject } from '../json/read.ts';

/** Changes a body of this dialect; every other byte stays. */
export function patchBody(request: StrictJson, changes: BodyChanges): Uint8Array {
  const edits = new Map<string, string | null>();
  if (changes.model !== undefined) edits.set('model', JSON.stringify(changes.model));
  const limit = changes.maxOutputTokens;
  if (limit !== undefined) setLimit(request, limit, edits);
  for (const [field, json] of Object.entries(changes.set ?? {})) edits.set(field, json);
  // What the path says is in the body for the gate alone.
  for (const field of changes.drop ?? []) {
    if (request.spans.has(field)) edits.set(field, null);
    else edits.delete(field);
  }
  return splice(request.bytes, request.spans, edits);
}

function setLimit(request: StrictJson, limit: number, edits: Map<string, string | null>): void {
  const config = request.value['inferenceConfig'];
  const span = request.spans.get('inferenceConfig');
  if (!span || !isObject(config)) edits.set('inferenceConfig', JSON.stringify({ maxTokens: limit }));
  else if (config['maxTokens'] === undefined)
    edits.set('inferenceConfig', spliceNested(request.bytes, span, new Map([['maxTokens', String(limit)]])));
}
