import { buildCommand, buildRouteMap } from '@stricli/core';
import type { CliContext } from '../context.ts';
import { common, span, text, type CommonFlags } from '../flags.ts';
import type { TokenCreateFlags } from './tokens.ts';

const create = buildCommand<TokenCreateFlags, [string], CliContext>({
  loader: async () => (await import('./tokens.ts')).createToken,
  parameters: {
    flags: {
      scope: {
        kind: 'enum',
        values: ['operator', 'reader', 'tenant'],
        brief: 'Everything, everything that reads, or what is one tenant’s own',
      },
      tenant: text('Whose, for the scope tenant', 'tenant'),
      for: {
        kind: 'parsed',
        parse: span,
        optional: true,
        brief: 'Until it ends, at most 366d (default: it does not)',
        placeholder: 'duration',
      },
      ...common,
    },
    positional: {
      kind: 'tuple',
      parameters: [{ parse: String, brief: 'Name that the audit shows', placeholder: 'name' }],
    },
  },
  docs: { brief: 'Create an admin token; it is shown this once' },
});

const list = buildCommand<CommonFlags, [], CliContext>({
  loader: async () => (await import('./tokens.ts')).listTokens,
  parameters: { flags: { ...common } },
  docs: { brief: 'List admin tokens' },
});

const revoke = buildCommand<CommonFlags, [string], CliContext>({
  loader: async () => (await import('./tokens.ts')).revokeToken,
  parameters: {
    flags: { ...common },
    positional: { kind: 'tuple', parameters: [{ parse: String, brief: 'Id of the token', placeholder: 'token' }] },
  },
  docs: { brief: 'Revoke an admin token at once, and end its logins to the console' },
});

export const tokensRoutes = buildRouteMap({
  routes: { create, list, revoke },
  docs: { brief: 'Named tokens of the admin API' },
});
