import { LONG_TIMERS, type ProviderData } from '../provider-data.ts';

/** Google Gemini by its OpenAI-compatible endpoint. */
export const google: ProviderData = {
  name: 'google',
  title: 'Google Gemini (OpenAI-compatible)',
  baseUrl: 'https://generativelanguage.googleapis.com/v1beta/openai',
  auth: { header: 'authorization', prefix: 'Bearer ', required: true },
  keyVariable: 'GEMINI_API_KEY',
  paths: { 'openai-chat': '/chat/completions', 'openai-embeddings': '/embeddings' },
  query: {},
  headers: {},
  passHeaders: [],
  refusedHints: {},
  maxOutputTokensField: 'max_completion_tokens',
  streamUsage: 'ask',
  rateLimitHeaders: [],
  requestIdHeader: null,
  retryStatuses: [],
  onDisconnect: 'cancel',
  // 258 tokens a tile of an image, 30 tiles at 10:1; 32 tokens a second of sound; both and files end at the context.
  largest: { imageTokens: 7_740, audioTokens: 1_048_576, fileTokens: 1_048_576 },
  maxOutputTokens: 65_536,
  timers: LONG_TIMERS,
  priceBook: 'google',
  keepsIds: false,
  notes: [
    "Google's own API is the kind `gemini`; this kind keeps the name that configurations have.",
    'An error body is an array of one object, `[{"error": …}]`, in some answers.',
    'Thinking is asked for by `reasoning_effort`; thought signatures travel in `extra_content.google` of a tool call and must come back.',
    'What it does with `max_completion_tokens` and with unknown fields was not checked.',
  ],
  source: { url: 'https://ai.google.dev/gemini-api/docs/openai', read: '2026-11-24' },
  verified: 'docs',
};
