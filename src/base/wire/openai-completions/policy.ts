import { err, ok, type Result } from '#kernel/result.ts';
import type { FieldFault, PolicyView } from '#wire/dialect.ts';
import {
  aBoolean,
  aNumber,
  anArray,
  anInteger,
  anObject,
  anyOf,
  aString,
  firstWrong,
  integerWithin,
  listOfStrings,
  mapOf,
  wrongField,
  type Check,
} from '#wire/json/checks.ts';
import { booleanOf, countOf, isUnset, objectOf, textOf, type JsonObject } from '#wire/json/read.ts';
import type { StrictJson } from '#wire/json/strict.ts';
import { inputCount } from '#wire/openai-embeddings/policy.ts';
import { firstMissing, MODEL_CHECK, MODEL_WANTED, plainView } from '#wire/pass-through/view.ts';

/** Types of the fields of `CompletionCreateParamsBase` (openai 7.57.0). */
const CHECKS: ReadonlyMap<string, Check> = new Map<string, Check>([
  ['model', MODEL_CHECK],
  ['prompt', anyOf(aString, anArray)],
  ['best_of', integerWithin(1, 20)],
  ['echo', aBoolean],
  ['frequency_penalty', aNumber],
  ['logit_bias', mapOf(aNumber, 'an object whose values are numbers')],
  ['logprobs', integerWithin(0, 1_000)],
  ['max_tokens', anInteger],
  ['n', integerWithin(1, 128)],
  ['presence_penalty', aNumber],
  ['seed', anInteger],
  ['stop', anyOf(aString, listOfStrings)],
  ['stream', aBoolean],
  ['stream_options', anObject],
  ['suffix', aString],
  ['temperature', aNumber],
  ['top_p', aNumber],
  ['user', aString],
  ['safety_identifier', aString],
  ['service_tier', aString],
  ['cache_salt', aString],
  ['metadata', anObject],
]);

const OPTION_CHECKS: ReadonlyMap<string, Check> = new Map<string, Check>([['include_usage', aBoolean]]);

const RIGHT_PROMPT = 'a string, an array of strings, an array of token ids, or an array of arrays of token ids';

/** What policy reads of a legacy completion. Each prompt is answered `n` times, and `best_of` are generated and billed. */
export function policy(request: StrictJson): Result<PolicyView, FieldFault> {
  const body = request.value;
  const wrong =
    firstMissing(body, { model: MODEL_WANTED, prompt: RIGHT_PROMPT }) ??
    firstWrong(body, CHECKS) ??
    firstWrong(objectOf(body['stream_options']), OPTION_CHECKS, 'stream_options.') ??
    promptFault(body['prompt']);
  return wrong ? err(wrong) : ok(view(body));
}

const isTokens = (entry: unknown): boolean =>
  Array.isArray(entry) && entry.length > 0 && entry.every((id) => countOf(id) !== null);

function promptFault(prompt: unknown): FieldFault | null {
  if (!Array.isArray(prompt)) return null;
  if (prompt.length === 0) return wrongField('prompt', RIGHT_PROMPT, prompt);
  const right = [
    (entry: unknown) => typeof entry === 'string',
    (entry: unknown) => countOf(entry) !== null,
    isTokens,
  ].find((rule) => rule(prompt[0]));
  const bad = right ? prompt.findIndex((entry) => !right(entry)) : 0;
  return bad < 0 ? null : wrongField(`prompt[${bad}]`, 'of one kind with the others: texts or token ids', prompt[bad]);
}

function view(body: JsonObject): PolicyView {
  const stream = body['stream'] === true;
  const limit = countOf(body['max_tokens']);
  return {
    ...plainView(body, body['model'] as string),
    stream,
    includeUsage: !stream || objectOf(body['stream_options'])['include_usage'] === true,
    // llama.cpp takes -1 for "no limit": such a call has none.
    maxOutputTokens: limit === 0 ? 1 : limit,
    n: Math.max(countOf(body['n']) ?? 1, countOf(body['best_of']) ?? 1),
    store: booleanOf(body['store']),
    sessionHint: textOf(body['session_id']),
    inputs: isUnset(body['prompt']) ? 1 : inputCount(body['prompt']),
  };
}
