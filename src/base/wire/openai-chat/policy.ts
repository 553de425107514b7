import { err, ok, type Result } from '#kernel/result.ts';
import type { FieldFault, PolicyView } from '#wire/dialect.ts';
import {
  aBoolean,
  aNumber,
  anArray,
  anObject,
  anyOf,
  aPositiveInteger,
  aString,
  type Check,
  fieldFault,
  firstWrong,
  anInteger,
  integerWithin,
  listOfStrings,
  mapOf,
  oneOf,
  shortString,
  wrongField,
} from '#wire/json/checks.ts';
import { booleanOf, countOf, isObject, isUnset, listOf, objectOf, textOf, type JsonObject } from '#wire/json/read.ts';
import type { StrictJson } from '#wire/json/strict.ts';
import { readMessages, type MessageFacts } from './policy-messages.ts';
import { checkTools, hostedTools, toolKeptIds } from './policy-tools.ts';

/** The longest published model ids (fine-tunes, paths of local files) stay below 200. */
export const MAX_MODEL_CHARS = 256;
/** OpenAI's own bound of `n` (API reference, chat). The gate's own, lower one is policy. */
const MAX_N = 128;

/** Types of the fields that OpenAI defines (openai 7.57.0 `ChatCompletionCreateParamsBase`) and of those that we read. */
const CHECKS: ReadonlyMap<string, Check> = new Map<string, Check>([
  ['model', shortString(MAX_MODEL_CHARS)],
  ['messages', anArray],
  ['stream', aBoolean],
  ['stream_options', anObject],
  ['n', integerWithin(1, MAX_N)],
  ['max_tokens', aPositiveInteger],
  ['max_completion_tokens', aPositiveInteger],
  ['temperature', aNumber],
  ['top_p', aNumber],
  ['presence_penalty', aNumber],
  ['frequency_penalty', aNumber],
  ['seed', anInteger],
  ['stop', anyOf(aString, listOfStrings)],
  ['logprobs', aBoolean],
  ['top_logprobs', integerWithin(0, 1_000)],
  ['logit_bias', mapOf(aNumber, 'an object whose values are numbers')],
  ['tools', anArray],
  ['tool_choice', anyOf(aString, anObject)],
  ['parallel_tool_calls', aBoolean],
  ['functions', anArray],
  ['function_call', anyOf(aString, anObject)],
  ['response_format', anObject],
  ['reasoning_effort', aString],
  ['verbosity', aString],
  ['user', aString],
  ['safety_identifier', aString],
  ['prompt_cache_key', aString],
  ['prompt_cache_options', anObject],
  ['prompt_cache_retention', aString],
  ['session_id', aString],
  ['cache_salt', aString],
  ['metadata', anObject],
  ['service_tier', aString],
  ['store', aBoolean],
  ['background', aBoolean],
  ['audio', anObject],
  ['modalities', listOfStrings],
  ['moderation', anObject],
  ['prediction', anObject],
  ['web_search_options', anObject],
  ['top_k', anInteger],
]);

const OPTION_CHECKS: ReadonlyMap<string, Check> = new Map<string, Check>([
  ['include_usage', aBoolean],
  ['include_obfuscation', aBoolean],
]);
const FORMAT_TYPE = oneOf('text', 'json_object', 'json_schema', 'grammar', 'python', 'regex', 'structural_tag');

/** What policy reads of a chat request. A wrong type anywhere that we know is a fault that names the field. */
export function policy(request: StrictJson): Result<PolicyView, FieldFault> {
  const body = request.value;
  const messages = readMessages(body['messages']);
  const wrong = missing(body) ?? firstWrong(body, CHECKS) ?? nestedWrong(body) ?? messages.fault;
  return wrong ? err(wrong) : ok(view(body, messages));
}

function missing(body: JsonObject): FieldFault | null {
  if (isUnset(body['model']))
    return wrongField('model', `a string of 1 to ${MAX_MODEL_CHARS} characters`, body['model']);
  if (!isUnset(body['messages'])) return null;
  if (!isUnset(body['input'])) {
    return fieldFault(
      'messages',
      'This body has the shape of the Responses API (`input`, no `messages`): send it to /v1/responses, or send `messages`.',
    );
  }
  return wrongField('messages', 'an array of at least one message', body['messages']);
}

function nestedWrong(body: JsonObject): FieldFault | null {
  const option = firstWrong(objectOf(body['stream_options']), OPTION_CHECKS, 'stream_options.');
  if (option) return option;
  const format = body['response_format'];
  const right = isObject(format) ? FORMAT_TYPE(format['type']) : null;
  if (right) return wrongField('response_format.type', right, objectOf(format)['type']);
  return checkTools(body);
}

function view(body: JsonObject, messages: MessageFacts): PolicyView {
  const metadata = objectOf(body['metadata']);
  return {
    model: body['model'] as string,
    stream: body['stream'] === true,
    includeUsage: body['stream'] !== true || objectOf(body['stream_options'])['include_usage'] === true,
    maxOutputTokens: countOf(body['max_completion_tokens']) ?? countOf(body['max_tokens']),
    n: countOf(body['n']) ?? 1,
    serviceTier: textOf(body['service_tier']),
    store: booleanOf(body['store']),
    background: body['background'] === true,
    cacheSalt: !isUnset(body['cache_salt']),
    hostedTools: hostedTools(body),
    endUser: textOf(body['user']) ?? textOf(body['safety_identifier']) ?? textOf(metadata['user_id']),
    sessionHint: textOf(body['prompt_cache_key']) ?? textOf(body['session_id']) ?? textOf(metadata['session_id']),
    keptIds: keptIds(body, messages),
    media: messages.media,
    inputs: 1,
  };
}

function keptIds(body: JsonObject, messages: MessageFacts): PolicyView['keptIds'] {
  if (body['tools'] === undefined && body['audio'] === undefined) return messages.keptIds;
  return [...messages.keptIds, ...toolKeptIds(listOf(body['tools'])), ...voiceIds(body)];
}

/** A custom voice belongs to the account that made it. */
function voiceIds(body: JsonObject): PolicyView['keptIds'] {
  const id = textOf(objectOf(objectOf(body['audio'])['voice'])['id']);
  return id === null ? [] : [{ kind: 'voice', id, field: 'audio.voice.id' }];
}
