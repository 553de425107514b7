import { LabError } from '../errors.ts';
import { countTokens } from '../tokens.ts';
import { vectorOf } from './embeddings.ts';
import { field } from './google.ts';
import { type Json, contentText, list, optionalNumber, record } from './reading.ts';

export interface GoogleEmbedAsk {
  readonly texts: readonly string[];
  readonly dimensions: number;
  readonly tokens: number;
  readonly batch: boolean;
}

const DIMENSIONS = 3072;

export function readEmbedAsk(body: Json, model: string, batch: boolean): GoogleEmbedAsk {
  const requests = batch
    ? list(body['requests'] ?? [], 'requests').map((one, i) => record(one, `requests[${i}]`))
    : [body];
  if (requests.length === 0)
    throw new LabError(400, '* BatchEmbedContentsRequest.requests: requests is not specified\n');
  for (const [i, request] of requests.entries()) {
    const named = request['model'];
    if (batch && named === undefined)
      throw new LabError(400, `* BatchEmbedContentsRequest.requests[${i}].model: unexpected model name format\n`);
    if (named !== undefined && named !== `models/${model}`)
      throw new LabError(400, `* BatchEmbedContentsRequest.requests[${i}].model: model does not match\n`);
  }
  const texts = requests.map((request) => contentText((request['content'] as Json | undefined)?.['parts']));
  return {
    texts,
    dimensions: optionalNumber({ n: field(requests[0], 'outputDimensionality') }, 'n') ?? DIMENSIONS,
    tokens: texts.reduce((sum, text) => sum + countTokens(text), 0),
    batch,
  };
}

export function embeddings(ask: GoogleEmbedAsk, usage: boolean): object {
  const all = ask.texts.map((text) => ({ values: [...vectorOf(text, ask.dimensions)] }));
  const metadata = usage ? { usageMetadata: { promptTokenCount: ask.tokens, totalTokenCount: ask.tokens } } : {};
  return ask.batch ? { embeddings: all, ...metadata } : { embedding: all[0], ...metadata };
}
