import type { ProviderData } from '../provider-data.ts';
import { OPEN_SERVER_PATHS, SELF_HOSTED } from '../self-hosted.ts';
import { OPEN_SERVER_CONTINUES } from '../continues.ts';

/** vLLM’s own server. */
export const vllm: ProviderData = {
  ...SELF_HOSTED,
  name: 'vllm',
  title: 'vLLM',
  keyVariable: 'VLLM_API_KEY',
  paths: {
    ...OPEN_SERVER_PATHS,
    'openai-completions': '/completions',
    'openai-transcriptions': '/audio/transcriptions',
    'openai-translations': '/audio/translations',
    rerank: '/rerank',
    'cohere-rerank': '/rerank',
  },
  requestIdHeader: 'x-request-id',
  keepsIds: true,
  continues: OPEN_SERVER_CONTINUES,
  notes: [
    'Set `baseUrl` to `http://HOST:8000/v1`. `--api-key` guards it by a bearer token.',
    'One server serves one model: chat, embeddings, sound or rerank, and every other path answers 404 or 400.',
    'Cached tokens come with `--enable-prompt-tokens-details` alone; `x-request-id` with `--enable-request-id-headers`.',
    '`cache_salt` separates its prefix cache; a caller may not send it.',
    'A left client ends the generation.',
  ],
  source: { url: 'https://docs.vllm.ai/en/stable/serving/openai_compatible_server/', read: '2026-11-24' },
  verified: 'docs',
};
