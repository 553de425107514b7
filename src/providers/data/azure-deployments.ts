import { LONG_TIMERS, X_RATELIMIT_HEADERS, type ProviderData } from '../provider-data.ts';

/** Azure OpenAI, dated API: the deployment stands in the path and `api-version` in the query. */
export const azureDeployments: ProviderData = {
  name: 'azure-deployments',
  title: 'Azure OpenAI (deployments path)',
  baseUrl: null,
  auth: { header: 'api-key', prefix: '', required: true },
  keyVariable: 'AZURE_OPENAI_API_KEY',
  paths: {
    'openai-chat': '/deployments/{model}/chat/completions',
    'openai-completions': '/deployments/{model}/completions',
    'openai-embeddings': '/deployments/{model}/embeddings',
    'openai-images': '/deployments/{model}/images/generations',
    'openai-image-edits': '/deployments/{model}/images/edits',
    'openai-speech': '/deployments/{model}/audio/speech',
    'openai-transcriptions': '/deployments/{model}/audio/transcriptions',
    'openai-translations': '/deployments/{model}/audio/translations',
  },
  // The last dated version that is generally available; another one is `query` of the provider in headgate.yaml.
  query: { 'api-version': '2024-10-21' },
  headers: {},
  passHeaders: ['openai-beta'],
  refusedHints: {},
  maxOutputTokensField: 'max_completion_tokens',
  streamUsage: 'ask',
  rateLimitHeaders: X_RATELIMIT_HEADERS,
  requestIdHeader: 'apim-request-id',
  retryStatuses: [409],
  onDisconnect: 'cancel',
  // The same models as OpenAI's.
  largest: { imageTokens: 48_169, audioTokens: 128_000, fileTokens: 1_050_000 },
  maxOutputTokens: 128_000,
  timers: LONG_TIMERS,
  priceBook: 'azure',
  keepsIds: true,
  notes: [
    'Set `baseUrl` to `https://RESOURCE.openai.azure.com/openai`.',
    'Edits of images and speech need a preview `api-version`, which `query` sets.',
    'Responses are served by the v1 API alone: use the kind `azure`.',
  ],
  source: { url: 'https://learn.microsoft.com/en-us/azure/foundry/openai/api-version-lifecycle', read: '2026-11-24' },
  verified: 'sdk',
};
