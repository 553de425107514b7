import type { BodyChanges } from '#wire/dialect.ts';
import { isObject, isUnset } from '#wire/json/read.ts';
import { splice, spliceNested } from '#wire/json/splice.ts';
import type { StrictJson } from '#wire/json/strict.ts';

/** The body with the gate's own changes and no other byte different. The very same bytes where nothing changes. */
export function patch(request: StrictJson, changes: BodyChanges): Buffer {
  const edits = new Map<string, string | null>();
  if (changes.model !== undefined && changes.model !== request.value['model']) {
    edits.set('model', JSON.stringify(changes.model));
  }
  if (changes.includeUsage) askForUsage(request, edits);
  if (changes.maxOutputTokens !== undefined && !limited(request)) {
    edits.set(changes.maxOutputTokensField ?? 'max_completion_tokens', String(changes.maxOutputTokens));
  }
  if (changes.maxOutputTokensField === 'max_tokens') renameLimit(request, edits);
  for (const field of changes.drop ?? []) {
    if (Object.hasOwn(request.value, field)) edits.set(field, null);
    else edits.delete(field);
  }
  for (const [field, json] of Object.entries(changes.set ?? {})) edits.set(field, json);
  return splice(request.bytes, request.spans, edits);
}

const limited = ({ value }: StrictJson): boolean =>
  !isUnset(value['max_completion_tokens']) || !isUnset(value['max_tokens']);

/** A provider that knows `max_tokens` alone gets the limit under that name (Mistral answers 422 to the newer one). */
function renameLimit(request: StrictJson, edits: Map<string, string | null>): void {
  const span = request.spans.get('max_completion_tokens');
  if (!span) return;
  edits.set('max_completion_tokens', null);
  if (isUnset(request.value['max_tokens']))
    edits.set('max_tokens', request.bytes.toString('utf8', span.start, span.end));
}

/** `stream_options` is refused by OpenAI where `stream` is not true. */
export function askForUsage(request: StrictJson, edits: Map<string, string | null>): void {
  const options = request.value['stream_options'];
  if (request.value['stream'] !== true) return;
  if (!isObject(options)) edits.set('stream_options', '{"include_usage":true}');
  else if (options['include_usage'] !== true) {
    const span = request.spans.get('stream_options')!;
    edits.set('stream_options', spliceNested(request.bytes, span, new Map([['include_usage', 'true']])));
  }
}
