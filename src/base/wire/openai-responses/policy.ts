import { err, ok, type Result } from '#kernel/result.ts';
import type { FieldFault, PolicyView } from '#wire/dialect.ts';
import { booleanOf, countOf, isObject, objectOf, textOf, type JsonObject } from '#wire/json/read.ts';
import type { StrictJson } from '#wire/json/strict.ts';
import { keep, nothingFound, walkAny, walkInput, walkTools, wrong, type Found } from './request-walk.ts';

type Check = (value: unknown) => boolean;
const isText: Check = (value) => typeof value === 'string';
const isFlag: Check = (value) => typeof value === 'boolean';
const isList: Check = (value) => Array.isArray(value);

/** Fields that policy reads, and the type that the provider reads too (openai 7.57.0, ResponseCreateParamsBase). */
const TYPES: readonly (readonly [field: string, check: Check, expected: string])[] = [
  ['model', (value) => isText(value) && value !== '', 'a string that is not empty'],
  ['input', (value) => isText(value) || isList(value), 'a string or an array'],
  ['instructions', isText, 'a string'],
  ['stream', isFlag, 'true or false'],
  ['max_output_tokens', (value) => (countOf(value) ?? 0) > 0, 'a whole number from 1'],
  ['background', isFlag, 'true or false'],
  ['store', isFlag, 'true or false'],
  ['service_tier', isText, 'a string'],
  ['previous_response_id', isText, 'a string'],
  ['conversation', (value) => isText(value) || isText(objectOf(value)['id']), 'an id, or an object with an id'],
  ['prompt', (value) => isText(objectOf(value)['id']), 'an object with an id'],
  ['prompt_cache_key', isText, 'a string'],
  ['prompt_cache_options', isObject, 'an object'],
  ['safety_identifier', isText, 'a string'],
  ['user', isText, 'a string'],
  ['metadata', isObject, 'an object'],
  ['tools', isList, 'an array'],
];

/** Policy view of a Responses request. A null field counts as absent, as OpenAI reads it. */
export function policy(request: StrictJson): Result<PolicyView, FieldFault> {
  const body = request.value;
  for (const [field, check, expected] of TYPES) {
    const value = body[field];
    if (value != null && !check(value)) return err(wrong(field, `\`${field}\` must be ${expected}.`));
  }
  if (body['model'] == null) return err(wrong('model', modelMissing(body)));
  const found = nothingFound();
  walkTop(body, found);
  return found.fault ? err(found.fault) : ok(view(body, found));
}

const modelMissing = (body: JsonObject): string =>
  body['prompt'] == null
    ? '`model` is required.'
    : '`model` is required: what a stored prompt names cannot be read before the call is sent.';

function walkTop(body: JsonObject, found: Found): void {
  keep(found, 'response', body['previous_response_id'], 'previous_response_id');
  const options = objectOf(body['prompt_cache_options']);
  keep(found, 'response', options['comparison_response_id'], 'prompt_cache_options.comparison_response_id');
  keep(found, 'conversation', body['conversation'], 'conversation');
  keep(found, 'conversation', objectOf(body['conversation'])['id'], 'conversation.id');
  const prompt = objectOf(body['prompt']);
  keep(found, 'prompt', prompt['id'], 'prompt.id');
  walkAny(objectOf(prompt['variables']), 'prompt.variables', found);
  walkInput(body['input'], found);
  walkTools(body['tools'], 'tools', found);
}

const view = (body: JsonObject, found: Found): PolicyView => ({
  model: body['model'] as string,
  stream: body['stream'] === true,
  // The terminal event always carries it.
  includeUsage: true,
  maxOutputTokens: countOf(body['max_output_tokens']),
  n: 1,
  serviceTier: textOf(body['service_tier']),
  store: booleanOf(body['store']),
  background: body['background'] === true,
  // vLLM's own field in its ResponsesRequest.
  cacheSalt: body['cache_salt'] != null,
  hostedTools: found.hostedTools,
  endUser: textOf(body['user']) ?? textOf(body['safety_identifier']) ?? textOf(objectOf(body['metadata'])['user_id']),
  sessionHint: textOf(body['prompt_cache_key']) ?? textOf(body['session_id']),
  keptIds: found.keptIds,
  media: { images: found.images, audios: found.audios, files: found.files },
  inputs: 1,
});
