import { LONG_TIMERS, type ProviderData } from '../provider-data.ts';

/** Jina AI: embeddings in OpenAI's shape, and rerank. */
export const jina: ProviderData = {
  name: 'jina',
  title: 'Jina AI',
  baseUrl: 'https://api.jina.ai/v1',
  auth: { header: 'authorization', prefix: 'Bearer ', required: true },
  keyVariable: 'JINA_API_KEY',
  paths: { 'openai-embeddings': '/embeddings', rerank: '/rerank', 'cohere-rerank': '/rerank' },
  query: {},
  headers: {},
  passHeaders: [],
  refusedHints: { 'openai-embeddings': ['user'] },
  // It generates no text here.
  maxOutputTokensField: 'max_tokens',
  streamUsage: 'never',
  rateLimitHeaders: [],
  requestIdHeader: null,
  retryStatuses: [],
  onDisconnect: 'cancel',
  // No published figure for one image: bound by the largest context of its models, 32,768 tokens.
  largest: { imageTokens: 32_768, audioTokens: 0, fileTokens: 0 },
  maxOutputTokens: 1,
  timers: LONG_TIMERS,
  priceBook: 'jina',
  keepsIds: false,
  notes: [
    '`task`, `late_chunking`, `normalized`, `embedding_type` and `dimensions` pass as they are.',
    'It is in no built-in price list: import LiteLLM’s, or state a price.',
    'Tokens of a rerank are those of the query and all documents (`usage.total_tokens`).',
    'A document may be `{image: …}` with a multi-modal model.',
  ],
  source: { url: 'https://jina.ai/reranker/', read: '2026-11-25' },
  verified: 'docs',
};
