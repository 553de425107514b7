import type { JsonObject } from '#wire/json/read.ts';
import {
  anArray,
  anInteger,
  anObject,
  aNumber,
  anyOf,
  aPositiveInteger,
  aString,
  listOfStrings,
  shortString,
  type Check,
} from '#wire/json/checks.ts';
import { MAX_MODEL_CHARS } from '#wire/openai-chat/policy.ts';

/** A chat id becomes part of a path when a stream is taken up again. */
export const MAX_CHAT_ID_CHARS = 256;

/**
 * What `DefaultChatTransport` posts of itself (`ai` 7.0.173, `ui/http-chat-transport.ts`), and the settings that an
 * application may add through the transport's `body`, under the SDK's own names.
 */
export const CHECKS: ReadonlyMap<string, Check> = new Map<string, Check>([
  ['id', shortString(MAX_CHAT_ID_CHARS)],
  ['messages', anArray],
  ['trigger', aString],
  ['messageId', aString],
  ['model', shortString(MAX_MODEL_CHARS)],
  ['system', aString],
  ['tools', anObject],
  ['toolChoice', anyOf(aString, anObject)],
  ['maxOutputTokens', aPositiveInteger],
  ['temperature', aNumber],
  ['topP', aNumber],
  ['topK', anInteger],
  ['presencePenalty', aNumber],
  ['frequencyPenalty', aNumber],
  ['stopSequences', listOfStrings],
  ['seed', anInteger],
  ['reasoning', aString],
  ['user', aString],
]);

/** Fields that an application added for itself: nothing of them is the model's, and they are listed as left out. */
export const foreignFields = (body: JsonObject): string[] =>
  Object.keys(body).filter((name) => !CHECKS.has(name) && name !== 'stream');
