import { buildCommand } from '@stricli/core';
import type { CliContext } from '../context.ts';
import { common, span } from '../flags.ts';
import type { NowFlags } from './now.ts';

export const nowCommand = buildCommand<NowFlags, [], CliContext>({
  loader: async () => (await import('./now.ts')).now,
  parameters: {
    flags: {
      since: {
        kind: 'parsed',
        parse: span,
        default: '1h',
        brief: 'Look back so far, at most 7d',
        placeholder: 'duration',
      },
      ...common,
    },
  },
  docs: {
    brief:
      'What is wrong now: what changed, who is hurt, which attempts fail and why, money, health, and what to type next',
    fullDescription:
      'Exits 0 where nothing is bad, 3 where something is. Each tenant, feature and model is compared with its own last seven whole days.',
  },
});
