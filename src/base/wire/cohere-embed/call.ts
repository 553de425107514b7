import { invariant } from '#kernel/invariant.ts';
import { err, ok, type Result } from '#kernel/result.ts';
import type { CanonicalCall, EmbedCall } from '#wire/canonical.ts';
import type { EncodedCall, FieldFault, PolicyView, Unsupported } from '#wire/dialect.ts';
import {
  anArray,
  aPositiveInteger,
  aString,
  fieldFault,
  firstWrong,
  listOfStrings,
  type Check,
} from '#wire/json/checks.ts';
import { isUnset, listOf } from '#wire/json/read.ts';
import type { StrictJson } from '#wire/json/strict.ts';
import { firstMissing, MODEL_CHECK, MODEL_WANTED, plainView } from '#wire/pass-through/view.ts';

/** Types of the fields of `V2EmbedRequest` (cohere-ai 8.1.0). */
const CHECKS: ReadonlyMap<string, Check> = new Map<string, Check>([
  ['model', MODEL_CHECK],
  ['input_type', aString],
  ['texts', listOfStrings],
  ['images', listOfStrings],
  ['inputs', anArray],
  ['embedding_types', listOfStrings],
  ['output_dimension', aPositiveInteger],
  ['max_tokens', aPositiveInteger],
  ['truncate', aString],
]);

/** What policy reads of an embed request in Cohere's own form. */
export function policy(request: StrictJson): Result<PolicyView, FieldFault> {
  const body = request.value;
  const wrong = firstMissing(body, { model: MODEL_WANTED }) ?? firstWrong(body, CHECKS);
  if (wrong) return err(wrong);
  const [texts, images, inputs] = [listOf(body['texts']), listOf(body['images']), listOf(body['inputs'])];
  if (texts.length + images.length + inputs.length === 0)
    return err(fieldFault('texts', 'One of `texts`, `images` and `inputs` must hold something.'));
  const view = plainView(body, body['model'] as string);
  return ok({
    ...view,
    media: { ...view.media, images: images.length },
    inputs: texts.length + images.length + inputs.length,
  });
}

/** Fields of OpenAI's callers that Cohere has under the same name; a caller sends them by `extra_body`. */
const SHARED: ReadonlySet<string> = new Set(['input_type', 'truncate', 'max_tokens', 'priority']);

/** What a text is embedded for where the caller does not say: Cohere insists on a word. */
const USUAL_INPUT_TYPE = 'search_document';

/** An embedding call of another dialect in Cohere's form. Vectors are asked for as numbers, whatever the caller wants. */
export function encodeCall(call: CanonicalCall): EncodedCall {
  invariant(call.kind === 'embed', 'an embed request carries an embed call');
  const shared = call.extras
    .filter(({ field }) => SHARED.has(field))
    .map(({ field, value }) => [field, value] as const);
  return {
    value: {
      model: call.model,
      input_type: USUAL_INPUT_TYPE,
      texts: call.inputs.filter((input) => typeof input === 'string'),
      embedding_types: ['float'],
      ...(call.dimensions !== null && { output_dimension: call.dimensions }),
      ...Object.fromEntries(shared),
    },
    unsupported: unsupportedOf(call),
  };
}

function unsupportedOf(call: EmbedCall): Unsupported[] {
  const out: Unsupported[] = [];
  // Token ids are of another vocabulary.
  if (call.inputs.some((input) => typeof input !== 'string')) out.push({ field: 'input', class: 'meaning' });
  if (!isUnset(call.endUser)) out.push({ field: 'user', class: 'hint' });
  return out;
}
