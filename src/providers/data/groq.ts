import { LONG_TIMERS, X_RATELIMIT_HEADERS, type ProviderData } from '../provider-data.ts';

/** GroqCloud. */
export const groq: ProviderData = {
  name: 'groq',
  title: 'Groq',
  baseUrl: 'https://api.groq.com/openai/v1',
  auth: { header: 'authorization', prefix: 'Bearer ', required: true },
  keyVariable: 'GROQ_API_KEY',
  paths: {
    'openai-chat': '/chat/completions',
    'openai-responses': '/responses',
    'openai-embeddings': '/embeddings',
    'openai-speech': '/audio/speech',
    'openai-transcriptions': '/audio/transcriptions',
    'openai-translations': '/audio/translations',
  },
  query: {},
  headers: {},
  passHeaders: [],
  refusedHints: {},
  maxOutputTokensField: 'max_completion_tokens',
  // The last chunk carries `x_groq.usage` whether asked or not (groq-sdk 1.6.0 `ChatCompletionChunk.XGroq`).
  streamUsage: 'always',
  rateLimitHeaders: X_RATELIMIT_HEADERS,
  requestIdHeader: 'x-request-id',
  // 498: the flex tier is at capacity, not processed. 409: groq-sdk retries it.
  retryStatuses: [409, 498],
  onDisconnect: 'cancel',
  // Bound by the largest context, 131,072 tokens; no published figure for one part.
  largest: { imageTokens: 131_072, audioTokens: 131_072, fileTokens: 131_072 },
  maxOutputTokens: 131_072,
  timers: LONG_TIMERS,
  priceBook: 'groq',
  keepsIds: false,
  notes: [
    '`logprobs`, `top_logprobs`, `logit_bias`, `messages[].name` and an `n` above 1 are refused with 400; they change the answer and are passed on as they are.',
    'Sound is billed by the second and no less than ten of them; `verbose_json` states the length, other forms do not.',
    'A temperature of 0 becomes 1e-8.',
    'A `retry-after` comes with a 429 alone; request limits are by the day, token limits by the minute.',
    '`x_groq.usage_breakdown` of compound systems lists the usage of several models; the sum in `x_groq.usage` is what is recorded.',
  ],
  source: { url: 'https://console.groq.com/docs/openai', read: '2026-11-24' },
  verified: 'sdk',
};
