import { ANY_MODEL_LARGEST, ANY_MODEL_OUTPUT_TOKENS, LONG_TIMERS, type ProviderData } from './provider-data.ts';

/** Paths of both vendors' dialects below one base URL, as open servers lay them out. */
export const OPEN_SERVER_PATHS = Object.freeze({
  'openai-chat': '/chat/completions',
  'openai-responses': '/responses',
  'openai-embeddings': '/embeddings',
  'anthropic-messages': '/messages',
  'anthropic-count': '/messages/count_tokens',
}) satisfies ProviderData['paths'];

/**
 * What servers that people run themselves have in common: the operator gives the address, a key is optional, the model
 * may be any, and nothing is billed by a public price. A data file says what its server does otherwise.
 */
export const SELF_HOSTED = Object.freeze({
  baseUrl: null,
  auth: { header: 'authorization', prefix: 'Bearer ', required: false },
  keyVariable: null,
  query: {},
  headers: { 'anthropic-version': '2023-06-01' },
  passHeaders: ['anthropic-version', 'anthropic-beta'],
  refusedHints: {},
  maxOutputTokensField: 'max_tokens',
  streamUsage: 'ask',
  rateLimitHeaders: [],
  requestIdHeader: null,
  retryStatuses: [],
  onDisconnect: 'cancel',
  largest: ANY_MODEL_LARGEST,
  maxOutputTokens: ANY_MODEL_OUTPUT_TOKENS,
  timers: LONG_TIMERS,
  priceBook: null,
  keepsIds: false,
  selfHosted: true,
}) satisfies Partial<ProviderData>;
