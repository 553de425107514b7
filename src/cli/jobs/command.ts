import { buildCommand, buildRouteMap } from '@stricli/core';
import type { CliContext } from '../context.ts';
import { common, text, type CommonFlags } from '../flags.ts';
import type { JobListFlags } from './jobs.ts';

const job = { parse: String, brief: 'Id of the job', placeholder: 'job' } as const;

const list = buildCommand<JobListFlags, [], CliContext>({
  loader: async () => (await import('./jobs.ts')).listJobs,
  parameters: {
    flags: {
      state: {
        kind: 'enum',
        values: ['waiting', 'running', 'done', 'failed', 'cancelled'],
        optional: true,
        brief: 'Only jobs of this state',
      },
      tenant: text('Only this tenant', 'id'),
      ...common,
    },
  },
  docs: { brief: 'List jobs, newest first: batches and background responses until they are settled' },
});

const show = buildCommand<CommonFlags, [string], CliContext>({
  loader: async () => (await import('./jobs.ts')).showJob,
  parameters: { flags: { ...common }, positional: { kind: 'tuple', parameters: [job] } },
  docs: { brief: 'Show a job: of what, how often it was tried, why it failed' },
});

const retry = buildCommand<CommonFlags, [string], CliContext>({
  loader: async () => (await import('./jobs.ts')).retryJob,
  parameters: { flags: { ...common }, positional: { kind: 'tuple', parameters: [job] } },
  docs: { brief: 'Have a job tried at once, also one that was given up' },
});

export const jobsRoutes = buildRouteMap({
  routes: { list, show, retry },
  docs: { brief: 'Jobs: work that goes on beside calls' },
});
