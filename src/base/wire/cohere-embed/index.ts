import { passThrough } from '#wire/pass-through/dialect.ts';
import { decodeAnswer, readAnswer } from './answer.ts';
import { encodeCall, policy } from './call.ts';

/** Cohere Embed v2 in its own form. Callers of OpenAI's embeddings reach it by translation; its own pass as they are. */
export const cohereEmbed = passThrough({
  name: 'cohere-embed',
  kind: 'embed',
  policy,
  encodeCall,
  readAnswer,
  decodeAnswer,
});
