import { buildCommand } from '@stricli/core';
import type { CliContext } from '../context.ts';
import { common, dimensions, filters, moment, wholeNumber } from '../flags.ts';
import type { SpendFlags } from './run.ts';

export const spendCommand = buildCommand<SpendFlags, [], CliContext>({
  loader: async () => (await import('./run.ts')).spend,
  parameters: {
    flags: {
      since: {
        kind: 'parsed',
        parse: moment,
        default: '7d',
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
      by: {
        kind: 'parsed',
        parse: dimensions,
        default: 'tenant',
        brief:
          'Dimensions with commas between: tenant, team, feature, key, kind, purpose, model, deployment, provider, outcome, environment, label:<name>',
        placeholder: 'dims',
      },
      limit: {
        kind: 'parsed',
        parse: wholeNumber({ min: 1, max: 10_000 }),
        default: '20',
        brief: 'Groups to show; the rest is summed as one line',
        placeholder: 'n',
      },
      ...filters,
      ...common,
    },
  },
  docs: {
    brief: 'What calls cost, by tenant, feature, model or label, against the window before',
    fullDescription:
      'Sums the ledger over a window and compares it with the window of the same length before it. With `kind` as the last of several dimensions the kinds become columns. Calls without a known price are counted and left out of the money; ≥ and ≈ mark sums that are incomplete or rest on estimated tokens.',
  },
});
