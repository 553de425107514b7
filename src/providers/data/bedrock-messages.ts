import type { ProviderData } from '../provider-data.ts';
import { MANTLE } from '../bedrock.ts';
import { anthropic } from './anthropic.ts';
import { CLAUDE_CONTINUES } from '../continues.ts';

/** Claude on Amazon Bedrock's newer endpoint (Mantle): Anthropic's own API, with counts of tokens. */
export const bedrockMessages: ProviderData = {
  ...MANTLE,
  name: 'bedrock-messages',
  title: 'Amazon Bedrock, Claude (Messages API)',
  auth: { ...MANTLE.auth, header: 'x-api-key', prefix: '' },
  paths: {
    'anthropic-messages': '/anthropic/v1/messages',
    'anthropic-count': '/anthropic/v1/messages/count_tokens',
  },
  headers: anthropic.headers,
  passHeaders: anthropic.passHeaders,
  maxOutputTokensField: 'max_tokens',
  streamUsage: 'always',
  requestIdHeader: 'request-id',
  largest: anthropic.largest,
  maxOutputTokens: anthropic.maxOutputTokens,
  continues: CLAUDE_CONTINUES,
  notes: [
    '`model` is an id of the endpoint, `anthropic.claude-sonnet-5`, and stays in the body; streams are server-sent events.',
    'Not every model and region is served there: `bedrock-claude` is the way that has been there longest.',
  ],
  source: { url: 'https://www.npmjs.com/package/@anthropic-ai/bedrock-sdk/v/1.1.3', read: '2026-11-25' },
  verified: 'sdk',
};
