import { LONG_TIMERS, type ProviderData } from '../provider-data.ts';
import { CLAUDE_CONTINUES } from '../continues.ts';

/** Anthropic's own API. */
export const anthropic: ProviderData = {
  name: 'anthropic',
  title: 'Anthropic',
  baseUrl: 'https://api.anthropic.com/v1',
  auth: { header: 'x-api-key', prefix: '', required: true },
  subscriptionHosts: ['api.anthropic.com'],
  keyVariable: 'ANTHROPIC_API_KEY',
  paths: { 'anthropic-messages': '/messages', 'anthropic-count': '/messages/count_tokens' },
  stored: { anthropic: { files: '/files', batches: '/messages/batches' } },
  // https://platform.claude.com/docs/en/build-with-claude/batch-processing, as of 2026-11: "50% of the standard API prices".
  batchDiscountPercent: 50,
  query: {},
  headers: { 'anthropic-version': '2023-06-01' },
  // An open list: betas pass as they are (clients.md 1).
  passHeaders: ['anthropic-version', 'anthropic-beta'],
  refusedHints: {},
  maxOutputTokensField: 'max_tokens',
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
  // 402: the account is out of credit; another provider may serve. 409: a lock timed out; the SDK retries it as well.
  retryStatuses: [402, 409],
  onDisconnect: 'cancel',
  // A high-resolution image is at most 4,784 tokens. A page of a PDF is text (up to 3,000) and image, 100 pages or more:
  // a file ends at the largest context alone.
  largest: { imageTokens: 4_784, audioTokens: 0, fileTokens: 1_000_000 },
  maxOutputTokens: 128_000,
  timers: LONG_TIMERS,
  priceBook: 'anthropic',
  keepsIds: true,
  continues: CLAUDE_CONTINUES,
  notes: [
    '`input_tokens` leaves cached tokens out; ours includes them.',
    '529 `overloaded_error` is its sign of overload, also as an event in a stream.',
  ],
  source: { url: 'https://www.npmjs.com/package/@anthropic-ai/sdk/v/1.12.0', read: '2026-11-24' },
  verified: 'sdk',
};
