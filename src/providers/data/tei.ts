import type { ProviderData } from '../provider-data.ts';
import { SELF_HOSTED } from '../self-hosted.ts';

/** Hugging Face text-embeddings-inference. */
export const tei: ProviderData = {
  ...SELF_HOSTED,
  name: 'tei',
  title: 'Text Embeddings Inference',
  paths: { 'openai-embeddings': '/embeddings', 'tei-rerank': '/rerank' },
  rootPaths: ['tei-rerank'],
  headers: {},
  passHeaders: [],
  streamUsage: 'never',
  // 424: the backend failed. 429 says that it is overloaded.
  retryStatuses: [424],
  // It takes text alone and generates none.
  largest: { imageTokens: 0, audioTokens: 0, fileTokens: 0 },
  maxOutputTokens: 1,
  notes: [
    'Set `baseUrl` to `http://HOST:PORT/v1`. `--api-key` guards it by a bearer token.',
    'A batch above `--max-client-batch-size` (32 unless set) is a 413; a text above the model’s length a 413 unless `--auto-truncate`.',
    'It does not look at `model`: one server has one.',
    'Its rerank is reached by translation: `documents` become `texts`, the answer is cut to `top_n`, and it states no usage, so that tokens are estimated.',
    'Its schema has no `dimensions`: vectors keep the model’s own length.',
  ],
  source: {
    url: 'https://github.com/huggingface/text-embeddings-inference/blob/main/docs/openapi.json',
    read: '2026-11-24',
  },
  verified: 'schema',
};
