import { buildCommand, buildRouteMap } from '@stricli/core';
import type { CliContext } from '../context.ts';
import { common, filters, moment, wholeNumber, yes } from '../flags.ts';
import type { DiffFlags } from './diff.ts';
import type { ListFlags } from './list.ts';
import type { ShowFlags } from './show.ts';
import type { TailFlags } from './tail.ts';

const list = buildCommand<ListFlags, [], CliContext>({
  loader: async () => (await import('./list.ts')).list,
  parameters: {
    flags: {
      since: {
        kind: 'parsed',
        parse: moment,
        default: '24h',
        brief: 'Start of the window: a duration back, a day or an ISO time',
        placeholder: 'time',
      },
      until: {
        kind: 'parsed',
        parse: moment,
        optional: true,
        brief: 'End of the window (default: now)',
        placeholder: 'time',
      },
      limit: {
        kind: 'parsed',
        parse: wholeNumber({ min: 1, max: 1_000 }),
        default: '20',
        brief: 'Calls to show',
        placeholder: 'n',
      },
      before: {
        kind: 'parsed',
        parse: String,
        optional: true,
        brief: 'Only calls before this one: the next page',
        placeholder: 'id',
      },
      all: yes('Also rows that a correction has replaced'),
      ...filters,
      ...common,
    },
  },
  docs: { brief: 'List calls, newest first, each by the row that counts' },
});

const show = buildCommand<ShowFlags, [string], CliContext>({
  loader: async () => (await import('./show.ts')).show,
  parameters: {
    flags: {
      content: yes('Its captured text instead, as far as a capture has kept it; the reading is in the audit'),
      ...common,
    },
    positional: {
      kind: 'tuple',
      parameters: [
        {
          parse: String,
          brief: 'Id of a call, whole or as a table shows it (call_01J…8QF), or `latest`',
          placeholder: 'id',
        },
      ],
    },
  },
  docs: { brief: 'Show one call with its attempts to scale, its tokens and its cost by part' },
});

const tail = buildCommand<TailFlags, [], CliContext>({
  loader: async () => (await import('./tail.ts')).tail,
  parameters: { flags: { ...filters, ...common } },
  docs: { brief: 'Show calls as they settle, until interrupted' },
});

const anId = (brief: string) => ({ parse: String, brief, placeholder: 'id' }) as const;

const diff = buildCommand<DiffFlags, [string, string], CliContext>({
  loader: async () => (await import('./diff.ts')).diff,
  parameters: {
    flags: { sent: yes('Compare what the last attempts sent to the providers, not what the clients sent'), ...common },
    positional: { kind: 'tuple', parameters: [anId('One captured call'), anId('Another')] },
  },
  docs: { brief: 'Name the first difference of two captured requests, and how far a provider’s cache serves both' },
});

export const callsRoutes = buildRouteMap({
  routes: { list, show, tail, diff },
  docs: { brief: 'Look at single calls' },
});
