import { ANY_MODEL_LARGEST, ANY_MODEL_OUTPUT_TOKENS, type ProviderData } from '../provider-data.ts';
import { MANTLE } from '../bedrock.ts';

/** OpenAI's and other open models on Amazon Bedrock's newer endpoint (Mantle), by OpenAI's API. */
export const bedrockOpenai: ProviderData = {
  ...MANTLE,
  name: 'bedrock-openai',
  title: 'Amazon Bedrock (OpenAI-compatible)',
  paths: { 'openai-chat': '/openai/v1/chat/completions', 'openai-responses': '/openai/v1/responses' },
  modelsPath: '/openai/v1/models',
  headers: {},
  passHeaders: [],
  maxOutputTokensField: 'max_completion_tokens',
  streamUsage: 'ask',
  requestIdHeader: 'x-request-id',
  largest: ANY_MODEL_LARGEST,
  maxOutputTokens: ANY_MODEL_OUTPUT_TOKENS,
  notes: [
    '`model` is an id of the endpoint, `openai.gpt-oss-120b`, and stays in the body.',
    'OpenAI’s own client signs nothing here and sends a key of Bedrock’s: that a signed request is taken as well follows from AWS’s documentation alone.',
  ],
  source: { url: 'https://www.npmjs.com/package/openai/v/7.57.0', read: '2026-11-25' },
  verified: 'sdk',
};
