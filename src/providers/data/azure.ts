import { LONG_TIMERS, X_RATELIMIT_HEADERS, type ProviderData } from '../provider-data.ts';

/** Azure OpenAI, v1 API: one base URL a resource, the deployment is the `model` of the body. */
export const azure: ProviderData = {
  name: 'azure',
  title: 'Azure OpenAI',
  baseUrl: null,
  auth: { header: 'api-key', prefix: '', required: true },
  keyVariable: 'AZURE_OPENAI_API_KEY',
  paths: {
    'openai-chat': '/chat/completions',
    'openai-responses': '/responses',
    'openai-completions': '/completions',
    'openai-embeddings': '/embeddings',
  },
  query: {},
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
    'Set `baseUrl` to `https://RESOURCE.openai.azure.com/openai/v1`; no api-version is needed there.',
    'For the older dated API use the kind `azure-deployments`.',
    'A deployment has a name of its own: give its `model` in headgate.yaml, and a price row where the name is not the model.',
    'A prompt that the content filter refuses is a 400 with code `content_filter`; no other deployment is tried.',
  ],
  source: { url: 'https://learn.microsoft.com/en-us/azure/foundry/openai/api-version-lifecycle', read: '2026-11-24' },
  verified: 'sdk',
};
