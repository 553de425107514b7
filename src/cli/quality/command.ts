import { buildCommand, buildRouteMap } from '@stricli/core';
import type { CliContext } from '../context.ts';
import { common, text, yes } from '../flags.ts';
import type { PlanFlags } from './plan.ts';
import type { QualityFlags } from './quality.ts';

const report = buildCommand<QualityFlags, [], CliContext>({
  loader: async () => (await import('./quality.ts')).quality,
  parameters: {
    flags: {
      tenant: text('Of this tenant alone', 'tenant'),
      feature: text('Of this feature alone', 'feature'),
      score: text('Of scores with this name alone', 'name'),
      ci: yes('Exit with 3 when anybody fell'),
      ...common,
    },
  },
  docs: { brief: 'Whose answers have become worse: each tenant against its own past' },
});

const plan = buildCommand<PlanFlags, [], CliContext>({
  loader: async () => (await import('./plan.ts')).plan,
  parameters: {
    flags: {
      feature: { kind: 'parsed', parse: String, brief: 'Feature of the judge', placeholder: 'feature' },
      judge: { kind: 'parsed', parse: String, brief: 'Name of the judge in headgate.yaml', placeholder: 'name' },
      ...common,
    },
  },
  docs: { brief: 'What a judge would be asked, how often and at what cost, by the last day; asks nothing' },
});

/** `headgate quality` is a command and a group: what follows it decides. */
export const qualityRoutes = buildRouteMap({
  routes: { report, plan },
  defaultCommand: 'report',
  docs: {
    brief: 'Whose answers have become worse: each tenant against its own past; what judges would cost',
    hideRoute: { report: true },
  },
});
