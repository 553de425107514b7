import type { Dialect } from '#wire/dialect.ts';
import { readAnswer } from './answer-view.ts';
import { decodeAnswer, encodeAnswer } from './answer.ts';
import { withoutReasoning } from './bare.ts';
import { decodeCall } from './decode-call.ts';
import { encodeCall } from './encode-call.ts';
import { encodeFault, readFault, streamFault } from './faults.ts';
import { patch } from './patch.ts';
import { policy } from './policy.ts';
import { seams } from './seams.ts';
import { streamDecoder } from './stream-decoder.ts';
import { streamEncoder } from './stream-encoder.ts';
import { streamReader } from './stream-reader.ts';

export { CHAT_FIELDS, CHAT_MESSAGES, type FieldSample } from './fields.ts';

/**
 * OpenAI Chat Completions, as the `openai` SDK 7.57.0 types it and as the servers that copy it speak it.
 * Streams end with `data: [DONE]`; an end without it is a cut one.
 */
export const openaiChat: Dialect = {
  name: 'openai-chat',
  kind: 'generate',
  policy,
  patch,
  seams,
  withoutReasoning,
  decodeCall,
  encodeCall,
  readAnswer,
  decodeAnswer,
  encodeAnswer,
  streamReader,
  streamDecoder,
  streamEncoder,
  readFault,
  encodeFault,
  streamFault,
};
