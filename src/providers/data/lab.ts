import { LONG_TIMERS, type ProviderData } from '../provider-data.ts';

/** The simulated provider of the lab: every dialect, no key. Only ever on loopback. */
export const lab: ProviderData = {
  name: 'lab',
  title: 'Headgate lab (simulated provider)',
  baseUrl: null,
  auth: { header: 'authorization', prefix: 'Bearer ', required: false },
  keyVariable: null,
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
    rerank: '/rerank',
    'cohere-rerank': '/rerank',
    'voyage-contextual': '/contextualizedembeddings',
    'anthropic-messages': '/messages',
    'anthropic-count': '/messages/count_tokens',
  },
  query: {},
  headers: { authorization: 'Bearer lab', 'anthropic-version': '2023-06-01' },
  passHeaders: ['anthropic-version', 'anthropic-beta', 'openai-beta', 'x-lab-*'],
  refusedHints: {},
  maxOutputTokensField: 'max_completion_tokens',
  streamUsage: 'ask',
  rateLimitHeaders: ['x-ratelimit-limit-tokens', 'x-ratelimit-remaining-tokens', 'x-ratelimit-reset-tokens'],
  requestIdHeader: 'x-request-id',
  retryStatuses: [],
  onDisconnect: 'cancel',
  largest: { imageTokens: 1_600, audioTokens: 4_000, fileTokens: 20_000 },
  maxOutputTokens: 4_096,
  timers: LONG_TIMERS,
  priceBook: null,
  keepsIds: true,
  notes: ['Stands in for a provider when no key is in the environment. Its answers are invented.'],
  source: { url: 'lab/provider', read: '2026-11-24' },
  verified: 'sdk',
};

/** The lab as a provider of one dialect alone, so that tests cross every pair. */
const only = (name: string, dialect: keyof ProviderData['paths']): ProviderData => ({
  ...lab,
  name,
  title: `${lab.title}, ${dialect} alone`,
  paths: {
    [dialect]: lab.paths[dialect]!,
    ...(dialect === 'anthropic-messages' && { 'anthropic-count': lab.paths['anthropic-count']! }),
  },
});

export const labChat = only('lab-chat', 'openai-chat');
export const labResponses = only('lab-responses', 'openai-responses');
export const labMessages = only('lab-messages', 'anthropic-messages');
