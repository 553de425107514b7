import { LabError } from '../errors.ts';
import { countTokens } from '../tokens.ts';
import { vectorOf } from './embeddings.ts';
import { type Json, list, optionalNumber, required } from './reading.ts';

export interface VendorEmbedAsk {
  readonly model: string;
  /** Texts of each document; Cohere's are documents of one text. */
  readonly documents: readonly (readonly string[])[];
  readonly dimensions: number;
  readonly tokens: number;
}

const DEFAULT_DIMENSIONS = 1024;
/** Cohere's bound on one request. */
const MOST_TEXTS = 96;

const tokensOf = (documents: readonly (readonly string[])[]): number =>
  documents.flat().reduce((sum, text) => sum + countTokens(text), 0);

const texts = (value: unknown, field: string): string[] => list(value, field).map(String);

/** Cohere insists on an input type, and on texts where there are no images. */
export function readCohereAsk(body: Json): VendorEmbedAsk {
  const model = String(required(body, 'model'));
  if (typeof body['input_type'] !== 'string')
    throw new LabError(400, 'invalid request: valid input_type must be provided with the provided model');
  const documents = texts(required(body, 'texts'), 'texts').map((text) => [text]);
  if (documents.length > MOST_TEXTS) throw new LabError(400, `too many texts: at most ${MOST_TEXTS}`);
  const dimensions = optionalNumber(body, 'output_dimension') ?? DEFAULT_DIMENSIONS;
  return { model, documents, dimensions, tokens: tokensOf(documents) };
}

/** cohere-ai 8.1.0 `EmbedByTypeResponse`. */
export function cohereEmbeddings(ask: VendorEmbedAsk, body: Json, id: string): object {
  const vectors = ask.documents.flat().map((text) => vectorOf(text, ask.dimensions));
  const types = list(body['embedding_types'] ?? ['float'], 'embedding_types');
  const base64 = (vector: Float32Array): string =>
    Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString('base64');
  return {
    id,
    embeddings: {
      ...(types.includes('float') && { float: vectors.map((vector) => [...vector]) }),
      ...(types.includes('base64') && { base64: vectors.map(base64) }),
    },
    texts: ask.documents.flat(),
    meta: { api_version: { version: '2' }, billed_units: { input_tokens: ask.tokens } },
  };
}

export function readContextualAsk(body: Json): VendorEmbedAsk {
  const documents = list(required(body, 'inputs'), 'inputs').map((one) =>
    Array.isArray(one) ? texts(one, 'inputs') : [String(one)],
  );
  const dimensions = optionalNumber(body, 'output_dimension') ?? DEFAULT_DIMENSIONS;
  return { model: String(required(body, 'model')), documents, dimensions, tokens: tokensOf(documents) };
}

/** voyageai 0.4.0 `ContextualizedEmbedResponse`: a list of vectors for each document. */
export const contextualEmbeddings = (ask: VendorEmbedAsk): object => ({
  object: 'list',
  data: ask.documents.map((chunks, index) => ({
    object: 'list',
    index,
    data: chunks.map((text, i) => ({
      object: 'embedding',
      index: i,
      embedding: [...vectorOf(`${chunks[0]} ${text}`, ask.dimensions)],
    })),
  })),
  model: ask.model,
  usage: { total_tokens: ask.tokens },
});
