import { LONG_TIMERS, type ProviderData } from '../provider-data.ts';

/** OpenAI's own API. */
export const openai: ProviderData = {
  name: 'openai',
  title: 'OpenAI',
  baseUrl: 'https://api.openai.com/v1',
  auth: { header: 'authorization', prefix: 'Bearer ', required: true },
  keyVariable: 'OPENAI_API_KEY',
  paths: {
    'openai-chat': '/chat/completions',
    'openai-responses': '/responses',
    'openai-embeddings': '/embeddings',
  },
  query: {},
  headers: {},
  passHeaders: ['openai-beta', 'x-stainless-timeout'],
  refusedHints: {},
  streamUsage: 'ask',
  rateLimitHeaders: [
    'x-ratelimit-limit-requests',
    'x-ratelimit-limit-tokens',
    'x-ratelimit-remaining-requests',
    'x-ratelimit-remaining-tokens',
    'x-ratelimit-reset-requests',
    'x-ratelimit-reset-tokens',
  ],
  requestIdHeader: 'x-request-id',
  retryStatuses: [],
  onDisconnect: 'cancel',
  // gpt-4.1-mini at `detail: high` bills at most 2,833 patches-tokens an image; audio 600 tokens a minute, 25 MB at most.
  largest: { imageTokens: 6_240, audioTokens: 120_000, fileTokens: 400_000 },
  maxOutputTokens: 128_000,
  timers: LONG_TIMERS,
  priceBook: 'openai',
  keepsIds: true,
  notes: [],
  source: { url: 'https://platform.openai.com/docs/api-reference', read: '2026-11-23' },
  verified: 'sdk',
};
