import { LONG_TIMERS, type ProviderData } from '../provider-data.ts';
import { LAB_CONTINUES } from '../continues.ts';

/** The simulated provider of the lab: every dialect, no key. Only ever on loopback. */
export const lab: ProviderData = {
  name: 'lab',
  title: 'Headgate lab (simulated provider)',
  baseUrl: null,
  auth: { header: 'authorization', prefix: 'Bearer ', required: false },
  subscriptionHosts: ['127.0.0.1', 'localhost'],
  keyVariable: null,
  paths: {
    'openai-chat': '/chat/completions',
    'openai-responses': '/responses',
    'openai-completions': '/completions',
    'openai-compact': '/responses/compact',
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
    'google-generate': '/models/{model}:generateContent',
    'google-count': '/models/{model}:countTokens',
    'google-embed': '/models/{model}:embedContent',
    'google-batch-embed': '/models/{model}:batchEmbedContents',
  },
  streamPaths: { 'google-generate': '/models/{model}:streamGenerateContent?alt=sse' },
  stored: {
    openai: { responses: '/responses', files: '/files', batches: '/batches' },
    anthropic: { files: '/files', batches: '/messages/batches' },
  },
  batchDiscountPercent: 50,
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
  continues: LAB_CONTINUES,
  notes: ['Stands in for a provider when no key is in the environment. Its answers are invented.'],
  source: { url: 'lab/provider', read: '2026-11-24' },
  verified: 'sdk',
};

/** The lab as a provider of one family alone, so that tests cross every pair. */
function only(name: string, ...dialects: readonly (keyof ProviderData['paths'])[]): ProviderData {
  const paths = Object.fromEntries(dialects.map((dialect) => [dialect, lab.paths[dialect]!]));
  const stored = dialects.includes('openai-responses') ? { openai: { responses: '/responses' } } : {};
  return { ...lab, name, title: `${lab.title}, ${dialects[0]} alone`, stored, paths };
}

export const labChat = only('lab-chat', 'openai-chat');
export const labResponses = only('lab-responses', 'openai-responses');
export const labMessages = only('lab-messages', 'anthropic-messages', 'anthropic-count');
export const labGoogle = only('lab-google', 'google-generate', 'google-count', 'google-embed', 'google-batch-embed');
