import { LONG_TIMERS, type ProviderData } from '../provider-data.ts';
import { FOUNDRY } from '../foundry.ts';
import { anthropic } from './anthropic.ts';
import { CLAUDE_CONTINUES } from '../continues.ts';

/** Claude on Microsoft Foundry: Anthropic's own API below `/anthropic`. */
export const foundryClaude: ProviderData = {
  ...FOUNDRY,
  name: 'foundry-claude',
  title: 'Microsoft Foundry, Claude',
  options: { resource: { variables: ['ANTHROPIC_FOUNDRY_RESOURCE'], example: 'my-resource' } },
  auth: {
    header: 'x-api-key',
    prefix: '',
    required: false,
    chain: { platform: 'azure', scope: 'https://ai.azure.com/.default' },
  },
  keyVariable: 'ANTHROPIC_FOUNDRY_API_KEY',
  paths: {
    'anthropic-messages': '/anthropic/v1/messages',
    'anthropic-count': '/anthropic/v1/messages/count_tokens',
  },
  headers: anthropic.headers,
  passHeaders: anthropic.passHeaders,
  maxOutputTokensField: 'max_tokens',
  streamUsage: 'always',
  rateLimitHeaders: anthropic.rateLimitHeaders,
  requestIdHeader: 'request-id',
  largest: anthropic.largest,
  maxOutputTokens: anthropic.maxOutputTokens,
  timers: LONG_TIMERS,
  priceBook: 'anthropic',
  continues: CLAUDE_CONTINUES,
  notes: [
    'A deployment has a name of its own, which is the model’s unless it was changed.',
    'Without `apiKey` Entra ID is asked, as for the kind `foundry`.',
    'Its price is Anthropic’s list price; a contract of yours goes into `prices`.',
  ],
  source: { url: 'https://www.npmjs.com/package/@anthropic-ai/foundry-sdk/v/1.1.1', read: '2026-11-25' },
  verified: 'sdk',
};
