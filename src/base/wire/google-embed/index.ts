import type { Dialect } from '../dialect.ts';
import { googleGenerate } from '../google-generate/index.ts';
import { NOTHING } from '../nothing.ts';
import { decodeAnswer, encodeBatchAnswer, encodeOneAnswer, readAnswer } from './answer.ts';
import { decodeBatch, decodeOne, encodeBatch, encodeOne, patchBatch, patchOne } from './call.ts';
import { policyBatch, policyOne } from './policy.ts';

export { EMBED_FIELDS } from './fields.ts';

/** Google's `embedContent`: one text. There are no streams; errors are those of `generateContent`. */
export const googleEmbed: Dialect = {
  ...googleGenerate,
  name: 'google-embed',
  kind: 'embed',
  policy: policyOne,
  patch: patchOne,
  decodeCall: decodeOne,
  encodeCall: encodeOne,
  readAnswer,
  decodeAnswer,
  encodeAnswer: encodeOneAnswer,
  streamReader: () => ({ read: () => NOTHING }),
  streamDecoder: () => ({ push: () => [] }),
  streamEncoder: () => ({ push: () => '' }),
};

/** Google's `batchEmbedContents`: many texts, and what its own SDK sends for one as well. */
export const googleBatchEmbed: Dialect = {
  ...googleEmbed,
  name: 'google-batch-embed',
  patchesDeep: true,
  policy: policyBatch,
  patch: patchBatch,
  decodeCall: decodeBatch,
  encodeCall: encodeBatch,
  encodeAnswer: encodeBatchAnswer,
};
