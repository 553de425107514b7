import type { Dialect } from '#wire/dialect.ts';
import { NOTHING } from '#wire/nothing.ts';
import { encodeFault, readFault, streamFault } from '#wire/openai-chat/faults.ts';
import { decodeAnswer, encodeAnswer, readAnswer } from './answer.ts';
import { decodeCall, encodeCall, patch } from './call.ts';
import { policy } from './policy.ts';

export { EMBEDDING_FIELDS } from './fields.ts';
export { readVector, vectorBase64, vectorNumbers } from './vectors.ts';

/** OpenAI Embeddings: float and base64, dimensions, text and token-array input. There are no streams. */
export const openaiEmbeddings: Dialect = {
  name: 'openai-embeddings',
  kind: 'embed',
  policy,
  patch,
  decodeCall,
  encodeCall,
  readAnswer,
  decodeAnswer,
  encodeAnswer,
  streamReader: () => ({ read: () => NOTHING }),
  streamDecoder: () => ({ push: () => [] }),
  streamEncoder: () => ({ push: () => '' }),
  readFault,
  encodeFault,
  streamFault,
};
