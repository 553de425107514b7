import { err, ok, type Result } from '#kernel/result.ts';
import { newDecoding } from '../anthropic-messages/decoding.ts';
import type { CanonicalAnswer, CanonicalCall, CanonicalWhole, GenerateCall } from '../canonical.ts';
import type { AnswerView, BodyChanges, Dialect, EncodedCall, FieldFault, PathFacts, PolicyView } from '../dialect.ts';
import { decodeBody } from '../google-generate/decode-call.ts';
import { newFound } from '../google-generate/found.ts';
import { googleGenerate } from '../google-generate/index.ts';
import { member, nameOf, twice } from '../google-generate/member.ts';
import { checkModel, readGenerate } from '../google-generate/policy.ts';
import { isObject, objectOf, type JsonObject, usedOf } from '../json/read.ts';
import { splice, spliceNested } from '../json/splice.ts';
import type { StrictJson } from '../json/strict.ts';
import { seams } from './seams.ts';
import { NO_USAGE, type Usage } from '../usage.ts';

const REQUEST = nameOf('generateContentRequest');
const MODEL = nameOf('model');

/** What is counted: contents alone, or a whole call in `generateContentRequest`. */
function counted(body: JsonObject): JsonObject {
  const whole = member(body, REQUEST);
  return isObject(whole) ? whole : body;
}

function policy(request: StrictJson, path?: PathFacts): Result<PolicyView, FieldFault> {
  const found = newFound();
  found.fault = twice(request.value, REQUEST);
  const inner = counted(request.value);
  if (inner !== request.value) checkModel(found, inner, path, 'generateContentRequest.model');
  const view = readGenerate(found, inner, path);
  return found.fault ? err(found.fault) : ok({ ...view, stream: false });
}

/** The model within the counted call must be that of the path. */
function patch(request: StrictJson, { maxOutputTokens: _, ...changes }: BodyChanges): Uint8Array {
  const form = [REQUEST.camel, REQUEST.snake].find((name) => request.spans.has(name));
  if (form === undefined || changes.model === undefined) return googleGenerate.patch(request, changes);
  const span = request.spans.get(form)!;
  const inner = new Map([[MODEL.camel, JSON.stringify(`models/${changes.model}`)]]);
  const whole = request.bytes[span.start] === OPEN ? spliceNested(request.bytes, span, inner) : null;
  return whole === null ? request.bytes : splice(request.bytes, request.spans, new Map([[form, whole]]));
}
const OPEN = 0x7b;

function decodeCall(request: StrictJson, path?: PathFacts): Result<GenerateCall, FieldFault> {
  const to = newDecoding();
  const call = decodeBody(to, counted(request.value), path);
  return to.fault ? err(to.fault) : ok(call);
}

/** Everything that the model would read; how it answers is not counted. */
function encodeCall(call: CanonicalCall): EncodedCall {
  const { value, unsupported } = googleGenerate.encodeCall(call);
  const { contents, systemInstruction, tools } = value;
  if (!systemInstruction && !tools) return { value: { contents }, unsupported };
  const whole = { model: `models/${call.model}`, contents, systemInstruction, tools };
  return { value: { [REQUEST.camel]: whole }, unsupported };
}

function usageOf(value: unknown): Usage | null {
  const inputTokens = usedOf(objectOf(value)['totalTokens']);
  return inputTokens === null
    ? null
    : { ...NO_USAGE, inputTokens, cachedReadTokens: usedOf(objectOf(value)['cachedContentTokenCount']) };
}

const readAnswer = (value: unknown): AnswerView => ({ ...googleGenerate.readAnswer(value), usage: usageOf(value) });

const decodeAnswer = (value: unknown): CanonicalAnswer => ({
  kind: 'generate',
  id: '',
  model: '',
  createdS: null,
  choices: [],
  usage: usageOf(value),
  serviceTier: null,
  fingerprint: null,
});

const encodeAnswer = ({ usage }: CanonicalWhole): object => ({
  totalTokens: usage?.inputTokens ?? 0,
  ...(usage?.cachedReadTokens != null && { cachedContentTokenCount: usage.cachedReadTokens }),
});

/** Google's `countTokens`. It never streams and is free; errors are those of `generateContent`. */
export const googleCount: Dialect = {
  ...googleGenerate,
  name: 'google-count',
  patchesDeep: true,
  kind: 'count',
  policy,
  patch,
  seams,
  decodeCall,
  encodeCall,
  readAnswer,
  decodeAnswer,
  encodeAnswer,
};
