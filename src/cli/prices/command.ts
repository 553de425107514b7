import { buildCommand, buildRouteMap } from '@stricli/core';
import type { CliContext } from '../context.ts';
import { common, moment, span, text, texts, yes, type CommonFlags } from '../flags.ts';
import type { CheckFlags } from './check.ts';
import type { ImportFlags } from './import.ts';
import type { ListFlags } from './list.ts';
import type { RepriceFlags } from './reprice.ts';
import type { SetFlags } from './set.ts';

const dryRun = yes('Show what would change, and change nothing');
const noQuestion = yes('Apply without asking');
const validFrom = (brief: string) =>
  ({ kind: 'parsed', parse: moment, optional: true, brief, placeholder: 'time' }) as const;

const list = buildCommand<ListFlags, [], CliContext>({
  loader: async () => (await import('./list.ts')).listPrices,
  parameters: {
    flags: {
      all: yes('Every stored row, with its id, instead of what is in force'),
      provider: text('Only this provider', 'name'),
      model: text('Only models whose id has this in it', 'text'),
      ...common,
    },
  },
  docs: { brief: 'List the prices in force of models that are configured or were called in the last 30 days' },
});

const importList = buildCommand<ImportFlags, [string], CliContext>({
  loader: async () => (await import('./import.ts')).importPrices,
  parameters: {
    flags: {
      dryRun,
      yes: noQuestion,
      provider: texts('Only models of this provider (openai, anthropic, …)', 'name'),
      validFrom: validFrom('When the prices began to hold (default: now)'),
      ...common,
    },
    positional: {
      kind: 'tuple',
      parameters: [
        {
          parse: String,
          brief: 'LiteLLM’s price map or models.dev’s api.json, a file or an https URL',
          placeholder: 'file',
        },
      ],
    },
  },
  docs: { brief: 'Take prices from a public list; shows the difference before it applies it' },
});

const check = buildCommand<CheckFlags, [], CliContext>({
  loader: async () => (await import('./check.ts')).checkPrices,
  parameters: {
    flags: {
      olderThan: {
        kind: 'parsed',
        parse: span,
        default: '30d',
        brief: 'Age of a row that nobody confirmed since',
        placeholder: 'duration',
      },
      ...common,
    },
  },
  docs: {
    brief: 'Show where sources disagree, what is old and what has no price; exits with 3 where it finds something',
  },
});

const price = (brief: string) => text(`${brief}, dollars for a million`, 'usd');

const set = buildCommand<SetFlags, [string], CliContext>({
  loader: async () => (await import('./set.ts')).setPrice,
  parameters: {
    flags: {
      provider: text('Configured provider (default: any)', 'name'),
      input: price('Input tokens'),
      output: price('Output tokens'),
      cachedRead: price('Input tokens that were read from a cache'),
      cacheWrite: price('Input tokens that were written to a cache'),
      reasoning: price('Reasoning tokens, where they have a price of their own'),
      price: texts('Any other bucket: flex.input=1.25, input>200000=2.50, request=5', 'bucket=usd'),
      validFrom: validFrom('When it begins to hold (default: now, or from the start where there was no price)'),
      ...common,
    },
    positional: {
      kind: 'tuple',
      parameters: [{ parse: String, brief: 'Model id as it is sent; a trailing * is a prefix', placeholder: 'model' }],
    },
  },
  docs: { brief: 'State a price of your own; it wins over every list, and zero is a price' },
});

const remove = buildCommand<CommonFlags, [string], CliContext>({
  loader: async () => (await import('./set.ts')).removePrice,
  parameters: {
    flags: { ...common },
    positional: {
      kind: 'tuple',
      parameters: [{ parse: String, brief: 'Id of the row (prices list --all)', placeholder: 'price' }],
    },
  },
  docs: { brief: 'Remove a stated price' },
});

const reprice = buildCommand<RepriceFlags, [], CliContext>({
  loader: async () => (await import('./reprice.ts')).reprice,
  parameters: {
    flags: {
      since: { kind: 'parsed', parse: moment, brief: 'Start: 24h or 7d back, a day, an ISO time', placeholder: 'time' },
      until: { kind: 'parsed', parse: moment, optional: true, brief: 'End (default: now)', placeholder: 'time' },
      model: text('Only calls that asked for this model', 'name'),
      provider: text('Only calls that this provider answered', 'name'),
      deployment: text('Only this deployment', 'provider/model'),
      tenant: text('Only this tenant', 'id'),
      dryRun,
      yes: noQuestion,
      ...common,
    },
  },
  docs: { brief: 'Price stored calls again from their tokens; corrections are new rows that name the old ones' },
});

export const pricesRoutes = buildRouteMap({
  routes: { list, import: importList, check, set, remove, reprice },
  docs: { brief: 'Prices: what a million tokens cost, by whose word, and since when' },
});
