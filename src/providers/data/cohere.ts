import { LONG_TIMERS, type ProviderData } from '../provider-data.ts';

/** Cohere: its own embed and rerank, and chat by its compatibility API. */
export const cohere: ProviderData = {
  name: 'cohere',
  title: 'Cohere',
  baseUrl: 'https://api.cohere.com',
  auth: { header: 'authorization', prefix: 'Bearer ', required: true },
  keyVariable: 'CO_API_KEY',
  paths: {
    'openai-chat': '/compatibility/v1/chat/completions',
    'cohere-embed': '/v2/embed',
    rerank: '/v2/rerank',
    'cohere-rerank': '/v2/rerank',
  },
  query: {},
  headers: {},
  passHeaders: ['x-client-name'],
  refusedHints: {},
  // Its compatibility API lists this name alone.
  maxOutputTokensField: 'max_tokens',
  streamUsage: 'ask',
  rateLimitHeaders: [],
  requestIdHeader: null,
  retryStatuses: [],
  onDisconnect: 'cancel',
  // Bound by the largest context of its models, 262,144 tokens; no published figure for one part.
  largest: { imageTokens: 262_144, audioTokens: 0, fileTokens: 262_144 },
  maxOutputTokens: 32_768,
  timers: LONG_TIMERS,
  priceBook: 'cohere',
  keepsIds: false,
  notes: [
    'Callers of `/v1/embeddings` reach `/v2/embed` by translation: `input_type` is `search_document` unless the caller sends one (`extra_body`), token ids have no form there, and at most 96 texts go into one call.',
    'Rerank is billed by the search unit (`meta.billed_units.search_units`): the bucket `searchUnit`.',
    'Rerank wants documents as strings in v2; the older v1 form is not served.',
    'The compatibility API was read on the host `api.cohere.ai`; both hosts serve it.',
  ],
  source: { url: 'https://www.npmjs.com/package/cohere-ai/v/8.1.0', read: '2026-11-25' },
  verified: 'sdk',
};
