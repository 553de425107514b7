import { z } from 'zod';
import type { CallId, EpochMs } from '#kernel/brand.ts';
import { HeadgateError } from '#kernel/errors.ts';
import type { Whose } from '#kernel/whose.ts';
import { CALL_KINDS } from '#ports/entry.ts';
import type { Dimension } from '#ports/ledger-store.ts';
import type { AdminContext } from './context.ts';
import { duration, limit, time } from './fields.ts';
import { didYouMean, route, type AdminRoute } from './route.ts';
import { given } from './tenant-routes.ts';
import { recentSessions } from './session-list.ts';
import { spendView } from './spend-view.ts';
import { isoOrNull, jsonView } from './views.ts';

const DAY_MS = 86_400_000;
const MOST_SINCE_MS = 3_660 * DAY_MS;

const DIMENSIONS = [
  'tenant',
  'team',
  'feature',
  'key',
  'kind',
  'purpose',
  'model',
  'deployment',
  'provider',
  'outcome',
  'environment',
];
/** More dimensions at once are a table that nobody reads. */
const MOST_DIMENSIONS = 6;

const text = z.string().max(256).optional();
export const filters = {
  since: duration(MOST_SINCE_MS)
    .optional()
    .describe('Window that ends now: 24h, 7d. Default 24h where `from` is absent.'),
  from: z.coerce.number().int().optional().or(time.optional()),
  to: z.coerce.number().int().optional().or(time.optional()),
  tenant: text,
  team: text,
  feature: text,
  key: text,
  session: text,
  endUser: text,
  model: text,
  provider: text,
  deployment: text,
  kind: z.enum(CALL_KINDS).optional(),
  purpose: text,
  outcome: z
    .enum(['ok', 'provider_error', 'timeout', 'truncated', 'cancelled', 'refused', 'interrupted', 'internal_error'])
    .optional(),
  environment: text,
  label: z
    .string()
    .regex(/^[^=]{1,32}=.{1,64}$/, 'is name=value')
    .optional(),
};

interface Window {
  readonly since?: number | undefined;
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  readonly label?: string | undefined;
  /** Said by `whose` in what is asked. */
  readonly tenant?: string | undefined;
}

/** Filter of a ledger question, by whose data may be read; half-open in time. */
export function filterOf<T extends Window>(
  { since, from, to, label, tenant: _, ...rest }: T,
  now: number,
  whose: Whose,
) {
  const end = to ?? now + 1;
  const cut = label?.indexOf('=') ?? -1;
  return {
    ...given(rest),
    whose,
    from: (from ?? end - (since ?? DAY_MS)) as EpochMs,
    to: end as EpochMs,
    ...(label !== undefined && { label: { name: label.slice(0, cut), value: label.slice(cut + 1) } }),
  };
}

export const ledgerRoutes = (context: AdminContext): AdminRoute[] => [
  route('GET /admin/spend', {
    tag: 'ledger',
    summary: 'Spend, calls and tokens by dimension over a window',
    query: z.strictObject({
      ...filters,
      by: z.string().max(256).default('tenant').describe('Dimensions, divided by commas: tenant,model,label:env.'),
      bucket: z.enum(['minute', 'hour', 'day']).optional(),
      figures: z
        .enum(['sketches', 'quantiles', 'sums'])
        .default('sketches')
        .describe('Latency as mergeable sketches, as p50, p95 and p99, or not at all.'),
    }),
    run: async (_, { by, figures, ...question }, { whose }) => {
      const dimensions = dimensionsOf(by);
      const asked = filterOf(question, context.clock.now(), whose);
      const rows = await context.ledger.spend({ ...asked, by: dimensions, sketches: figures !== 'sums' } as never);
      const shown = rows.map((row) => spendView(row, figures));
      return jsonView({ from: isoOrNull(asked.from), to: isoOrNull(asked.to), by: dimensions, rows: shown });
    },
  }),
  route('GET /admin/sessions', {
    tag: 'ledger',
    summary: 'Sessions with the newest calls, newest first: calls, models, cost, cache reads, where they failed',
    query: z.strictObject({ ...filters, limit: limit(100, 50), before: text }),
    run: async (_, { limit: most, before, ...question }, { whose }) => {
      const filter = filterOf(question, context.clock.now(), whose) as never;
      const { sessions, ...page } = await recentSessions(context.ledger, {
        filter,
        limit: most,
        before: before as CallId | undefined,
      });
      return jsonView({ ...page, sessions: sessions.map((line) => ({ ...line, lastAt: isoOrNull(line.lastAt) })) });
    },
  }),
  route('GET /admin/calls', {
    tag: 'ledger',
    summary: 'Rows of calls, newest first; with `after`, oldest first',
    query: z.strictObject({
      ...filters,
      limit: limit(1_000, 50),
      before: text,
      after: text,
      counted: z
        .literal('true')
        .transform((): true => true)
        .optional()
        .describe('Only rows that count: without those that a correction has replaced.'),
    }),
    run: async (_, question, { whose }) => {
      const calls = await context.ledger.calls(filterOf(question, context.clock.now(), whose) as never);
      return jsonView({ calls });
    },
  }),
  route('GET /admin/calls/:call', {
    tag: 'ledger',
    summary: 'One call with its attempts',
    run: async ({ call }, _, { whose }) => {
      const entry = await context.ledger.call(call as CallId, whose);
      if (!entry)
        throw new HeadgateError('not_found', { message: 'There is no such call, or it is older than the retention.' });
      return jsonView(entry);
    },
  }),
  route('GET /admin/audit', {
    tag: 'audit',
    summary: 'Who changed what, newest first',
    query: z.strictObject({ tenant: text, limit: limit(1_000, 100), before: text }),
    run: async (_, { limit: most, before }, { whose }) => {
      const entries = await context.tenants.audit({ whose, limit: most, ...given({ before }) });
      return {
        entries: entries.map((entry) => ({
          ...entry,
          at: isoOrNull(entry.at),
          detail: JSON.parse(entry.detail) as unknown,
        })),
      };
    },
  }),
];

function dimensionsOf(list: string): Dimension[] {
  const names = [
    ...new Set(
      list
        .split(',')
        .map((name) => name.trim())
        .filter((name) => name !== ''),
    ),
  ];
  if (names.length > MOST_DIMENSIONS)
    throw new HeadgateError('invalid_request', { field: 'by', message: `by: at most ${MOST_DIMENSIONS} dimensions.` });
  for (const name of names) {
    if (DIMENSIONS.includes(name) || /^label:.{1,32}$/.test(name)) continue;
    const message = `by: there is no dimension \`${name}\`.${didYouMean(name, DIMENSIONS)} Known: ${DIMENSIONS.join(', ')}, label:<name>.`;
    throw new HeadgateError('invalid_request', { field: 'by', message });
  }
  return names as Dimension[];
}
