import { buildCommand, buildRouteMap } from '@stricli/core';
import type { CliContext } from '../context.ts';
import { common, span, text, usd, yes, type CommonFlags } from '../flags.ts';
import type { BudgetCreateFlags, BudgetListFlags, BudgetRaiseFlags } from './budgets.ts';

const id = { parse: String, brief: 'Id of the budget', placeholder: 'budget' } as const;

function warnAt(input: string): number {
  const value = input.endsWith('%') ? Number(input.slice(0, -1)) / 100 : Number(input);
  if (value > 0 && value <= 1) return value;
  throw new RangeError('expected a share such as 0.8 or 80%');
}

const create = buildCommand<BudgetCreateFlags, [], CliContext>({
  loader: async () => (await import('./budgets.ts')).createBudget,
  parameters: {
    flags: {
      level: {
        kind: 'enum',
        values: ['operator', 'tenant', 'team', 'feature', 'key', 'end_user'],
        default: 'tenant',
        brief: 'Whose money it limits',
      },
      tenant: text('Tenant (all levels but operator)', 'id'),
      id: text('Team, feature, key or end user; without it each has a budget of its own', 'id'),
      limit: { kind: 'parsed', parse: usd, brief: 'Limit in dollars', placeholder: 'usd' },
      window: text('day, week, month (calendar), total, or a rolling span such as 24h (default: month)', 'window'),
      timeZone: text('Time zone of calendar windows (default: UTC)', 'zone'),
      mode: {
        kind: 'enum',
        values: ['bounded', 'strict'],
        optional: true,
        brief: 'bounded reserves what is likely, strict the worst case: no overshoot (default: bounded)',
      },
      endWhenSpent: yes('A stream ends with an error when the money is gone (bounded only)'),
      warnAt: {
        kind: 'parsed',
        parse: warnAt,
        optional: true,
        variadic: true,
        brief: 'Shares of the limit at which to warn (default: 0.8)',
        placeholder: 'share',
      },
      unknownPrice: {
        kind: 'parsed',
        parse: usd,
        optional: true,
        brief: 'Reserve so much for a call whose model has no price (default: refuse it)',
        placeholder: 'usd',
      },
      contact: text('Whom a refusal names', 'who'),
      ...common,
    },
  },
  docs: { brief: 'Create a budget; it counts what was spent in its window already' },
});

const list = buildCommand<BudgetListFlags, [], CliContext>({
  loader: async () => (await import('./budgets.ts')).listBudgets,
  parameters: { flags: { tenant: text('Only this tenant', 'id'), ...common } },
  docs: { brief: 'List budgets with what is spent and reserved' },
});

const raise = buildCommand<BudgetRaiseFlags, [string], CliContext>({
  loader: async () => (await import('./budgets.ts')).raiseBudget,
  parameters: {
    flags: {
      by: { kind: 'parsed', parse: usd, brief: 'Dollars to add', placeholder: 'usd' },
      for: { kind: 'parsed', parse: span, brief: 'How long the raise lasts', placeholder: 'duration' },
      reason: { kind: 'parsed', parse: String, brief: 'Why, for the audit', placeholder: 'text' },
      ...common,
    },
    positional: { kind: 'tuple', parameters: [id] },
  },
  docs: { brief: 'Add money to a budget until a time; the raise expires by itself' },
});

const remove = buildCommand<CommonFlags, [string], CliContext>({
  loader: async () => (await import('./budgets.ts')).removeBudget,
  parameters: { flags: { ...common }, positional: { kind: 'tuple', parameters: [id] } },
  docs: { brief: 'Remove a budget' },
});

export const budgetsRoutes = buildRouteMap({
  routes: { create, list, raise, remove },
  docs: { brief: 'Budgets: money that a call must find before it passes' },
});
