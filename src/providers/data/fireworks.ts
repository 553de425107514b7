import { ANY_MODEL_LARGEST, ANY_MODEL_OUTPUT_TOKENS, LONG_TIMERS, type ProviderData } from '../provider-data.ts';

/** Fireworks AI. */
export const fireworks: ProviderData = {
  name: 'fireworks',
  title: 'Fireworks AI',
  baseUrl: 'https://api.fireworks.ai/inference/v1',
  auth: { header: 'authorization', prefix: 'Bearer ', required: true },
  keyVariable: 'FIREWORKS_API_KEY',
  paths: {
    'openai-chat': '/chat/completions',
    'openai-responses': '/responses',
    'openai-completions': '/completions',
    'openai-embeddings': '/embeddings',
    rerank: '/rerank',
    'cohere-rerank': '/rerank',
    'anthropic-messages': '/messages',
  },
  query: {},
  headers: { 'anthropic-version': '2023-06-01' },
  passHeaders: ['anthropic-version', 'anthropic-beta'],
  refusedHints: {},
  maxOutputTokensField: 'max_tokens',
  // Its documentation: usage stands on the last chunk of every stream.
  streamUsage: 'always',
  rateLimitHeaders: [],
  requestIdHeader: null,
  retryStatuses: [],
  onDisconnect: 'cancel',
  largest: ANY_MODEL_LARGEST,
  maxOutputTokens: ANY_MODEL_OUTPUT_TOKENS,
  timers: LONG_TIMERS,
  priceBook: 'fireworks',
  keepsIds: true,
  notes: [
    'A model is a resource name: `accounts/fireworks/models/…`.',
    'Usage stands on the last chunk of a stream, which has choices.',
    'The path of its rerank is what other clients call; its own reference was not read.',
    'Sound is served on other hosts: give such a host a provider of kind `openai-compatible`.',
    'A caller cannot send keys of other providers: `x-anthropic-api-key` and `x-openai-api-key` do not cross.',
  ],
  source: { url: 'https://docs.fireworks.ai/tools-sdks/anthropic-compatibility', read: '2026-11-24' },
  verified: 'docs',
};
