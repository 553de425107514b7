import { buildCommand, buildRouteMap } from '@stricli/core';
import type { CliContext } from '../context.ts';
import { common, filters, moment, text, wholeNumber } from '../flags.ts';
import type { SessionsFlags } from './list.ts';
import type { SessionFlags } from './show.ts';

const since = (standard: string) =>
  ({
    kind: 'parsed',
    parse: moment,
    default: standard,
    brief: 'Start of the window: a duration back, a day or an ISO time',
    placeholder: 'time',
  }) as const;

const list = buildCommand<SessionsFlags, [], CliContext>({
  loader: async () => (await import('./list.ts')).list,
  parameters: {
    flags: {
      since: since('24h'),
      limit: {
        kind: 'parsed',
        parse: wholeNumber({ min: 1, max: 1_000 }),
        default: '20',
        brief: 'Sessions to show',
        placeholder: 'n',
      },
      ...filters,
      ...common,
    },
  },
  docs: { brief: 'List sessions with their calls, models, cache reads and cost; the one that moved last first' },
});

const show = buildCommand<SessionFlags, [string], CliContext>({
  loader: async () => (await import('./show.ts')).show,
  parameters: {
    flags: { tenant: text('Tenant, where two have a session of this id', 'id'), since: since('7d'), ...common },
    positional: {
      kind: 'tuple',
      parameters: [{ parse: String, brief: 'Id of a session, or `latest`', placeholder: 'session' }],
    },
  },
  docs: { brief: 'Show one session call by call: what it did, what it cost, where it failed' },
});

export const sessionsRoutes = buildRouteMap({
  routes: { list, show },
  docs: { brief: 'Tasks of agents and people: calls of one session together' },
});
