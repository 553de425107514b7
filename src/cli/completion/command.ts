import { buildCommand } from '@stricli/core';
import type { CliContext } from '../context.ts';
import { json } from '../flags.ts';
import type { CompletionFlags } from './run.ts';
import type { Shell } from './script.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const satisfies readonly Shell[];

function shell(input: string): Shell {
  if ((SHELLS as readonly string[]).includes(input)) return input as Shell;
  throw new RangeError(`no shell ${input}; known: ${SHELLS.join(', ')}`);
}

export const completionCommand = buildCommand<CompletionFlags, [Shell], CliContext>({
  loader: async () => (await import('./run.ts')).completion,
  parameters: {
    flags: { json },
    positional: {
      kind: 'tuple',
      parameters: [{ parse: shell, brief: SHELLS.join(', '), placeholder: 'shell', proposeCompletions: () => SHELLS }],
    },
  },
  docs: {
    brief: 'Print a script that completes commands and flags in a shell',
    fullDescription:
      'bash: source <(headgate completion bash). zsh: headgate completion zsh > a folder of $fpath/_headgate. fish: headgate completion fish > ~/.config/fish/completions/headgate.fish.',
  },
});
