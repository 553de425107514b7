import { ANY_MODEL_LARGEST, ANY_MODEL_OUTPUT_TOKENS, LONG_TIMERS, type ProviderData } from '../provider-data.ts';
import { VERTEX } from '../vertex.ts';

/** Models of Vertex AI by its OpenAI-compatible endpoint: Llama, DeepSeek, Qwen and other partners' that are served there. */
export const vertexOpenai: ProviderData = {
  ...VERTEX,
  name: 'vertex-openai',
  title: 'Google Vertex AI (OpenAI-compatible)',
  paths: { 'openai-chat': '/projects/{project}/locations/{location}/endpoints/openapi/chat/completions' },
  streamUsage: 'ask',
  largest: ANY_MODEL_LARGEST,
  maxOutputTokens: ANY_MODEL_OUTPUT_TOKENS,
  timers: LONG_TIMERS,
  notes: [
    '`model` has its publisher before it: `meta/llama-4-maverick-17b-128e-instruct-maas`, `google/gemini-2.5-flash`.',
    'What it does with unknown fields was not checked.',
  ],
  source: {
    url: 'https://cloud.google.com/vertex-ai/generative-ai/docs/migrate/openai/overview',
    read: '2026-11-25',
  },
  verified: 'docs',
};
