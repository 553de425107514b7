import type { RecordedSet } from '../recorded.ts';
import type { Endpoint } from '../routes.ts';
import { MESSAGES } from './anthropic.ts';
import { CONVERSE } from './bedrock-converse.ts';
import { GENERATE } from './google.ts';
import { CHAT } from './openai-chat.ts';
import { RESPONSES } from './openai-responses.ts';

export { ANTHROPIC_ERRORS, OPENAI_ERRORS } from './errors.ts';
export { GOOGLE_ERRORS } from './google.ts';
export { CHAT, CONVERSE, GENERATE, MESSAGES, RESPONSES };

/** Recorded answers by endpoint and name. */
export const RECORDED: ReadonlyMap<Endpoint, RecordedSet> = new Map<Endpoint, RecordedSet>([
  ['chat', CHAT],
  ['responses', RESPONSES],
  ['messages', MESSAGES],
  ['converse', CONVERSE],
  ['generateContent', GENERATE],
]);
