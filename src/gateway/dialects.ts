import type { DialectName } from '#wire/canonical.ts';
import type { Dialect } from '#wire/dialect.ts';
import { aiSdkUi } from '#wire/ai-sdk-ui/index.ts';
import { anthropicCount } from '#wire/anthropic-count/index.ts';
import { anthropicMessages } from '#wire/anthropic-messages/index.ts';
import { bedrockConverse } from '#wire/bedrock-converse/index.ts';
import { cohereEmbed } from '#wire/cohere-embed/index.ts';
import { googleCount } from '#wire/google-count/index.ts';
import { googleBatchEmbed, googleEmbed } from '#wire/google-embed/index.ts';
import { googleGenerate } from '#wire/google-generate/index.ts';
import { openaiChat } from '#wire/openai-chat/index.ts';
import { openaiCompact } from '#wire/openai-compact/index.ts';
import { openaiCompletions } from '#wire/openai-completions/index.ts';
import { openaiEmbeddings } from '#wire/openai-embeddings/index.ts';
import { openaiImageEdits, openaiImages, openaiImageVariations } from '#wire/pass-through/images.ts';
import { voyageContextual } from '#wire/pass-through/contextual.ts';
import { openaiModerations } from '#wire/pass-through/moderations.ts';
import { cohereRerank, rerank, teiRerank, voyageRerank } from '#wire/pass-through/rerank.ts';
import { openaiSpeech } from '#wire/pass-through/speech.ts';
import { openaiTranscriptions, openaiTranslations } from '#wire/pass-through/transcriptions.ts';
import { openaiResponses } from '#wire/openai-responses/index.ts';

/** Every codec by name. */
export const DIALECTS: Readonly<Record<DialectName, Dialect>> = {
  'openai-chat': openaiChat,
  'openai-responses': openaiResponses,
  'ai-sdk-ui': aiSdkUi,
  'openai-completions': openaiCompletions,
  'openai-compact': openaiCompact,
  'openai-embeddings': openaiEmbeddings,
  'openai-moderations': openaiModerations,
  'openai-images': openaiImages,
  'openai-image-edits': openaiImageEdits,
  'openai-image-variations': openaiImageVariations,
  'openai-speech': openaiSpeech,
  'openai-transcriptions': openaiTranscriptions,
  'openai-translations': openaiTranslations,
  rerank,
  'cohere-rerank': cohereRerank,
  'voyage-rerank': voyageRerank,
  'tei-rerank': teiRerank,
  'cohere-embed': cohereEmbed,
  'voyage-contextual': voyageContextual,
  'anthropic-messages': anthropicMessages,
  'anthropic-count': anthropicCount,
  'bedrock-converse': bedrockConverse,
  'google-generate': googleGenerate,
  'google-count': googleCount,
  'google-embed': googleEmbed,
  'google-batch-embed': googleBatchEmbed,
};
