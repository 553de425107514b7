import { ANY_MODEL_LARGEST, ANY_MODEL_OUTPUT_TOKENS, LONG_TIMERS, type ProviderData } from '../provider-data.ts';

/** Ollama by its compatible endpoints. */
export const ollama: ProviderData = {
  name: 'ollama',
  title: 'Ollama',
  baseUrl: null,
  auth: { header: 'authorization', prefix: 'Bearer ', required: false },
  // OLLAMA_API_KEY is that of its cloud and must not reach another machine by default.
  keyVariable: null,
  paths: {
    'openai-chat': '/chat/completions',
    'openai-responses': '/responses',
    'openai-embeddings': '/embeddings',
    'anthropic-messages': '/messages',
  },
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
  notes: [
    'Set `baseUrl` to `http://HOST:11434/v1`, or `https://ollama.com/v1` with an `apiKey`.',
    'It ignores a limit called `max_completion_tokens`, and any key on a local server.',
    'Its Responses API keeps nothing. It has no count_tokens.',
    'A prompt longer than the context that it was started with is cut, not refused.',
    'The first call after a pause loads the model, which takes as long as the disk needs.',
  ],
  source: { url: 'https://docs.ollama.com/api/openai-compatibility', read: '2026-11-24' },
  verified: 'docs',
};
