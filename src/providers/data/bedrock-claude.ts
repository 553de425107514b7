import { LONG_TIMERS, type ProviderData } from '../provider-data.ts';
import { BEDROCK } from '../bedrock.ts';
import { CLAUDE_CONTINUES } from '../continues.ts';

/** Claude on Amazon Bedrock by InvokeModel: the Messages dialect in Bedrock's envelope. */
export const bedrockClaude: ProviderData = {
  ...BEDROCK,
  name: 'bedrock-claude',
  title: 'Amazon Bedrock, Claude (InvokeModel)',
  paths: { 'anthropic-messages': '/model/{model}/invoke' },
  streamPaths: { 'anthropic-messages': '/model/{model}/invoke-with-response-stream' },
  passQuery: false,
  bodyForms: {
    'anthropic-messages': {
      leaveOut: ['model', 'stream'],
      set: { anthropic_version: '"bedrock-2023-05-31"' },
      listHeader: { header: 'anthropic-beta', member: 'anthropic_beta' },
    },
  },
  acceptedWords: {
    // AWS's guide to the Messages API, and what LiteLLM has seen pass (its list of betas by provider, read 2026-11-25).
    'anthropic-beta': [
      'compact-2026-01-12',
      'computer-use-2024-10-22',
      'computer-use-2025-01-24',
      'computer-use-2025-11-24',
      'context-1m-2025-08-07',
      'context-management-2025-06-27',
      'dangerous-tool-use-2026-09-03',
      'dev-full-thinking-2025-05-14',
      'effort-2025-11-24',
      'fine-grained-tool-streaming-2025-05-14',
      'interleaved-thinking-2025-05-14',
      'mid-conversation-output-config-2026-07-01',
      'mid-conversation-tool-changes-2026-07-01',
      'output-128k-2025-02-19',
      'thinking-binding-controls-2026-08-01',
      'thinking-display-updates-2026-08-18',
      'token-efficient-tools-2025-02-19',
      'tool-examples-2025-10-29',
      'tool-search-tool-2025-10-19',
    ],
  },
  largest: { imageTokens: 4_784, audioTokens: 0, fileTokens: 1_000_000 },
  maxOutputTokens: 128_000,
  timers: LONG_TIMERS,
  continues: CLAUDE_CONTINUES,
  notes: [
    '`model` is a model id, the id of an inference profile (`us.anthropic.…`) or an ARN; it stands in the path.',
    'Beta words that it does not accept are left out and listed, since one unknown word is a 400; `betas` of the provider adds words.',
    'There is no count of tokens on this path, no file ids and no URLs of images.',
  ],
  source: { url: 'https://www.npmjs.com/package/@anthropic-ai/bedrock-sdk/v/1.1.3', read: '2026-11-25' },
  verified: 'sdk',
};
