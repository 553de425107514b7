import type { CanonicalEmbeddings } from '#wire/canonical.ts';
import type { AnswerView } from '#wire/dialect.ts';
import { isObject, listOf, objectOf, textOf, type JsonObject, usedOf } from '#wire/json/read.ts';
import { readVector } from '#wire/openai-embeddings/vectors.ts';
import { answerView } from '#wire/pass-through/view.ts';
import { NO_USAGE, type Usage } from '#wire/usage.ts';

/** What Cohere bills (`meta.billed_units`, cohere-ai 8.1.0): tokens of texts, and beside them tokens of images. */
export function usageOf(answer: JsonObject): Usage | null {
  const billed = objectOf(objectOf(answer['meta'])['billed_units']);
  const [texts, images] = [usedOf(billed['input_tokens']), usedOf(billed['image_tokens'])];
  if (texts === null && images === null) return null;
  return { ...NO_USAGE, inputTokens: (texts ?? 0) + (images ?? 0), inputImageTokens: images, outputTokens: 0 };
}

export function readAnswer(value: unknown): AnswerView {
  const answer = objectOf(value);
  const { embeddings } = answer as Record<string, unknown>;
  const right = isObject(embeddings) || Array.isArray(embeddings);
  return answerView(value, right, usageOf(answer), 'list of embeddings');
}

/** Vectors in the order of the texts, from numbers or from base64 of 32-bit floats. */
export function decodeAnswer(value: unknown): CanonicalEmbeddings {
  const answer = objectOf(value);
  const { float, base64 } = objectOf(answer['embeddings']) as Record<string, unknown>;
  const vectors = listOf(float ?? base64).map(readVector);
  return { kind: 'embed', model: textOf(answer['model']) ?? '', vectors, usage: usageOf(answer) };
}
