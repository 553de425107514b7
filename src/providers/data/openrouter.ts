import { LONG_TIMERS, type ProviderData } from '../provider-data.ts';

/** OpenRouter. */
export const openrouter: ProviderData = {
  name: 'openrouter',
  title: 'OpenRouter',
  baseUrl: 'https://openrouter.ai/api/v1',
  auth: { header: 'authorization', prefix: 'Bearer ', required: true },
  keyVariable: 'OPENROUTER_API_KEY',
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
  maxOutputTokensField: 'max_completion_tokens',
  // Its documentation: usage is always there, and `include_usage` has no effect.
  streamUsage: 'always',
  // Its prompt caching guide: `cache_control` on text parts for Anthropic, Gemini and Qwen; others ignore it.
  cacheControl: true,
  rateLimitHeaders: ['x-ratelimit-limit', 'x-ratelimit-remaining', 'x-ratelimit-reset'],
  requestIdHeader: null,
  // 402: the account is out of credit; another provider may serve.
  retryStatuses: [402],
  onDisconnect: 'cancel',
  // Whatever model it routes to: bound by OpenAI's and Google's figures.
  largest: { imageTokens: 48_169, audioTokens: 1_048_576, fileTokens: 1_050_000 },
  maxOutputTokens: 393_216,
  timers: LONG_TIMERS,
  priceBook: 'openrouter',
  keepsIds: false,
  notes: [
    'Paths of completions and rerank come from its SDK’s pages; the usage of a rerank was not seen.',
    '`usage.cost` is what its account pays in dollars and is kept beside ours; with `usage.is_byok` the model itself is billed elsewhere (`cost_details.upstream_inference_cost`).',
    'Paid tool uses are counted in `usage.server_tool_use_details`.',
    'An error during generation comes with status 200, as `error` in the body or in a chunk. SSE comments (`: OPENROUTER PROCESSING`) precede the first chunk.',
    'A cancelled stream stops the bill with some of its upstreams alone.',
    'The caller’s `HTTP-Referer` and `X-Title` do not cross; set them under `headers` of the provider.',
    'Names of the rate-limit headers are not in its SDK and were not seen.',
  ],
  source: { url: 'https://openrouter.ai/docs/use-cases/usage-accounting', read: '2026-11-24' },
  verified: 'sdk',
};
