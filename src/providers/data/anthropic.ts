import { LONG_TIMERS, type ProviderData } from '../provider-data.ts';

/** Anthropic's own API. */
export const anthropic: ProviderData = {
  name: 'anthropic',
  title: 'Anthropic',
  baseUrl: 'https://api.anthropic.com/v1',
  auth: { header: 'x-api-key', prefix: '', required: true },
  keyVariable: 'ANTHROPIC_API_KEY',
  paths: { 'anthropic-messages': '/messages', 'anthropic-count': '/messages/count_tokens' },
  query: {},
  headers: { 'anthropic-version': '2023-06-01' },
  // An open list: betas pass as they are (clients.md 1).
  passHeaders: ['anthropic-version', 'anthropic-beta', 'x-stainless-timeout'],
  refusedHints: {},
  streamUsage: 'always',
  rateLimitHeaders: [
    'anthropic-ratelimit-requests-limit',
    'anthropic-ratelimit-requests-remaining',
    'anthropic-ratelimit-requests-reset',
    'anthropic-ratelimit-tokens-limit',
    'anthropic-ratelimit-tokens-remaining',
    'anthropic-ratelimit-tokens-reset',
    'anthropic-ratelimit-input-tokens-limit',
    'anthropic-ratelimit-input-tokens-remaining',
    'anthropic-ratelimit-input-tokens-reset',
    'anthropic-ratelimit-output-tokens-limit',
    'anthropic-ratelimit-output-tokens-remaining',
    'anthropic-ratelimit-output-tokens-reset',
  ],
  requestIdHeader: 'request-id',
  retryStatuses: [],
  onDisconnect: 'cancel',
  // An image is at most 1,568 px on its long side: width × height / 750 ≤ 3,279; a PDF page up to 3,000, 100 pages.
  largest: { imageTokens: 4_784, audioTokens: 0, fileTokens: 400_000 },
  maxOutputTokens: 128_000,
  timers: LONG_TIMERS,
  priceBook: 'anthropic',
  keepsIds: true,
  notes: [],
  source: { url: 'https://docs.claude.com/en/api/messages', read: '2026-11-23' },
  verified: 'sdk',
};
