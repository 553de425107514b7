import { err, ok, type Result } from '#kernel/result.ts';
import type { FieldFault, PolicyView } from '#wire/dialect.ts';
import { anArray, aString, firstWrong, type Check } from '#wire/json/checks.ts';
import { listOf, objectOf } from '#wire/json/read.ts';
import type { StrictJson } from '#wire/json/strict.ts';
import { passThrough } from './dialect.ts';
import { rerankUsage } from './rerank.ts';
import { answerView, firstMissing, MODEL_CHECK, MODEL_WANTED, plainView } from './view.ts';

const CHECKS: ReadonlyMap<string, Check> = new Map<string, Check>([
  ['model', MODEL_CHECK],
  ['inputs', anArray],
  ['input_type', aString],
  ['output_dtype', aString],
]);

function policy(request: StrictJson): Result<PolicyView, FieldFault> {
  const body = request.value;
  const wrong = firstMissing(body, { model: MODEL_WANTED, inputs: 'an array' }) ?? firstWrong(body, CHECKS);
  if (wrong) return err(wrong);
  const inputs = listOf(body['inputs']).reduce<number>((sum, one) => sum + (Array.isArray(one) ? one.length : 1), 0);
  return ok({ ...plainView(body, body['model'] as string), maxOutputTokens: 0, inputs });
}

/** Voyage's contextualized chunk embeddings (voyageai 0.4.0): chunks of documents, each embedded beside its neighbours. */
export const voyageContextual = passThrough({
  name: 'voyage-contextual',
  kind: 'embed',
  policy,
  readAnswer: (value) => {
    const answer = objectOf(value);
    return answerView(value, Array.isArray(answer['data']), rerankUsage(answer), 'list of embeddings');
  },
});
