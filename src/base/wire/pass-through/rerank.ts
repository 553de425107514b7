import { err, ok, type Result } from '#kernel/result.ts';
import type { Dialect, FieldFault, PolicyView } from '#wire/dialect.ts';
import {
  anArray,
  anObject,
  anyOf,
  aPositiveInteger,
  aString,
  firstWrong,
  wrongField,
  type Check,
} from '#wire/json/checks.ts';
import { isUnset, listOf, objectOf, textOf, type JsonObject, usedOf } from '#wire/json/read.ts';
import type { StrictJson } from '#wire/json/strict.ts';
import { NO_UNITS, NO_USAGE, type Usage } from '#wire/usage.ts';
import { passThrough } from './dialect.ts';
import {
  decodeRankCall,
  decodeTeiAnswer,
  decodeVoyageAnswer,
  encodeRanking,
  encodeTeiCall,
  encodeVoyageCall,
} from './rank-call.ts';
import { answerView, firstMissing, MODEL_CHECK, MODEL_WANTED, plainView } from './view.ts';

/**
 * Types of the fields that policy and metering read: Cohere (cohere-ai 8.1.0 `V2RerankRequest`), Jina, Voyage (voyageai
 * 0.4.0 `RerankRequest`, which says `top_k`), Together, vLLM. A query and a document may be an object (Jina's images).
 */
const CHECKS: ReadonlyMap<string, Check> = new Map<string, Check>([
  ['model', MODEL_CHECK],
  ['query', anyOf(aString, anObject)],
  ['documents', anArray],
  ['top_n', aPositiveInteger],
  ['top_k', aPositiveInteger],
]);

/** Cohere: one query with up to 100 documents is a search unit, and a document of over 500 tokens counts as several. */
const DOCUMENTS_A_UNIT = 100;
const TOKENS_A_DOCUMENT = 500;

function policy(request: StrictJson): Result<PolicyView, FieldFault> {
  const body = request.value;
  const wanted = { model: MODEL_WANTED, query: 'a string', documents: 'an array of at least one document' };
  const wrong = firstMissing(body, wanted) ?? firstWrong(body, CHECKS);
  if (wrong) return err(wrong);
  const documents = listOf(body['documents']);
  const bad = documents.findIndex((one) => aString(one) !== null && anObject(one) !== null);
  if (documents.length === 0) return err(wrongField('documents', wanted.documents, body['documents']));
  if (bad >= 0) return err(wrongField(`documents[${bad}]`, 'a string or an object', documents[bad]));
  return ok(view(request, documents));
}

function view({ bytes, value }: StrictJson, documents: readonly unknown[]): PolicyView {
  const queryBytes = sizeOf(value['query']);
  // A token is never shorter than a byte: no document counts more often.
  const counted = documents.reduce<number>(
    (sum, one) => sum + Math.max(1, Math.ceil((sizeOf(one) + queryBytes) / TOKENS_A_DOCUMENT)),
    0,
  );
  return {
    ...plainView(value, value['model'] as string),
    maxOutputTokens: 0,
    inputs: documents.length,
    asked: {
      units: null,
      most: { searchUnit: Math.ceil(counted / DOCUMENTS_A_UNIT) },
      // Some count the query once for each document.
      textBytes: bytes.length + queryBytes * (documents.length - 1),
      mediaTokens: 0,
    },
  };
}

const sizeOf = (part: unknown): number =>
  Buffer.byteLength(typeof part === 'string' ? part : (textOf(objectOf(part)['text']) ?? JSON.stringify(part)));

/** Cohere states search units, all others tokens, some of them the total alone. Nothing is generated. */
export function rerankUsage(answer: JsonObject): Usage | null {
  const billed = objectOf(objectOf(answer['meta'])['billed_units']);
  const usage = objectOf(answer['usage']);
  const searchUnit = usedOf(billed['search_units']);
  const inputTokens =
    usedOf(usage['total_tokens']) ??
    usedOf(usage['prompt_tokens']) ??
    usedOf(billed['total_tokens']) ??
    usedOf(billed['input_tokens']);
  if (searchUnit === null && inputTokens === null) return null;
  return {
    ...NO_USAGE,
    inputTokens,
    outputTokens: inputTokens === null ? null : 0,
    units: searchUnit === null ? NO_UNITS : { searchUnit },
  };
}

/** Ranking of documents by a query, in the shape of the provider: `results` (Cohere and most) or `data` (Voyage). */
export const rerank = passThrough({
  name: 'rerank',
  kind: 'rerank',
  policy,
  decodeCall: decodeRankCall,
  encodeAnswer: encodeRanking,
  readAnswer: (value) => {
    // SGLang and Text Embeddings Inference answer with the bare list.
    if (Array.isArray(value)) return answerView({}, isRanking(value), null, 'ranking');
    const answer = objectOf(value);
    const ranked = answer['results'] ?? answer['data'];
    return answerView(value, isRanking(ranked), rerankUsage(answer), 'ranking');
  },
});

/** The same, from a path that only Cohere's clients call: what comes back must have Cohere's shape, whoever served it. */
export const cohereRerank: Dialect = { ...rerank, name: 'cohere-rerank' };

/** Voyage, as callers of Cohere's path reach it. */
export const voyageRerank = passThrough({
  name: 'voyage-rerank',
  kind: 'rerank',
  policy,
  encodeCall: encodeVoyageCall,
  readAnswer: rerank.readAnswer,
  decodeAnswer: decodeVoyageAnswer,
});

/** Text Embeddings Inference, reached by translation alone. */
export const teiRerank = passThrough({
  name: 'tei-rerank',
  kind: 'rerank',
  policy,
  encodeCall: encodeTeiCall,
  readAnswer: rerank.readAnswer,
  decodeAnswer: decodeTeiAnswer,
});

function isRanking(value: unknown): boolean {
  return Array.isArray(value) && value.every((one) => !isUnset(objectOf(one)['index']));
}
