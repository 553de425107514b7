import { buildCommand, buildRouteMap } from '@stricli/core';
import type { CliContext } from '../context.ts';
import { common, text, yes, type CommonFlags } from '../flags.ts';
import type { ClearFlags } from './cache.ts';

const status = buildCommand<CommonFlags, [], CliContext>({
  loader: async () => (await import('./cache.ts')).cacheStatus,
  parameters: { flags: { ...common } },
  docs: { brief: 'Show hits, misses and savings by feature since the gate’s start, and what it keeps' },
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
