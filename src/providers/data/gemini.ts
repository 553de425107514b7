import { LONG_TIMERS, type ProviderData } from '../provider-data.ts';

/** Google's Gemini API in its own form. */
export const gemini: ProviderData = {
  name: 'gemini',
  title: 'Google Gemini',
  baseUrl: 'https://generativelanguage.googleapis.com',
  auth: { header: 'x-goog-api-key', prefix: '', required: true },
  keyVariable: 'GEMINI_API_KEY',
  paths: {
    'google-generate': '/v1beta/models/{model}:generateContent',
    'google-count': '/v1beta/models/{model}:countTokens',
    'google-embed': '/v1beta/models/{model}:embedContent',
    'google-batch-embed': '/v1beta/models/{model}:batchEmbedContents',
  },
  streamPaths: { 'google-generate': '/v1beta/models/{model}:streamGenerateContent?alt=sse' },
  query: {},
  headers: {},
  passHeaders: [],
  refusedHints: {},
  maxOutputTokensField: 'max_completion_tokens',
  streamUsage: 'always',
  rateLimitHeaders: [],
  requestIdHeader: null,
  retryStatuses: [],
  onDisconnect: 'cancel',
  // 258 tokens a tile of an image, 30 tiles at 10:1; 32 tokens a second of sound; both and files end at the context.
  largest: { imageTokens: 7_740, audioTokens: 1_048_576, fileTokens: 1_048_576 },
  maxOutputTokens: 65_536,
  timers: LONG_TIMERS,
  priceBook: 'google',
  keepsIds: true,
  notes: [
    "The kind `google` is the same service by its OpenAI-compatible endpoint: it keeps its name, so that configurations that have it go on working, and this one is what Google's own API can say and the other cannot.",
    'A prompt count includes cached tokens; thoughts are counted beside the answer, and both are output here.',
    'It sends no `retry-after`: the wait stands in the error body (`RetryInfo`) and is obeyed.',
    'A stream has no terminal event: it is whole where each candidate has a finish reason and the connection ends.',
    'Cached contents, uploaded files, `gs://` addresses and file search stores are ids that the account keeps: a call that names one which this gate has not seen is a 404.',
  ],
  source: { url: 'https://www.npmjs.com/package/@google/genai/v/3.3.0', read: '2026-11-25' },
  verified: 'sdk',
};
