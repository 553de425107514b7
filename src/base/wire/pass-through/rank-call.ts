import { invariant } from '#kernel/invariant.ts';
import { ok, type Result } from '#kernel/result.ts';
import type { CanonicalCall, CanonicalRanking, CanonicalWhole, Extra, RankCall } from '#wire/canonical.ts';
import type { AnswerContext, EncodedCall, FieldFault } from '#wire/dialect.ts';
import { countOf, isUnset, listOf, numberOf, objectOf, textOf, type JsonObject } from '#wire/json/read.ts';
import type { StrictJson } from '#wire/json/strict.ts';

const PLACED: ReadonlySet<string> = new Set(['model', 'query', 'documents', 'top_n', 'top_k', 'return_documents']);
/** Fields that leave the ranking as it is. */
const HINTS: ReadonlySet<string> = new Set(['priority', 'user', 'request_id']);

/** How many documents a request asks for; null: all. */
export const topOf = (body: JsonObject): number | null => countOf(body['top_n']) ?? countOf(body['top_k']);

/** A rerank request whose query and documents are texts; what is none of them is told as a field of its own. */
export function decodeRankCall({ value: body }: StrictJson): Result<RankCall, FieldFault> {
  const documents = listOf(body['documents']);
  const texts = documents.map((one) => textOf(one) ?? textOf(objectOf(one)['text']));
  const odd = texts.findIndex((text) => text === null);
  const extras = Object.entries(body)
    .filter(([field, value]) => !PLACED.has(field) && !isUnset(value))
    .map(([field, value]): Extra => ({ field, value, class: HINTS.has(field) ? 'hint' : 'meaning' }));
  if (odd >= 0) extras.push({ field: `documents[${odd}]`, value: documents[odd], class: 'meaning' });
  const query = textOf(body['query']);
  if (query === null) extras.push({ field: 'query', value: body['query'], class: 'meaning' });
  return ok({
    kind: 'rank',
    model: body['model'] as string,
    query: query ?? '',
    documents: texts.map((text) => text ?? ''),
    top: topOf(body),
    returnDocuments: body['return_documents'] === true,
    extras,
  });
}

/** Voyage: `top_k` where others say `top_n` (voyageai 0.4.0 `RerankRequest`). */
export function encodeVoyageCall(call: CanonicalCall): EncodedCall {
  invariant(call.kind === 'rank', 'a rerank request carries a call to rank');
  const { model, query, documents, top, returnDocuments } = call;
  const asked = { ...(top !== null && { top_k: top }), ...(returnDocuments && { return_documents: true }) };
  return { value: { model, query, documents, ...asked }, unsupported: [] };
}

/** Its `data`, in which a document is its text. */
export function decodeVoyageAnswer(value: unknown): CanonicalRanking {
  const answer = objectOf(value);
  return {
    kind: 'rank',
    model: textOf(answer['model']) ?? '',
    results: listOf(answer['data']).map((one, place) => {
      const { index, relevance_score, document } = objectOf(one) as Record<string, unknown>;
      return { index: countOf(index) ?? place, score: numberOf(relevance_score) ?? 0, text: textOf(document) };
    }),
    usage: null,
  };
}

/** Text Embeddings Inference: `texts`, and no way to ask for fewer than all. */
export function encodeTeiCall(call: CanonicalCall): EncodedCall {
  invariant(call.kind === 'rank', 'a rerank request carries a call to rank');
  const { model, query, documents, returnDocuments } = call;
  return {
    value: { model, query, texts: documents, ...(returnDocuments && { return_text: true }) },
    // How many come back is the gate's own work: the answer is cut to them.
    unsupported: [],
  };
}

/** Its bare list of `{index, score, text}`. */
export const decodeTeiAnswer = (value: unknown): CanonicalRanking => ({
  kind: 'rank',
  model: '',
  results: listOf(value).map((one, place) => {
    const { index, score, text } = objectOf(one) as Record<string, unknown>;
    return { index: countOf(index) ?? place, score: numberOf(score) ?? 0, text: textOf(text) };
  }),
  usage: null,
});

/** A ranking in the shape that Cohere and Jina share. */
export function encodeRanking(answer: CanonicalWhole, context: AnswerContext): object {
  invariant(answer.kind === 'rank', 'a ranking carries results');
  return {
    id: context.callId,
    model: answer.model || context.modelAsked,
    results: answer.results.slice(0, context.top ?? answer.results.length).map(({ index, score, text }) => ({
      index,
      relevance_score: score,
      ...(text !== null && { document: { text } }),
    })),
  };
}
