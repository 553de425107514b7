import { buildCommand } from '@stricli/core';
import { CLIENT_NAMES, type ClientName } from '#gateway/snippets/names.ts';
import { didYouMean } from '#kernel/config/diagnostics.ts';
import type { CliContext } from '../context.ts';
import { common, text, yes } from '../flags.ts';
import type { ConnectFlags } from './connect.ts';

function client(input: string): ClientName {
  if ((CLIENT_NAMES as readonly string[]).includes(input)) return input as ClientName;
  throw new RangeError(`no client ${input}; ${didYouMean(input, CLIENT_NAMES) ?? `known: ${CLIENT_NAMES.join(', ')}`}`);
}

export const connectCommand = buildCommand<ConnectFlags, [ClientName], CliContext>({
  loader: async () => (await import('./connect.ts')).connectClient,
  parameters: {
    flags: {
      key: text('A key that there is: ${env:NAME}, or - to read it from stdin (default: a new one)', 'key'),
      tenant: text('Tenant of the new key (default: the only one)', 'id'),
      team: text('Team of the new key', 'id'),
      feature: text('Feature of its calls', 'name'),
      name: text('Name of the new key (default: that of the client)', 'name'),
      model: text('Model in the settings (default: the first that suits the client)', 'name'),
      url: text('Address in the settings, where clients reach the gate by another than this machine', 'url'),
      test: yes('Make a call as the client would, and show its id, model and cost'),
      ...common,
    },
    positional: {
      kind: 'tuple',
      parameters: [
        {
          parse: client,
          brief: CLIENT_NAMES.join(', '),
          placeholder: 'client',
          proposeCompletions: () => CLIENT_NAMES,
        },
      ],
    },
  },
  docs: {
    brief: 'Settings of a client for this gate, with a key, ready to paste; --test proves them',
  },
});
