import { buildCommand, buildRouteMap } from '@stricli/core';
import type { CliContext } from '../context.ts';
import { common, moment, text } from '../flags.ts';
import type { ProvidersFlags } from './list.ts';
import type { TestFlags } from './test.ts';

const config = text('Configuration file (default: that of the running gate, HEADGATE_CONFIG, headgate.yaml)', 'file');

const list = buildCommand<ProvidersFlags, [], CliContext>({
  loader: async () => (await import('./list.ts')).list,
  parameters: {
    flags: {
      since: {
        kind: 'parsed',
        parse: moment,
        default: '1h',
        brief: 'Health since: a duration back, a day or an ISO time',
        placeholder: 'time',
      },
      config,
      ...common,
    },
  },
  docs: { brief: 'List providers: key present or missing, attempts, failures and the last error' },
});

const test = buildCommand<TestFlags, [string], CliContext>({
  loader: async () => (await import('./test.ts')).test,
  parameters: {
    flags: {
      model: text('Model to ask for (default: the cheapest that this provider serves first)', 'name'),
      config,
      ...common,
    },
    positional: {
      kind: 'tuple',
      parameters: [{ parse: String, brief: 'Name of the provider', placeholder: 'provider' }],
    },
  },
  docs: { brief: 'Make one small call through the gate and say what it took, what it cost and what limits are left' },
});

export const providersRoutes = buildRouteMap({
  routes: { list, test },
  docs: { brief: 'Providers: are they there, and how are they' },
});
