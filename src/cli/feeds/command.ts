import { buildCommand } from '@stricli/core';
import type { CliContext } from '../context.ts';
import { common, type CommonFlags } from '../flags.ts';

export const feedsCommand = buildCommand<CommonFlags, [], CliContext>({
  loader: async () => (await import('./feeds.ts')).feeds,
  parameters: { flags: common },
  docs: {
    brief: 'Feeds of the ledger: where they go, how far behind they are, and what is wrong',
    fullDescription:
      'What is sent, sent again and refused is counted since the start of the gate; what is behind lies in the store and outlives it.',
  },
});
