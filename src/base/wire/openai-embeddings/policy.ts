import { err, ok, type Result } from '#kernel/result.ts';
import type { FieldFault, PolicyView } from '#wire/dialect.ts';
import {
  aBoolean,
  anObject,
  aPositiveInteger,
  aString,
  type Check,
  fieldFault,
  firstWrong,
  shortString,
  wrongField,
} from '#wire/json/checks.ts';
import { isUnset, objectOf, textOf, type JsonObject } from '#wire/json/read.ts';
import type { StrictJson } from '#wire/json/strict.ts';
import { MAX_MODEL_CHARS } from '#wire/openai-chat/policy.ts';

/** Types of the fields of `EmbeddingCreateParams` (openai 7.57.0) and of those that policy reads. */
const CHECKS: ReadonlyMap<string, Check> = new Map<string, Check>([
  ['model', shortString(MAX_MODEL_CHARS)],
  ['dimensions', aPositiveInteger],
  // Other providers know more encodings (`int8`, `binary`); their bytes pass, a translation refuses them.
  ['encoding_format', aString],
  ['user', aString],
  ['safety_identifier', aString],
  ['service_tier', aString],
  ['cache_salt', aString],
  ['metadata', anObject],
  ['stream', aBoolean],
]);

const RIGHT_INPUT = 'a string, an array of strings, an array of token ids, or an array of arrays of token ids';

/** What policy reads of an embedding request. */
export function policy(request: StrictJson): Result<PolicyView, FieldFault> {
  const body = request.value;
  const wrong = missing(body) ?? firstWrong(body, CHECKS) ?? noStream(body) ?? inputFault(body['input']);
  return wrong ? err(wrong) : ok(view(body));
}

function missing(body: JsonObject): FieldFault | null {
  if (isUnset(body['model']))
    return wrongField('model', `a string of 1 to ${MAX_MODEL_CHARS} characters`, body['model']);
  return isUnset(body['input']) ? wrongField('input', RIGHT_INPUT, body['input']) : null;
}

const noStream = (body: JsonObject): FieldFault | null =>
  body['stream'] === true ? fieldFault('stream', '`stream` must be absent: embeddings have no stream.') : null;

const isToken = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;

/** Names the first entry that differs in kind from the first, or that is empty. */
function inputFault(input: unknown): FieldFault | null {
  if (typeof input === 'string') return input === '' ? wrongField('input', 'a string that is not empty', input) : null;
  if (!Array.isArray(input) || input.length === 0) return wrongField('input', RIGHT_INPUT, input);
  const [right, what] = entryRule(input[0]);
  const bad = input.findIndex((entry) => !right(entry));
  return bad < 0 ? null : wrongField(`input[${bad}]`, what, input[bad]);
}

function entryRule(first: unknown): readonly [(entry: unknown) => boolean, string] {
  if (isToken(first)) return [isToken, 'a token id as the entries before it'];
  if (Array.isArray(first)) return [isTokenList, 'a non-empty array of token ids'];
  return [(entry) => typeof entry === 'string' && entry !== '', 'a string that is not empty, or token ids'];
}

const isTokenList = (value: unknown): boolean => Array.isArray(value) && value.length > 0 && value.every(isToken);

/** How many vectors the input asks for. */
export const inputCount = (input: unknown): number => (Array.isArray(input) && !isToken(input[0]) ? input.length : 1);

const view = (body: JsonObject): PolicyView => ({
  model: body['model'] as string,
  stream: false,
  includeUsage: true,
  maxOutputTokens: null,
  n: 1,
  serviceTier: textOf(body['service_tier']),
  store: null,
  background: false,
  cacheSalt: !isUnset(body['cache_salt']),
  hostedTools: [],
  endUser: textOf(body['user']) ?? textOf(body['safety_identifier']) ?? textOf(objectOf(body['metadata'])['user_id']),
  sessionHint: null,
  keptIds: [],
  media: { images: 0, audios: 0, files: 0 },
  inputs: inputCount(body['input']),
});
