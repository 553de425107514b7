import type { BodyChanges } from '../dialect.ts';
import { parsed } from '../anthropic-messages/parsed.ts';
import { isObject } from '../json/read.ts';
import { splice, spliceNested } from '../json/splice.ts';
import type { StrictJson } from '../json/strict.ts';
import { formIn, integerIn, member, nameOf } from './member.ts';

const CONFIG = nameOf('generationConfig');
const LIMIT = nameOf('maxOutputTokens');

/**
 * Changes a `generateContent` body; every other byte stays. The model stands in the path, so a body is never given
 * one; a `model` that it has is set to the one that is asked.
 */
export function patchBody(request: StrictJson, changes: BodyChanges): Uint8Array {
  const edits = new Map<string, string | null>();
  if (changes.model !== undefined && request.spans.has('model'))
    edits.set('model', JSON.stringify(`models/${changes.model}`));
  if (changes.maxOutputTokens !== undefined) limit(request, changes.maxOutputTokens, edits);
  for (const field of changes.drop ?? []) {
    const form = formIn(request.value, nameOf(field));
    if (form !== null) edits.set(form, null);
  }
  return edits.size === 0 ? request.bytes : splice(request.bytes, request.spans, edits);
}

/** Sets the limit where the caller gave none, in the form in which the caller wrote the object around it. */
function limit(request: StrictJson, tokens: number, edits: Map<string, string | null>): void {
  const form = [CONFIG.camel, CONFIG.snake].find((name) => request.spans.has(name));
  if (form === undefined) return void edits.set(CONFIG.camel, JSON.stringify({ [LIMIT.camel]: tokens }));
  const config = configIn(request, form);
  if (config === null) return void edits.set(form, JSON.stringify({ [LIMIT.camel]: tokens }));
  if (!isObject(config)) return;
  if (integerIn(member(config, LIMIT))) return;
  const inner = new Map([[formIn(config, LIMIT) ?? LIMIT.camel, String(tokens)]]);
  edits.set(form, spliceNested(request.bytes, request.spans.get(form)!, inner));
}

/** A long member of a body that another thread decoded stands in the bytes alone. */
function configIn(request: StrictJson, form: string): unknown {
  if (Object.hasOwn(request.value, form)) return request.value[form];
  const span = request.spans.get(form)!;
  return parsed(request.bytes.toString('utf8', span.start, span.end));
}
