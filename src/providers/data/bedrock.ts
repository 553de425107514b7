import { ANY_MODEL_LARGEST, ANY_MODEL_OUTPUT_TOKENS, type ProviderData } from '../provider-data.ts';
import { BEDROCK } from '../bedrock.ts';
import { CONVERSE_CONTINUES } from '../continues.ts';

/** Every model of Amazon Bedrock that Converse serves. */
export const bedrock: ProviderData = {
  ...BEDROCK,
  name: 'bedrock',
  title: 'Amazon Bedrock (Converse)',
  paths: { 'bedrock-converse': '/model/{model}/converse' },
  streamPaths: { 'bedrock-converse': '/model/{model}/converse-stream' },
  passQuery: false,
  bodyForms: { 'bedrock-converse': { leaveOut: ['model', 'stream'], set: {} } },
  largest: ANY_MODEL_LARGEST,
  maxOutputTokens: ANY_MODEL_OUTPUT_TOKENS,
  continues: CONVERSE_CONTINUES,
  notes: [
    '`model` is a model id, the id of an inference profile (`us.amazon.…`) or an ARN; it stands in the path.',
    'For Claude the kind `bedrock-claude` keeps the bytes of a Messages client; this one translates them.',
    'Thinking and `top_k` reach Claude alone, by `additionalModelRequestFields`; of images and documents it takes bytes, no URLs.',
    'A guardrail of the account is applied where a call in Converse’s own form names it.',
  ],
  source: { url: 'https://www.npmjs.com/package/@aws-sdk/client-bedrock-runtime/v/3.1164.0', read: '2026-11-25' },
  verified: 'sdk',
};
