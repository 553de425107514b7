import { buildCommand, buildRouteMap } from '@stricli/core';
import type { CliContext } from '../context.ts';
import { common, future, span, text, wholeNumber, type CommonFlags } from '../flags.ts';
import type { LimitsNearFlags } from './limits-near.ts';
import type { LimitListFlags, LimitRaiseFlags, LimitSetFlags } from './limits.ts';

const id = { parse: String, brief: 'Id of the limit', placeholder: 'limit' } as const;
/** As the admin API has it. */
const MOST = 1_000_000_000_000;

const until = {
  kind: 'parsed',
  parse: future,
  optional: true,
  brief: 'Holds until then: a day or an ISO time',
  placeholder: 'time',
} as const;
const forSpan = {
  kind: 'parsed',
  parse: span,
  optional: true,
  brief: 'Holds so long, and ends by itself',
  placeholder: 'duration',
} as const;

function difference(input: string): number {
  const value = Number(input);
  if (/^[+-]?\d+$/.test(input) && value !== 0 && Math.abs(value) <= MOST) return value;
  throw new RangeError('expected a whole number such as 500 or -500');
}

const set = buildCommand<LimitSetFlags, [], CliContext>({
  loader: async () => (await import('./limits.ts')).setLimit,
  parameters: {
    flags: {
      level: {
        kind: 'enum',
        values: ['operator', 'tenant', 'team', 'feature', 'key', 'end_user'],
        default: 'tenant',
        brief: 'Whose use it limits',
      },
      tenant: text('Tenant (all levels but operator)', 'id'),
      id: text('Team, feature, key or end user; without it each has a limit of its own', 'id'),
      unit: {
        kind: 'enum',
        values: ['requests', 'input_tokens', 'output_tokens', 'total_tokens', 'concurrency'],
        default: 'requests',
        brief: 'What it counts; concurrency: calls in flight',
      },
      window: {
        kind: 'enum',
        values: ['minute', 'day'],
        optional: true,
        brief: 'Within any minute, or any 24 hours (default: minute; concurrency has none)',
      },
      limit: {
        kind: 'parsed',
        parse: wholeNumber({ min: 0, max: MOST }),
        brief: 'How much; 0 refuses every call',
        placeholder: 'count',
      },
      contact: text('Whom a refusal names', 'who'),
      until,
      for: forSpan,
      reason: text('Why it is changed for a time, for the audit', 'text'),
      ...common,
    },
  },
  docs: { brief: 'Set a limit; with --until or --for, for that time alone' },
});

const list = buildCommand<LimitListFlags, [], CliContext>({
  loader: async () => (await import('./limits.ts')).listLimits,
  parameters: { flags: { tenant: text('Only this tenant', 'id'), ...common } },
  docs: { brief: 'List limits with what is used and in flight' },
});

const raise = buildCommand<LimitRaiseFlags, [string], CliContext>({
  loader: async () => (await import('./limits.ts')).raiseLimit,
  parameters: {
    flags: {
      by: { kind: 'parsed', parse: difference, brief: 'How much to add; negative: to take away', placeholder: 'count' },
      until,
      for: forSpan,
      reason: { kind: 'parsed', parse: String, brief: 'Why, for the audit', placeholder: 'text' },
      ...common,
    },
    positional: { kind: 'tuple', parameters: [id] },
  },
  docs: { brief: 'Raise or lower a limit until a time; it ends by itself' },
});

const remove = buildCommand<CommonFlags, [string], CliContext>({
  loader: async () => (await import('./limits.ts')).removeLimit,
  parameters: { flags: { ...common }, positional: { kind: 'tuple', parameters: [id] } },
  docs: { brief: 'Remove a limit' },
});

const near = buildCommand<LimitsNearFlags, [], CliContext>({
  loader: async () => (await import('./limits-near.ts')).limitsNear,
  parameters: {
    flags: {
      tenant: text('Only limits of this tenant', 'id'),
      least: {
        kind: 'parsed',
        parse: wholeNumber({ min: 0, max: 10_000 }),
        default: '80',
        brief: 'Percent that are taken at least',
        placeholder: 'percent',
      },
      limit: {
        kind: 'parsed',
        parse: wholeNumber({ min: 1, max: 500 }),
        default: '50',
        brief: 'Rows to show',
        placeholder: 'count',
      },
      ...common,
    },
  },
  docs: { brief: 'Who is near a limit now, the fullest first; a limit for each of many by the fullest of them' },
});

export const limitsRoutes = buildRouteMap({
  routes: { set, list, near, raise, remove },
  docs: { brief: 'Limits: how many requests and tokens a minute or a day, and calls at once' },
});
