import { buildCommand, buildRouteMap } from '@stricli/core';
import type { CliContext } from '../context.ts';
import { common, dimensions, filters, moment, text, texts, wholeNumber } from '../flags.ts';
import type { AttributionFlags } from './attribution.ts';
import type { CloseFlags } from './close.ts';
import type { ExportFlags } from './export.ts';
import type { MarginFlags } from './margin.ts';
import type { ReconcileFlags } from './reconcile/run.ts';
import type { SpendFlags } from './run.ts';

const spend = buildCommand<SpendFlags, [], CliContext>({
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

/** `2026-11` */
function month(input: string): string {
  if (/^\d{4}-(0[1-9]|1[0-2])$/.test(input)) return input;
  throw new RangeError('expected a month such as 2026-11');
}
const ofMonth = {
  kind: 'parsed',
  parse: month,
  optional: true,
  brief: 'The month (default: that of now, in the time zone of `attribution`)',
  placeholder: 'month',
} as const;
const csv = { kind: 'boolean', brief: 'Print CSV instead of text', default: false } as const;

const attribution = buildCommand<AttributionFlags, [], CliContext>({
  loader: async () => (await import('./attribution.ts')).attribution,
  parameters: {
    flags: {
      month: ofMonth,
      tenant: text('Only this tenant', 'id'),
      limit: {
        kind: 'parsed',
        parse: wholeNumber({ min: 1, max: 10_000 }),
        default: '20',
        brief: 'Tenants and features to show; the rest is summed as one line',
        placeholder: 'n',
      },
      csv,
      ...common,
    },
  },
  docs: {
    brief: 'A month’s bill by tenant and feature: answers, waste, shared costs; its lines sum to what providers bill',
    fullDescription:
      'Every attempt counts at the provider that it was sent to. Shared buckets, contracts, rented GPUs and time zone stand under `attribution` in headgate.yaml.',
  },
});

const margin = buildCommand<MarginFlags, [], CliContext>({
  loader: async () => (await import('./margin.ts')).margin,
  parameters: { flags: { month: ofMonth, csv, ...common } },
  docs: { brief: 'What each tenant pays by its price plan in a month, and what it costs' },
});

const close = buildCommand<CloseFlags, [string], CliContext>({
  loader: async () => (await import('./close.ts')).close,
  parameters: {
    flags: {
      yes: { kind: 'boolean', brief: 'Close it without asking', default: false },
      ...common,
    },
    positional: {
      kind: 'tuple',
      parameters: [{ parse: month, brief: 'A month that is over: 2026-10', placeholder: 'month' }],
    },
  },
  docs: { brief: 'Close a month: its figures are kept, and later corrections count in the month when they are made' },
});

const reconcile = buildCommand<ReconcileFlags, [string], CliContext>({
  loader: async () => (await import('./reconcile/run.ts')).reconcile,
  parameters: {
    flags: {
      provider: { kind: 'parsed', parse: String, brief: 'Provider whose invoice it is', placeholder: 'name' },
      columns: text(
        'Columns of another file: day=Date,model=Model,amount=Cost,currency=…,requests=…,tokens=…',
        'names',
      ),
      model: texts('A name on the invoice and the model of the ledger: “GPT-4o mini”=gpt-4o-mini', 'name=model'),
      limit: {
        kind: 'parsed',
        parse: wholeNumber({ min: 1, max: 10_000 }),
        default: '40',
        brief: 'Lines of the gap to show, the largest first',
        placeholder: 'n',
      },
      csv,
      ...common,
    },
    positional: {
      kind: 'tuple',
      parameters: [{ parse: String, brief: 'CSV of the provider: costs or usage', placeholder: 'file.csv' }],
    },
  },
  docs: {
    brief: 'Compare a provider’s invoice or usage CSV with the ledger, and explain the gap line by line',
    fullDescription:
      'Reads the exports of costs and of usage of OpenAI and Anthropic as they are; of any other file say the columns. The lines of the gap sum to it exactly.',
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

/** `headgate spend` is a command and a group: what follows it decides. */
export const spendRoutes = buildRouteMap({
  routes: { report: spend, attribution, margin, reconcile, close, export: exported },
  defaultCommand: 'report',
  docs: {
    brief: 'What calls cost, by tenant, feature, model or label; a month’s bill divided, closed and compared',
    hideRoute: { report: true },
  },
});
