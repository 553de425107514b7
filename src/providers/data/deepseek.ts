import { LONG_TIMERS, type ProviderData } from '../provider-data.ts';

/** DeepSeek. */
export const deepseek: ProviderData = {
  name: 'deepseek',
  title: 'DeepSeek',
  baseUrl: 'https://api.deepseek.com',
  auth: { header: 'authorization', prefix: 'Bearer ', required: true },
  keyVariable: 'DEEPSEEK_API_KEY',
  paths: {
    'openai-chat': '/chat/completions',
    'openai-completions': '/beta/completions',
    'anthropic-messages': '/anthropic/v1/messages',
  },
  query: {},
  headers: {},
  passHeaders: [],
  refusedHints: {},
  maxOutputTokensField: 'max_tokens',
  streamUsage: 'ask',
  rateLimitHeaders: [],
  requestIdHeader: null,
  // 402: the account is out of balance; another provider may serve.
  retryStatuses: [402],
  onDisconnect: 'cancel',
  // Bound by the largest context, 1,048,576 tokens; no published figure for one part.
  largest: { imageTokens: 1_048_576, audioTokens: 0, fileTokens: 1_048_576 },
  maxOutputTokens: 393_216,
  timers: LONG_TIMERS,
  priceBook: 'deepseek',
  keepsIds: false,
  notes: [
    'Cached input is `usage.prompt_cache_hit_tokens`; `prompt_cache_hit_tokens` + `prompt_cache_miss_tokens` = `prompt_tokens`.',
    'Completions are its beta of filling in the middle: a `prompt`, and a `suffix` where there is one.',
    'Under load it answers 200 and sends empty lines (unary) or SSE comments until it starts.',
    'Its Messages API ignores `anthropic-version` and `anthropic-beta`, and maps names that begin with `claude` to models of its own.',
    'Messages take the key as a bearer token too (its guide for Claude Code sets ANTHROPIC_AUTH_TOKEN).',
  ],
  source: { url: 'https://api-docs.deepseek.com/guides/anthropic_api/', read: '2026-11-24' },
  verified: 'docs',
};
