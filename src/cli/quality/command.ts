import { buildCommand } from '@stricli/core';
import type { CliContext } from '../context.ts';
import { common, text, yes } from '../flags.ts';
import type { QualityFlags } from './quality.ts';

export const qualityCommand = buildCommand<QualityFlags, [], CliContext>({
  loader: async () => (await import('./quality.ts')).quality,
  parameters: {
    flags: {
      tenant: text('Of this tenant alone', 'tenant'),
      feature: text('Of this feature alone', 'feature'),
      score: text('Of scores with this name alone', 'name'),
      ci: yes('Exit with 3 when anybody fell'),
      ...common,
    },
  },
  docs: { brief: 'Whose answers have become worse: each tenant against its own past' },
});
