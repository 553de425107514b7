import type { ProviderData } from '../provider-data.ts';
import { OPEN_SERVER_PATHS, SELF_HOSTED } from '../self-hosted.ts';
import { OPEN_SERVER_CONTINUES } from '../continues.ts';

/** llama.cpp’s llama-server. */
export const llamaCpp: ProviderData = {
  ...SELF_HOSTED,
  name: 'llama-cpp',
  title: 'llama.cpp (llama-server)',
  keyVariable: 'LLAMA_API_KEY',
  paths: { ...OPEN_SERVER_PATHS, 'openai-completions': '/completions', rerank: '/rerank', 'cohere-rerank': '/rerank' },
  continues: OPEN_SERVER_CONTINUES,
  notes: [
    'Set `baseUrl` to `http://HOST:8080/v1`. `--api-key` guards it by a bearer token.',
    'Tools need `--jinja`; embeddings need `--embeddings`, rerank `--rerank`. While it loads a model it answers 503.',
    'It also sends `timings`, which say how many prompt tokens it took from its cache (`cache_n`).',
    'Its Responses API keeps nothing: `previous_response_id` is refused.',
  ],
  source: { url: 'https://github.com/ggml-org/llama.cpp/blob/master/tools/server/server.cpp', read: '2026-11-24' },
  verified: 'docs',
};
