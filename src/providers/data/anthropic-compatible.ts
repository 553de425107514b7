import { LONG_TIMERS, type ProviderData } from '../provider-data.ts';

/** Any server of Anthropic’s dialect. */
export const anthropicCompatible: ProviderData = {
  name: 'anthropic-compatible',
  title: 'Any Anthropic-compatible URL',
  baseUrl: null,
  auth: { header: 'x-api-key', prefix: '', required: false },
  keyVariable: null,
  paths: { 'anthropic-messages': '/messages', 'anthropic-count': '/messages/count_tokens' },
  query: {},
  headers: { 'anthropic-version': '2023-06-01' },
  passHeaders: ['anthropic-version', 'anthropic-beta'],
  refusedHints: {},
  maxOutputTokensField: 'max_tokens',
  streamUsage: 'always',
  rateLimitHeaders: [],
  requestIdHeader: 'request-id',
  retryStatuses: [],
  onDisconnect: 'cancel',
  // Nothing is known of the models: the largest figures of any data file.
  largest: { imageTokens: 48_169, audioTokens: 1_048_576, fileTokens: 1_050_000 },
  maxOutputTokens: 131_072,
  timers: LONG_TIMERS,
  priceBook: null,
  keepsIds: true,
  notes: [
    '`baseUrl` ends where `/messages` begins, usually in `/v1`; an ANTHROPIC_BASE_URL lacks that part.',
    'A server that wants a bearer token: leave `apiKey` out and set `headers: { authorization: … }` of the provider.',
    'Prices come from `prices` in headgate.yaml; without one the cost is unknown.',
  ],
  source: { url: 'https://www.npmjs.com/package/@anthropic-ai/sdk/v/1.12.0', read: '2026-11-24' },
  verified: 'none',
};
