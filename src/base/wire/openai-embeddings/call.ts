import { invariant } from '#kernel/invariant.ts';
import { err, ok, type Result } from '#kernel/result.ts';
import type { CanonicalCall, EmbedCall, Extra } from '#wire/canonical.ts';
import type { BodyChanges, EncodedCall, FieldFault } from '#wire/dialect.ts';
import { oneOf, wrongField } from '#wire/json/checks.ts';
import { countOf, isUnset, textOf, type JsonObject } from '#wire/json/read.ts';
import { splice } from '#wire/json/splice.ts';
import type { StrictJson } from '#wire/json/strict.ts';
import { roundedField } from '#wire/openai-chat/decode-call.ts';
import { FOREIGN_HINTS } from './fields.ts';
import { policy } from './policy.ts';

const PLACED: ReadonlySet<string> = new Set(['input', 'model', 'dimensions', 'encoding_format', 'user', 'stream']);
const ENCODING = oneOf('float', 'base64');

/** An embedding request as canonical call. */
export function decodeCall(request: StrictJson): Result<EmbedCall, FieldFault> {
  const checked = policy(request);
  if (!checked.ok) return checked;
  const encoding = request.value['encoding_format'];
  const right = isUnset(encoding) ? null : ENCODING(encoding);
  const fault = right === null ? roundedField(request) : wrongField('encoding_format', right, encoding);
  return fault ? err(fault) : ok(callOf(request.value));
}

function callOf(body: JsonObject): EmbedCall {
  return {
    kind: 'embed',
    model: body['model'] as string,
    inputs: inputsOf(body['input']),
    dimensions: countOf(body['dimensions']),
    encoding: body['encoding_format'] === 'base64' ? 'base64' : 'float',
    endUser: textOf(body['user']),
    extras: Object.entries(body)
      .filter(([field, value]) => !PLACED.has(field) && !isUnset(value))
      .map(([field, value]): Extra => ({ field, value, class: FOREIGN_HINTS.has(field) ? 'hint' : 'meaning' })),
  };
}

/** One text or one list of token ids is one input. */
function inputsOf(input: unknown): EmbedCall['inputs'] {
  if (typeof input === 'string') return [input];
  const list = input as readonly (string | number | readonly number[])[];
  return typeof list[0] === 'number' ? [list as readonly number[]] : (list as EmbedCall['inputs']);
}

/** The call as an embedding request: always a list, so that one input and many read alike. */
export function encodeCall(call: CanonicalCall): EncodedCall {
  invariant(call.kind === 'embed', 'an embedding request carries an embed call');
  const fields = {
    model: call.model,
    input: call.inputs,
    dimensions: call.dimensions,
    encoding_format: call.encoding,
    user: call.endUser,
  };
  return {
    value: Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null)),
    unsupported: call.extras.map((extra) => ({ field: extra.field, class: extra.class })),
  };
}

/** The body with another model, or without the fields that the target refuses; embeddings know no other change. */
export function patch(request: StrictJson, changes: BodyChanges): Buffer {
  const edits = new Map<string, string | null>();
  if (changes.model !== undefined && changes.model !== request.value['model']) {
    edits.set('model', JSON.stringify(changes.model));
  }
  for (const field of changes.drop ?? []) if (Object.hasOwn(request.value, field)) edits.set(field, null);
  return splice(request.bytes, request.spans, edits);
}
