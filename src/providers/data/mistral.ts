import { LONG_TIMERS, type ProviderData } from '../provider-data.ts';

/** Mistral AI, La Plateforme. */
export const mistral: ProviderData = {
  name: 'mistral',
  title: 'Mistral',
  baseUrl: 'https://api.mistral.ai/v1',
  auth: { header: 'authorization', prefix: 'Bearer ', required: true },
  keyVariable: 'MISTRAL_API_KEY',
  paths: {
    'openai-chat': '/chat/completions',
    'openai-embeddings': '/embeddings',
    'openai-moderations': '/moderations',
    'openai-transcriptions': '/audio/transcriptions',
  },
  query: {},
  headers: {},
  passHeaders: [],
  // It answers 422 `extra_forbidden` to any field outside its own schema (mistralai 2.7.0 `ChatCompletionStreamRequest`).
  refusedHints: {
    'openai-chat': [
      'prompt_cache_options',
      'prompt_cache_retention',
      'safety_identifier',
      'seed',
      'stream_options',
      'user',
      'verbosity',
    ],
    'openai-embeddings': ['user'],
  },
  maxOutputTokensField: 'max_tokens',
  streamUsage: 'always',
  rateLimitHeaders: [
    'x-ratelimit-limit-requests',
    'x-ratelimit-remaining-requests',
    'x-ratelimit-limit-tokens',
    'x-ratelimit-remaining-tokens',
    'x-ratelimitbysize-limit-minute',
    'x-ratelimitbysize-remaining-minute',
    'ratelimitbysize-reset',
  ],
  requestIdHeader: null,
  // 402: the account is out of credit; another provider may serve.
  retryStatuses: [402],
  onDisconnect: 'cancel',
  // Bound by the largest context, 262,144 tokens; no published figure for one part.
  largest: { imageTokens: 262_144, audioTokens: 262_144, fileTokens: 262_144 },
  maxOutputTokens: 262_144,
  timers: LONG_TIMERS,
  priceBook: 'mistral',
  keepsIds: false,
  notes: [
    'Its seed is called `random_seed`; `seed` is left out.',
    '`max_completion_tokens`, `logprobs` and `logit_bias` are refused with 422; they change the answer and are therefore passed on as they are.',
    'Usage stands on the last chunk of a stream, which has choices. Its embeddings know `output_dimension`, not `dimensions`.',
    'Sound is billed by the second (`usage.prompt_audio_seconds`): a transcription costs what the bucket `audioSecond` says; in chat no bucket holds it.',
    'Its speech, OCR and completions of code have shapes of their own and are not served.',
    'Names of the rate-limit headers come from clients, since its documentation has none.',
  ],
  source: { url: 'https://www.npmjs.com/package/@mistralai/mistralai/v/2.7.0', read: '2026-11-24' },
  verified: 'sdk',
};
