import { buildCommand, buildRouteMap } from '@stricli/core';
import type { CliContext } from '../context.ts';
import { common, span, type CommonFlags } from '../flags.ts';
import type { DrainFlags } from './drain.ts';

const start = buildCommand<DrainFlags, [string], CliContext>({
  loader: async () => (await import('./drain.ts')).startDrain,
  parameters: {
    flags: {
      for: {
        kind: 'parsed',
        parse: span,
        default: '30m',
        brief: 'How long it lasts; it ends by itself',
        placeholder: 'duration',
      },
      reason: { kind: 'parsed', parse: String, brief: 'Why, for the audit and for colleagues', placeholder: 'text' },
      level: {
        kind: 'enum',
        values: ['provider', 'deployment', 'model'],
        optional: true,
        brief: 'Where the name means more than one of these',
      },
      ...common,
    },
    positional: {
      kind: 'tuple',
      parameters: [
        { parse: String, brief: 'A provider, a model, or a deployment (provider/model)', placeholder: 'target' },
      ],
    },
  },
  docs: {
    brief: 'Send no new calls to a provider, a deployment or a model for a time; `headgate drain <target>` is the same',
  },
});

const list = buildCommand<CommonFlags, [], CliContext>({
  loader: async () => (await import('./drain.ts')).listDrains,
  parameters: { flags: { ...common } },
  docs: { brief: 'List what is drained, by whom, why and for how long' },
});

const stop = buildCommand<CommonFlags, [string], CliContext>({
  loader: async () => (await import('./drain.ts')).stopDrain,
  parameters: {
    flags: { ...common },
    positional: { kind: 'tuple', parameters: [{ parse: String, brief: 'Id of the drain', placeholder: 'id' }] },
  },
  docs: { brief: 'End a drain before its time' },
});

export const drainRoutes = buildRouteMap({
  routes: { start, list, stop },
  defaultCommand: 'start',
  docs: { brief: 'Drains: keep new calls away from what fails, for a time' },
});
