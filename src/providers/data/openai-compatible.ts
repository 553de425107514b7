import { LONG_TIMERS, X_RATELIMIT_HEADERS, type ProviderData } from '../provider-data.ts';

/** Any server of OpenAI’s dialects. */
export const openaiCompatible: ProviderData = {
  name: 'openai-compatible',
  title: 'Any OpenAI-compatible URL',
  baseUrl: null,
  auth: { header: 'authorization', prefix: 'Bearer ', required: false },
  keyVariable: null,
  paths: {
    'openai-chat': '/chat/completions',
    'openai-responses': '/responses',
    'openai-completions': '/completions',
    'openai-embeddings': '/embeddings',
    'openai-moderations': '/moderations',
    'openai-images': '/images/generations',
    'openai-image-edits': '/images/edits',
    'openai-image-variations': '/images/variations',
    'openai-speech': '/audio/speech',
    'openai-transcriptions': '/audio/transcriptions',
    'openai-translations': '/audio/translations',
    rerank: '/rerank',
    'cohere-rerank': '/rerank',
  },
  query: {},
  headers: {},
  passHeaders: ['openai-beta'],
  refusedHints: {},
  // The name that every compatible server reads; OpenAI alone gave it up.
  maxOutputTokensField: 'max_tokens',
  streamUsage: 'ask',
  rateLimitHeaders: X_RATELIMIT_HEADERS,
  requestIdHeader: 'x-request-id',
  retryStatuses: [],
  onDisconnect: 'cancel',
  // Nothing is known of the models: the largest figures of any data file.
  largest: { imageTokens: 48_169, audioTokens: 1_048_576, fileTokens: 1_050_000 },
  maxOutputTokens: 131_072,
  timers: LONG_TIMERS,
  priceBook: null,
  keepsIds: true,
  notes: [
    '`baseUrl` ends where `/chat/completions` begins, usually in `/v1`.',
    'A server that lacks an endpoint answers its own 404.',
    'Prices come from `prices` in headgate.yaml; without one the cost is unknown.',
  ],
  source: { url: 'https://www.npmjs.com/package/openai/v/7.57.0', read: '2026-11-24' },
  verified: 'none',
};
