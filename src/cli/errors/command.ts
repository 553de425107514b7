import { buildCommand } from '@stricli/core';
import type { CliContext } from '../context.ts';
import { json } from '../flags.ts';
import type { ErrorsFlags } from './run.ts';

export const errorsCommand = buildCommand<ErrorsFlags, [string?], CliContext>({
  loader: async () => (await import('./run.ts')).errors,
  parameters: {
    flags: { json },
    positional: {
      kind: 'tuple',
      parameters: [{ parse: String, brief: 'Code of an error (default: all)', placeholder: 'code', optional: true }],
    },
  },
  docs: { brief: 'What an error code means, who can end it and how' },
});
