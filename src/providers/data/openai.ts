import { LONG_TIMERS, X_RATELIMIT_HEADERS, type ProviderData } from '../provider-data.ts';

/** OpenAI's own API. */
export const openai: ProviderData = {
  name: 'openai',
  title: 'OpenAI',
  baseUrl: 'https://api.openai.com/v1',
  auth: { header: 'authorization', prefix: 'Bearer ', required: true },
  keyVariable: 'OPENAI_API_KEY',
  paths: {
    'openai-chat': '/chat/completions',
    'openai-responses': '/responses',
    'openai-completions': '/completions',
    'openai-embeddings': '/embeddings',
    'openai-moderations': '/moderations',
    'openai-images': '/images/generations',
    'openai-image-edits': '/images/edits',
    'openai-image-variations': '/images/variations',
    'openai-speech': '/audio/speech',
    'openai-transcriptions': '/audio/transcriptions',
    'openai-translations': '/audio/translations',
  },
  // https://platform.openai.com/docs/guides/moderation: "free to use".
  free: ['openai-moderations'],
  query: {},
  headers: {},
  passHeaders: ['openai-beta'],
  refusedHints: {},
  // Reasoning models refuse `max_tokens`.
  maxOutputTokensField: 'max_completion_tokens',
  streamUsage: 'ask',
  rateLimitHeaders: X_RATELIMIT_HEADERS,
  requestIdHeader: 'x-request-id',
  // 409: a lock timed out; the SDK retries it as well.
  retryStatuses: [409],
  onDisconnect: 'cancel',
  // gpt-4o-mini bills 2,833 + 5,667 a tile of 512 px, and 768 × 2,048 px are 8 tiles. Sound ends at the audio models'
  // context of 128,000, a file at the largest context.
  largest: { imageTokens: 48_169, audioTokens: 128_000, fileTokens: 1_050_000 },
  maxOutputTokens: 128_000,
  timers: LONG_TIMERS,
  priceBook: 'openai',
  keepsIds: true,
  notes: [
    'An account out of credit answers 429 with code `insufficient_quota`: waiting does not help, another provider does.',
    '`service_tier` of the answer is the tier that was billed.',
  ],
  source: { url: 'https://www.npmjs.com/package/openai/v/7.57.0', read: '2026-11-24' },
  verified: 'sdk',
};
