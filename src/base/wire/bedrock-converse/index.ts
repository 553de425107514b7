import type { Dialect } from '../dialect.ts';
import { decodeAnswer, encodeAnswer, readAnswer } from './answer.ts';
import { withoutReasoning } from './bare.ts';
import { decodeCall } from './decode-call.ts';
import { encodeCall } from './encode-call.ts';
import { encodeFault, readFault, streamFault } from './faults.ts';
import { patchBody } from './patch.ts';
import { readPolicy } from './policy.ts';
import { seams } from './seams.ts';
import { streamDecoder } from './stream-decoder.ts';
import { streamEncoder } from './stream-encoder.ts';
import { streamReader } from './stream-reader.ts';

export { CARRIED_FIELDS, CONVERSE_FIELDS, type FieldSpec } from './fields.ts';

/**
 * Converse and ConverseStream of Amazon Bedrock (@aws-sdk/client-bedrock-runtime 3.1164.0). Streams are read and
 * written as named events in text: binary frames are opened before and closed after (`aws-event-stream`).
 */
export const bedrockConverse: Dialect = {
  name: 'bedrock-converse',
  kind: 'generate',
  policy: readPolicy,
  patch: patchBody,
  seams,
  decodeCall,
  encodeCall,
  readAnswer,
  decodeAnswer,
  encodeAnswer,
  streamReader,
  streamDecoder,
  streamEncoder,
  withoutReasoning,
  readFault,
  encodeFault,
  streamFault,
};
