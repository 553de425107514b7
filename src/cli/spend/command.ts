import { buildCommand, buildRouteMap } from '@stricli/core';
import type { CliContext } from '../context.ts';
import { common, dimensions, filters, moment, text, wholeNumber } from '../flags.ts';
import type { ExportFlags } from './export.ts';
import type { SpendFlags } from './run.ts';

const report = buildCommand<SpendFlags, [], CliContext>({
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

const exported = buildCommand<ExportFlags, [], CliContext>({
  loader: async () => (await import('./export.ts')).exportSpend,
  parameters: {
    flags: {
      from: {
        kind: 'parsed',
        parse: moment,
        default: '30d',
        brief: 'Start of the window: a duration back, a day or an ISO time',
        placeholder: 'time',
      },
      to: { kind: 'parsed', parse: moment, optional: true, brief: 'Its end (default: now)', placeholder: 'time' },
      format: {
        kind: 'enum',
        values: ['csv', 'focus', 'jsonl'],
        default: 'csv',
        brief: 'csv and jsonl: a row a call; focus: rows of FOCUS 1.2, summed by period',
      },
      period: {
        kind: 'enum',
        values: ['hour', 'day'],
        default: 'day',
        brief: 'What a row of focus sums; the window grows to whole ones, in UTC',
      },
      out: text('File to write, in place of standard output; there whole or not at all', 'file'),
      ...filters,
      ...common,
    },
  },
  docs: {
    brief: 'Calls of a window as CSV, FOCUS 1.2 or JSON lines',
    fullDescription:
      'Writes entries that count, those that a correction has replaced left out, page by page: a window of any length takes the same memory. Entries older than `ledger.retention.entries` are gone; where the window had some, a note says how much money is in no row.',
  },
});

export const spendCommand = buildRouteMap({
  // The default one last: help and pages find the longer name first.
  routes: { export: exported, report },
  defaultCommand: 'report',
  docs: { brief: 'What calls cost: a report against the window before, and exports' },
});
