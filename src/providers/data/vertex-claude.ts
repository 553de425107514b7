import { LONG_TIMERS, type ProviderData } from '../provider-data.ts';
import { VERTEX } from '../vertex.ts';
import { CLAUDE_CONTINUES } from '../continues.ts';

/** Claude on Vertex AI: the Messages dialect by rawPredict. */
export const vertexClaude: ProviderData = {
  ...VERTEX,
  name: 'vertex-claude',
  title: 'Google Vertex AI, Claude',
  paths: {
    'anthropic-messages': '/projects/{project}/locations/{location}/publishers/anthropic/models/{model}:rawPredict',
    'anthropic-count': '/projects/{project}/locations/{location}/publishers/anthropic/models/count-tokens:rawPredict',
  },
  streamPaths: {
    'anthropic-messages':
      '/projects/{project}/locations/{location}/publishers/anthropic/models/{model}:streamRawPredict',
  },
  passQuery: false,
  bodyForms: {
    // `stream` stays: the path alone does not make a stream of it.
    'anthropic-messages': { leaveOut: ['model'], set: { anthropic_version: '"vertex-2023-10-16"' } },
    'anthropic-count': { leaveOut: [], set: { anthropic_version: '"vertex-2023-10-16"' } },
  },
  passHeaders: ['anthropic-beta'],
  acceptedWords: {
    // What LiteLLM has seen pass (its list of betas by provider, read 2026-11-25).
    'anthropic-beta': [
      'compact-2026-01-12',
      'compact-2026-09-04',
      'computer-use-2025-01-24',
      'computer-use-2025-11-24',
      'context-1m-2025-08-07',
      'context-management-2025-06-27',
      'dangerous-tool-use-2026-09-03',
      'interleaved-thinking-2025-05-14',
      'per-turn-control-2026-07-01',
      'thinking-binding-controls-2026-08-01',
      'thinking-display-updates-2026-08-18',
      'tool-search-tool-2025-10-19',
      'web-search-2025-03-05',
    ],
  },
  largest: { imageTokens: 4_784, audioTokens: 0, fileTokens: 1_000_000 },
  maxOutputTokens: 128_000,
  timers: LONG_TIMERS,
  continues: CLAUDE_CONTINUES,
  notes: [
    '`model` is the id with its version, `claude-sonnet-4-5@20250929`; it stands in the path.',
    'Beta words that it does not accept are left out and listed; `betas` of the provider adds words.',
    'An `apiKey` here is an access token, which lives an hour: leave it out, and the platform’s chain keeps one fresh.',
  ],
  source: { url: 'https://www.npmjs.com/package/@anthropic-ai/vertex-sdk/v/1.1.3', read: '2026-11-25' },
  verified: 'sdk',
};
