import type { RecordedSet } from '../recorded.ts';
import type { Endpoint } from '../routes.ts';
import { MESSAGES } from './anthropic.ts';
import { CONVERSE } from './bedrock-converse.ts';
import { GENERATE } from './google.ts';
import { CHAT } from './openai-chat.ts';
import { EMBED_V2, RERANK } from './vendors.ts';
import { RESPONSES } from './openai-responses.ts';

export { ANTHROPIC_ERRORS, OPENAI_ERRORS } from './errors.ts';
export { GOOGLE_ERRORS } from './google.ts';
export { CHAT, CONVERSE, EMBED_V2, GENERATE, MESSAGES, RERANK, RESPONSES };

/** Recorded answers by endpoint and name. */
export const RECORDED: ReadonlyMap<Endpoint, RecordedSet> = new Map<Endpoint, RecordedSet>([
  ['chat', CHAT],
  ['responses', RESPONSES],
  ['messages', MESSAGES],
  ['converse', CONVERSE],
  ['generateContent', GENERATE],
  ['rerank', RERANK],
  ['embed_v2', EMBED_V2],
]);
