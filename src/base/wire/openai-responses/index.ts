import type { Dialect } from '#wire/dialect.ts';
import { encodeFault, readFault } from '#wire/openai-chat/faults.ts';
import { readAnswer } from './answer-view.ts';
import { decodeAnswer, encodeAnswer } from './answer.ts';
import { withoutReasoning } from './bare.ts';
import { decodeCall } from './decode-call.ts';
import { encodeCall } from './encode-call.ts';
import { patch } from './patch.ts';
import { policy } from './policy.ts';
import { seams } from './seams.ts';
import { streamDecoder } from './stream-decoder.ts';
import { errorEvent, streamEncoder } from './stream-encoder.ts';
import { streamReader } from './stream-reader.ts';

export { RESPONSES_FIELDS, type FieldRow } from './fields.ts';
export type { KeptKind } from './kept-ids.ts';

/** OpenAI's Responses API (`POST /v1/responses`), by the types of openai 7.57.0. */
export const openaiResponses: Dialect = {
  name: 'openai-responses',
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
  encodeFault: (fault) => encodeFault(fault),
  // The stream's own count is not known here; clients read it only to resume, which a broken stream ends.
  streamFault: (fault) => errorEvent(fault, 0),
};
