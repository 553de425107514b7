import type { DialectName } from '#wire/canonical.ts';
import type { Dialect } from '#wire/dialect.ts';
import { anthropicCount } from '#wire/anthropic-count/index.ts';
import { anthropicMessages } from '#wire/anthropic-messages/index.ts';
import { openaiChat } from '#wire/openai-chat/index.ts';
import { openaiCompact } from '#wire/openai-compact/index.ts';
import { openaiEmbeddings } from '#wire/openai-embeddings/index.ts';
import { openaiResponses } from '#wire/openai-responses/index.ts';

/** Every codec by name. */
export const DIALECTS: Readonly<Record<DialectName, Dialect>> = {
  'openai-chat': openaiChat,
  'openai-responses': openaiResponses,
  'openai-compact': openaiCompact,
  'openai-embeddings': openaiEmbeddings,
  'anthropic-messages': anthropicMessages,
  'anthropic-count': anthropicCount,
};
