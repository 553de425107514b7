import { buildCommand, buildRouteMap } from '@stricli/core';
import type { CliContext } from '../context.ts';
import { common, text, yes } from '../flags.ts';
import type { ClearFlags, StatusFlags } from './cache.ts';

const status = buildCommand<StatusFlags, [], CliContext>({
  loader: async () => (await import('./cache.ts')).cacheStatus,
  parameters: {
    flags: {
      by: {
        kind: 'enum',
        values: ['feature', 'tenant'],
        default: 'feature',
        brief: 'A row for each feature, or for each feature of a tenant',
      },
      tenant: text('Of this tenant alone', 'id'),
      ...common,
    },
  },
  docs: { brief: 'Show hits, misses and savings since the gate’s start, by feature or tenant, and what is kept' },
});

const clear = buildCommand<ClearFlags, [], CliContext>({
  loader: async () => (await import('./cache.ts')).clearCache,
  parameters: {
    flags: {
      tenant: text('Answers of this tenant', 'id'),
      feature: text('Only those of this feature', 'name'),
      all: yes('Answers of every tenant'),
      ...common,
    },
  },
  docs: { brief: 'Let kept answers go: the next request is answered anew' },
});

export const cacheRoutes = buildRouteMap({
  routes: { status, clear },
  docs: { brief: 'Answers that exactly the same request gets again' },
});
