import type { Dialect } from '../dialect.ts';
import { decodeAnswer, encodeAnswer, readAnswer } from './answer.ts';
import { withoutThoughts } from './bare.ts';
import { decodeCall } from './decode-call.ts';
import { encodeCall } from './encode-call.ts';
import { encodeFault, readFault, retryDelayMs, streamFault } from './faults.ts';
import { patchBody } from './patch.ts';
import { policy } from './policy.ts';
import { seams } from './seams.ts';
import { streamDecoder } from './stream-decoder.ts';
import { streamEncoder } from './stream-encoder.ts';
import { streamReader } from './stream-reader.ts';

export { GENERATE_FIELDS, type FieldSpec } from './fields.ts';

/**
 * Google's `generateContent` and `streamGenerateContent?alt=sse` (@google/genai 3.3.0), of the Gemini API and of Vertex
 * AI. Model and stream flag stand in the path. A stream has no terminal event: it ends with its connection.
 */
export const googleGenerate: Dialect = {
  name: 'google-generate',
  kind: 'generate',
  inPath: true,
  policy,
  patch: patchBody,
  seams,
  withoutReasoning: withoutThoughts,
  decodeCall,
  encodeCall,
  readAnswer,
  decodeAnswer,
  encodeAnswer,
  streamReader,
  streamDecoder,
  streamEncoder,
  readFault,
  retryDelayMs,
  encodeFault,
  streamFault,
};
