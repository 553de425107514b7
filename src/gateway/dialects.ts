import type { DialectName } from '#wire/canonical.ts';
import type { Dialect } from '#wire/dialect.ts';
import { anthropicCount } from '#wire/anthropic-count/index.ts';
import { anthropicMessages } from '#wire/anthropic-messages/index.ts';
import { openaiChat } from '#wire/openai-chat/index.ts';
import { openaiCompletions } from '#wire/openai-completions/index.ts';
import { openaiEmbeddings } from '#wire/openai-embeddings/index.ts';
import { openaiModerations } from '#wire/pass-through/moderations.ts';
import { openaiResponses } from '#wire/openai-responses/index.ts';

/** Every codec by name. */
export const DIALECTS: Readonly<Record<DialectName, Dialect>> = {
  'openai-chat': openaiChat,
  'openai-responses': openaiResponses,
  'openai-completions': openaiCompletions,
  'openai-embeddings': openaiEmbeddings,
  'openai-moderations': openaiModerations,
  'anthropic-messages': anthropicMessages,
  'anthropic-count': anthropicCount,
};
