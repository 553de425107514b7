import type { CanonicalEmbeddings, CanonicalWhole } from '../canonical.ts';
import type { AnswerView } from '../dialect.ts';
import { readFault } from '../google-generate/faults.ts';
import { readUsage } from '../google-generate/usage.ts';
import { isObject, isUnset, listOf, objectOf } from '../json/read.ts';
import { readVector, vectorNumbers } from '../openai-embeddings/vectors.ts';
import type { Usage } from '../usage.ts';

/** Nothing is generated. Some models of Google's state no usage. */
function usageOf(value: unknown): Usage | null {
  const usage = readUsage(objectOf(value)['usageMetadata']);
  return usage && { ...usage, outputTokens: 0 };
}

const embeddingsIn = (value: unknown): readonly unknown[] => {
  const answer = objectOf(value);
  return isObject(answer['embedding']) ? [answer['embedding']] : listOf(answer['embeddings']);
};

/** What the gate needs of an embedding answer; the vectors are not touched. */
export function readAnswer(value: unknown): AnswerView {
  const answer = objectOf(value);
  const isFault =
    !isUnset(answer['error']) || (answer['embedding'] === undefined && answer['embeddings'] === undefined);
  return {
    usage: isFault ? null : usageOf(value),
    finish: null,
    modelReturned: null,
    fingerprint: null,
    serviceTier: null,
    keptIds: [],
    fault: isFault ? readFault(null, value) : null,
  };
}

export const decodeAnswer = (value: unknown): CanonicalEmbeddings => ({
  kind: 'embed',
  model: '',
  vectors: embeddingsIn(value).map((one) => readVector(objectOf(one)['values'])),
  usage: usageOf(value),
});

type Answer = CanonicalWhole;
const valuesOf = (answer: Answer): { readonly values: number[] }[] =>
  answer.kind === 'embed' ? answer.vectors.map((vector) => ({ values: vectorNumbers(vector) })) : [];
const metadataOf = ({ usage }: Answer): object =>
  usage?.inputTokens == null
    ? {}
    : { usageMetadata: { promptTokenCount: usage.inputTokens, totalTokenCount: usage.inputTokens } };

export const encodeOneAnswer = (answer: Answer): object => ({
  embedding: valuesOf(answer)[0] ?? { values: [] },
  ...metadataOf(answer),
});
export const encodeBatchAnswer = (answer: Answer): object => ({ embeddings: valuesOf(answer), ...metadataOf(answer) });
