import type { Dialect } from '../dialect.ts';
import { decodeAnswer, encodeAnswer } from './answer.ts';
import { withoutThinking } from './bare.ts';
import { decodeCall } from './decode-call.ts';
import { encodeCall } from './encode-call.ts';
import { encodeFault, readFaultAt, streamFault } from './faults.ts';
import { patchBody } from './patch.ts';
import { readPolicy } from './policy.ts';
import { readAnswer } from './read-answer.ts';
import { seams } from './seams.ts';
import { streamDecoder } from './stream-decoder.ts';
import { streamEncoder } from './stream-encoder.ts';
import { streamReader } from './stream-reader.ts';

export { DEFAULT_MAX_TOKENS, withDefaultMaxTokens } from './encode-call.ts';
export { CARRIED_FIELDS, MESSAGES_FIELDS, type FieldSpec } from './fields.ts';
export { TYPED_TOOLS, type ToolSide } from './tool-types.ts';

/** Anthropic Messages, `POST /v1/messages` (@anthropic-ai/sdk 1.12.0, stable and beta types). */
export const anthropicMessages: Dialect = {
  name: 'anthropic-messages',
  kind: 'generate',
  policy: (request) => readPolicy(request, { maxTokensRequired: true }),
  patch: patchBody,
  seams,
  withoutReasoning: withoutThinking,
  decodeCall,
  encodeCall,
  readAnswer,
  decodeAnswer,
  encodeAnswer,
  streamReader,
  streamDecoder,
  streamEncoder,
  readFault: readFaultAt,
  encodeFault,
  streamFault,
};
