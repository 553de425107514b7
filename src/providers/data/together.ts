import { ANY_MODEL_LARGEST, ANY_MODEL_OUTPUT_TOKENS, LONG_TIMERS, type ProviderData } from '../provider-data.ts';

/** Together AI. */
export const together: ProviderData = {
  name: 'together',
  title: 'Together AI',
  baseUrl: 'https://api.together.ai/v1',
  auth: { header: 'authorization', prefix: 'Bearer ', required: true },
  keyVariable: 'TOGETHER_API_KEY',
  paths: { 'openai-chat': '/chat/completions', 'openai-embeddings': '/embeddings' },
  query: {},
  headers: {},
  passHeaders: [],
  refusedHints: {},
  // together-ai 0.52.0 knows no other name.
  maxOutputTokensField: 'max_tokens',
  streamUsage: 'ask',
  rateLimitHeaders: [
    'x-ratelimit-limit',
    'x-ratelimit-remaining',
    'x-ratelimit-reset',
    'x-tokenlimit-limit',
    'x-tokenlimit-remaining',
  ],
  requestIdHeader: null,
  retryStatuses: [409],
  onDisconnect: 'cancel',
  largest: ANY_MODEL_LARGEST,
  maxOutputTokens: ANY_MODEL_OUTPUT_TOKENS,
  timers: LONG_TIMERS,
  priceBook: 'together',
  keepsIds: false,
  notes: [
    'The older host `api.together.xyz` serves the same API.',
    'Its `logprobs` is a number and stands in its own shape; `finish_reason` may be `eos`.',
    'Names of the rate-limit headers are not in its SDK and were not seen.',
  ],
  source: { url: 'https://www.npmjs.com/package/together-ai/v/0.52.0', read: '2026-11-24' },
  verified: 'sdk',
};
