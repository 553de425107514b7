import { invariant } from '#kernel/invariant.ts';
import type { BodyChanges, Dialect } from '#wire/dialect.ts';
import { splice } from '#wire/json/splice.ts';
import type { StrictJson } from '#wire/json/strict.ts';
import { openaiChat } from '#wire/openai-chat/index.ts';
import { encodeAnswer } from './answer.ts';
import { decodeCall } from './decode-call.ts';
import { streamFault } from './faults.ts';
import { policy } from './policy.ts';
import { seams } from './seams.ts';
import { streamDecoder } from './stream-decoder.ts';
import { streamEncoder } from './stream-encoder.ts';

export { MAX_CHAT_ID_CHARS } from './fields.ts';

/** No provider speaks it: it is a browser's form of a chat. */
function never(): never {
  invariant(false, 'the UI message stream is a form of clients alone');
}

const patch = (request: StrictJson, { model }: BodyChanges): Uint8Array =>
  model === undefined || model === request.value['model']
    ? request.bytes
    : splice(request.bytes, request.spans, new Map([['model', JSON.stringify(model)]]));

/**
 * What `useChat` of Vercel's AI SDK posts and reads (`ai` 7.0.173: `DefaultChatTransport`, UI message stream protocol
 * v1). Clients alone speak it: requests are decoded and answers encoded, and never the other way round. Refusals and
 * providers' errors before a stream are OpenAI's error objects: the SDK throws an `APICallError` with the body's text.
 */
export const aiSdkUi: Dialect = {
  name: 'ai-sdk-ui',
  kind: 'generate',
  policy,
  patch,
  seams,
  decodeCall,
  encodeCall: never,
  readAnswer: never,
  decodeAnswer: never,
  encodeAnswer,
  streamReader: never,
  streamDecoder,
  streamEncoder,
  readFault: openaiChat.readFault,
  encodeFault: openaiChat.encodeFault,
  streamFault,
};
