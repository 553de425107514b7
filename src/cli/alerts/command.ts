import { buildCommand, buildRouteMap } from '@stricli/core';
import type { CliContext } from '../context.ts';
import { common, type CommonFlags } from '../flags.ts';

const list = buildCommand<CommonFlags, [], CliContext>({
  loader: async () => (await import('./list.ts')).list,
  parameters: { flags: common },
  docs: { brief: 'List rules of alerts: what fires, since when, and what became of the messages' },
});

const test = buildCommand<CommonFlags, [string?], CliContext>({
  loader: async () => (await import('./test.ts')).test,
  parameters: {
    flags: common,
    positional: {
      kind: 'tuple',
      parameters: [
        { parse: String, brief: 'Name of the webhook (default: all of them)', placeholder: 'webhook', optional: true },
      ],
    },
  },
  docs: { brief: 'Send a test message to a webhook, or to all of them, and say what they answered' },
});

export const alertsRoutes = buildRouteMap({
  routes: { list, test },
  docs: { brief: 'Alerts: what fires, and whether its message arrives' },
});
