import { LabError } from '../errors.ts';
import { countTokens } from '../tokens.ts';
import { type Json, list, optionalNumber, required } from './reading.ts';

/** Whose form the answer has: search units of Cohere, tokens of the others; Voyage says `top_k` and `data`. */
export type RerankVendor = 'cohere' | 'jina' | 'voyage' | 'tei';

export interface RerankAsk {
  readonly model: string;
  readonly query: string;
  readonly documents: readonly string[];
  readonly top: number;
  readonly returnDocuments: boolean;
  readonly vendor: RerankVendor;
}

const DOCUMENTS_A_UNIT = 100;

const textOf = (document: unknown): string =>
  typeof document === 'string' ? document : String((document as Json | null)?.['text'] ?? '');

export function readRerankAsk(body: Json, path: string): RerankAsk {
  const model = String(required(body, 'model'));
  const tei = body['texts'] !== undefined;
  const field = tei ? 'texts' : 'documents';
  const documents = list(required(body, field), field).map(textOf);
  if (documents.length === 0) throw new LabError(400, 'documents must not be empty', { param: 'documents' });
  const vendor = tei ? 'tei' : path.includes('/v2/') ? 'cohere' : /^rerank-|voyage/.test(model) ? 'voyage' : 'jina';
  const top = optionalNumber(body, vendor === 'voyage' ? 'top_k' : 'top_n') ?? documents.length;
  const query = textOf(required(body, 'query'));
  const returnDocuments = body[tei ? 'return_text' : 'return_documents'] === true;
  return { model, query, documents, top, returnDocuments, vendor };
}

/** Tokens as Voyage counts them: the query once for each document, and all documents. */
export const rerankTokens = ({ query, documents }: RerankAsk): number =>
  documents.reduce((sum, text) => sum + countTokens(text) + countTokens(query), 0);

export const searchUnits = ({ documents }: RerankAsk): number => Math.ceil(documents.length / DOCUMENTS_A_UNIT);

const wordsOf = (text: string): Set<string> => new Set(text.toLowerCase().match(/[\p{L}\p{N}]+/gu));

/** The share of the query's words that a document has: enough to rank by. */
function score(query: ReadonlySet<string>, text: string): number {
  const words = wordsOf(text);
  return Math.round(([...query].filter((word) => words.has(word)).length / Math.max(1, query.size)) * 1e6) / 1e6;
}

/** Shapes of cohere-ai 8.1.0 `V2RerankResponse`, voyageai 0.4.0 `RerankResponse` and Jina's reference page. */
export function ranking(ask: RerankAsk, id: string): object {
  const query = wordsOf(ask.query);
  const ranked = ask.documents
    .map((text, index) => ({ index, relevance_score: score(query, text), text }))
    .sort((a, b) => b.relevance_score - a.relevance_score || a.index - b.index)
    .slice(0, ask.top);
  // Text Embeddings Inference answers with the bare list (its openapi.json, `Rank`).
  if (ask.vendor === 'tei')
    return ranked.map(({ index, relevance_score: score, text }) => ({
      index,
      score,
      ...(ask.returnDocuments && { text }),
    }));
  const shown = ranked.map(({ text, ...one }) =>
    ask.returnDocuments ? { ...one, document: ask.vendor === 'voyage' ? text : { text } } : one,
  );
  const usage = { total_tokens: rerankTokens(ask) };
  if (ask.vendor === 'voyage') return { object: 'list', data: shown, model: ask.model, usage };
  if (ask.vendor === 'jina') return { model: ask.model, object: 'list', usage, results: shown };
  const meta = {
    api_version: { version: '2', is_experimental: false },
    billed_units: { search_units: searchUnits(ask) },
  };
  return { id, results: shown, meta };
}
