import type { ProviderData } from '../provider-data.ts';
import { OPEN_SERVER_PATHS, SELF_HOSTED } from '../self-hosted.ts';
import { OPEN_SERVER_CONTINUES } from '../continues.ts';

/** SGLang’s own server. */
export const sglang: ProviderData = {
  ...SELF_HOSTED,
  name: 'sglang',
  title: 'SGLang',
  paths: { ...OPEN_SERVER_PATHS, 'openai-completions': '/completions', rerank: '/rerank', 'cohere-rerank': '/rerank' },
  keepsIds: true,
  continues: OPEN_SERVER_CONTINUES,
  notes: [
    'Set `baseUrl` to `http://HOST:30000/v1`. `--api-key` guards it by a bearer token.',
    'Cached tokens come with `--enable-cache-report` alone.',
    'Reasoning tokens stand in `usage.reasoning_tokens`, beside the totals.',
    'Its rerank answers with a bare list of scores.',
    'Its Responses, embeddings, completions and rerank paths were not checked against its documentation.',
  ],
  source: { url: 'https://docs.sglang.io/docs/basic_usage/anthropic_api', read: '2026-11-24' },
  verified: 'docs',
};
