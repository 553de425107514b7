import { LONG_TIMERS, X_RATELIMIT_HEADERS, type ProviderData } from '../provider-data.ts';
import { FOUNDRY } from '../foundry.ts';

/** The OpenAI v1 API of a Microsoft Foundry resource: every model that is deployed there but Claude. */
export const foundry: ProviderData = {
  ...FOUNDRY,
  name: 'foundry',
  title: 'Microsoft Foundry (OpenAI v1)',
  options: { resource: { variables: ['AZURE_AI_RESOURCE', 'AZURE_OPENAI_RESOURCE'], example: 'my-resource' } },
  auth: {
    header: 'api-key',
    prefix: '',
    required: false,
    chain: { platform: 'azure', scope: 'https://ai.azure.com/.default' },
  },
  keyVariable: 'AZURE_OPENAI_API_KEY',
  paths: {
    'openai-chat': '/openai/v1/chat/completions',
    'openai-responses': '/openai/v1/responses',
    'openai-embeddings': '/openai/v1/embeddings',
  },
  modelsPath: '/openai/v1/models',
  headers: {},
  passHeaders: ['openai-beta'],
  maxOutputTokensField: 'max_completion_tokens',
  streamUsage: 'ask',
  rateLimitHeaders: X_RATELIMIT_HEADERS,
  // The same models as OpenAI's, and others.
  largest: { imageTokens: 48_169, audioTokens: 128_000, fileTokens: 1_050_000 },
  maxOutputTokens: 131_072,
  timers: LONG_TIMERS,
  priceBook: 'azure',
  notes: [
    'A deployment has a name of its own: give its `model` in headgate.yaml, and a price row where the name is not the model.',
    'Without `apiKey` Entra ID is asked: a managed identity, workload identity, or whoever is logged in; its role is *Azure AI User* or *Cognitive Services OpenAI User*.',
    'A prompt that the content filter refuses is a 400 with code `content_filter`; no other deployment is tried.',
    'Claude is served on a path of its own: use the kind `foundry-claude`.',
  ],
  source: { url: 'https://learn.microsoft.com/en-us/azure/foundry/openai/api-version-lifecycle', read: '2026-11-25' },
  verified: 'docs',
};
