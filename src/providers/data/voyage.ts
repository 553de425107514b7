import { LONG_TIMERS, type ProviderData } from '../provider-data.ts';

/** Voyage AI: embeddings in OpenAI's shape, contextualized chunks, and rerank. */
export const voyage: ProviderData = {
  name: 'voyage',
  title: 'Voyage AI',
  baseUrl: 'https://api.voyageai.com/v1',
  auth: { header: 'authorization', prefix: 'Bearer ', required: true },
  keyVariable: 'VOYAGE_API_KEY',
  paths: {
    'openai-embeddings': '/embeddings',
    rerank: '/rerank',
    'voyage-rerank': '/rerank',
    'voyage-contextual': '/contextualizedembeddings',
  },
  query: {},
  headers: {},
  passHeaders: [],
  refusedHints: { 'openai-embeddings': ['user'] },
  // It generates no text.
  maxOutputTokensField: 'max_tokens',
  streamUsage: 'never',
  rateLimitHeaders: [],
  requestIdHeader: null,
  retryStatuses: [],
  onDisconnect: 'cancel',
  largest: { imageTokens: 0, audioTokens: 0, fileTokens: 0 },
  maxOutputTokens: 1,
  timers: LONG_TIMERS,
  priceBook: 'voyageai',
  keepsIds: false,
  notes: [
    '`input_type`, `output_dimension`, `output_dtype` and `truncation` pass as they are; it knows no `dimensions`, and of encodings `base64` alone.',
    'Rerank says `top_k`, and answers with `data` where Cohere and Jina have `results`: on `/v1/rerank` send it in its own shape; callers of `/v2/rerank` reach it by translation.',
    'Usage states the total alone; a rerank counts the query once for each document.',
    'Multimodal embeddings are billed by the pixel as well and are not served.',
  ],
  source: { url: 'https://www.npmjs.com/package/voyageai/v/0.4.0', read: '2026-11-25' },
  verified: 'sdk',
};
