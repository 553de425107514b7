import { invariant } from '#kernel/invariant.ts';
import type { CanonicalEmbeddings, CanonicalWhole } from '#wire/canonical.ts';
import type { AnswerContext, AnswerView } from '#wire/dialect.ts';
import { countOf, isObject, isUnset, listOf, objectOf, textOf, type JsonObject, usedOf } from '#wire/json/read.ts';
import { readFault } from '#wire/openai-chat/faults.ts';
import { readUsage } from '#wire/openai-chat/usage.ts';
import type { Usage } from '#wire/usage.ts';
import { readVector, vectorBase64, vectorNumbers } from './vectors.ts';

/** Usage of an embedding answer. A total that equals the input says that nothing was generated. */
function usageOf(answer: JsonObject): Usage | null {
  const usage = readUsage(answer);
  if (!usage) return null;
  const total = usedOf(objectOf(answer['usage'])['total_tokens']);
  // TEI and Voyage state the total alone.
  const inputTokens = usage.inputTokens ?? total;
  return {
    ...usage,
    inputTokens,
    outputTokens: usage.outputTokens ?? (total !== null && total === inputTokens ? 0 : null),
  };
}

/** What the gate needs of an embedding answer; the vectors are not touched. */
export function readAnswer(value: unknown): AnswerView {
  const answer = objectOf(value);
  const fault = faultOf(value);
  return {
    usage: fault ? null : usageOf(answer),
    finish: null,
    modelReturned: textOf(answer['model']),
    fingerprint: textOf(answer['system_fingerprint']),
    serviceTier: textOf(answer['service_tier']),
    keptIds: [],
    fault,
  };
}

function faultOf(value: unknown): AnswerView['fault'] {
  if (isObject(value) && !isUnset(value['error'])) return readFault(null, value);
  if (isObject(value) && Array.isArray(value['data'])) return null;
  const message = 'The provider answered with something that is no list of embeddings.';
  return { type: 'server', status: null, message, code: null, field: null };
}

/** Vectors in the order of the inputs, whatever order they came in. */
export function decodeAnswer(value: unknown): CanonicalEmbeddings {
  const answer = objectOf(value);
  const items = listOf(answer['data']).map((item, place) => {
    const { index, embedding } = objectOf(item) as Record<string, unknown>;
    return { index: countOf(index) ?? place, vector: readVector(embedding) };
  });
  items.sort((a, b) => a.index - b.index);
  return {
    kind: 'embed',
    model: textOf(answer['model']) ?? '',
    vectors: items.map((item) => item.vector),
    usage: usageOf(answer),
  };
}

/** The answer as `CreateEmbeddingResponse` of the SDK asks for it, in the encoding that the client wants. */
export function encodeAnswer(answer: CanonicalWhole, context: AnswerContext): object {
  invariant(answer.kind === 'embed', 'an embedding answer carries vectors');
  const encode = context.encoding === 'base64' ? vectorBase64 : vectorNumbers;
  const tokens = answer.usage?.inputTokens ?? 0;
  return {
    object: 'list',
    data: answer.vectors.map((vector, index) => ({ object: 'embedding', index, embedding: encode(vector) })),
    model: answer.model || context.modelAsked,
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  };
}
