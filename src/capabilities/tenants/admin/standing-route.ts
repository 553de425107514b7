import { z } from 'zod';
import type { EpochMs } from '#kernel/brand.ts';
import { HeadgateError } from '#kernel/errors.ts';
import type { Books } from '../attribution/books.ts';
import { countsOf, ONLY, ordered, SORTS, sumsOf, type Standing } from '../standing/core/standing.ts';
import { TenantStandings, type Standings } from '../standing/standings.ts';
import type { AdminContext } from './context.ts';
import { limit } from './fields.ts';
import { filters } from './ledger-routes.ts';
import { limitShareView } from './limit-use-route.ts';
import { route, type AdminRoute } from './route.ts';
import { isoOrNull, jsonView } from './views.ts';

const DAY_MS = 86_400_000;
const MOST = 200;
const USUAL = 50;

const query = z.strictObject({
  ...{ since: filters.since, from: filters.from, to: filters.to, environment: filters.environment },
  search: z.string().max(128).optional().describe('Part of the id or the name.'),
  only: z
    .enum(ONLY)
    .optional()
    .describe(
      '`near`: four fifths of a limit or budget are taken; `failing`: 2 % of calls or more; `fell`: quality; `loss`: costs more than it pays.',
    ),
  sort: z.enum(SORTS).default('cost'),
  order: z.enum(['asc', 'desc']).optional().describe('Default: the largest first; names and margins: the least.'),
  limit: limit(MOST, USUAL),
  offset: z.coerce.number().int().min(0).default(0),
});

/** How each tenant stands, a page at a time. */
export function standingRoute(context: AdminContext, books: Books): AdminRoute {
  const { ledger, tenants, features, clock, quality } = context;
  const standings = new TenantStandings({
    ...{ ledger, tenants, features, books, now: () => clock.now() },
    quality: async () => (await quality?.()) ?? [],
  });
  return route('GET /admin/tenant-report', {
    tag: 'tenants',
    summary:
      'How each tenant stands: calls and spend of a window, margin of the month, limits, budgets, health, quality',
    query,
    run: async (_, { since, from, to, environment, search, only, sort, limit: most, offset, ...rest }) => {
      const window = windowOf({ since, from, to }, clock.now());
      const found = await standings.of({ window, environment });
      const order = rest.order ?? (sort === 'tenant' || sort === 'margin' ? 'asc' : 'desc');
      const matching = ordered(found.rows, { search, only, sort, order });
      return jsonView({
        ...headOf(found),
        ...{ sort, order, tenants: found.rows.length, total: matching.length },
        counts: countsOf(found.rows),
        sums: sumsOf(matching),
        rows: matching.slice(offset, offset + most).map((one) => view(context, one)),
      });
    },
  });
}

interface Window {
  readonly since: number | undefined;
  readonly from: number | undefined;
  readonly to: number | undefined;
}

/** A window that ends now is one question, whenever it is asked. */
function windowOf({ since, from, to }: Window, now: number) {
  if (from === undefined && to === undefined) return { lastMs: since ?? DAY_MS };
  const end = to ?? now + 1;
  const start = from ?? end - (since ?? DAY_MS);
  if (start < end) return { from: start as EpochMs, to: end as EpochMs };
  throw new HeadgateError('invalid_request', { field: 'to', message: 'The window ends before it begins.' });
}

function headOf({ at, from, to, month, reading }: Standings): object {
  const nobody = month?.value.lines.find(({ tenant }) => tenant === null);
  const { lines: _, report: __, ...head } = month?.value ?? { lines: [], report: 'margin' };
  return {
    ...{ report: 'tenant_report', at: isoOrNull(at as EpochMs), from: isoOrNull(from), to: isoOrNull(to), reading },
    month: month && { ...head, at: isoOrNull(month.at as EpochMs), nobodyNanoUsd: nobody?.costNanoUsd ?? 0n },
  };
}

function view(context: AdminContext, { month, limit: fullest, budget, quality, ...one }: Standing): object {
  const { tenant, name, plan, disabled, p99Ms, limits, budgets } = one;
  const { calls, errors, costNanoUsd, unknownCostCalls, estimatedNanoUsd } = one;
  return {
    ...{ tenant, name, plan, disabled, calls, errors, p99Ms, costNanoUsd, unknownCostCalls, estimatedNanoUsd },
    month: month && { ...month, tenant: undefined },
    ...{ limits, limit: fullest && limitShareView(context, fullest), budgets },
    budget: budget && {
      ...{ id: budget.budget.id, scope: budget.budget.scope, window: budget.budget.window, mode: budget.budget.mode },
      ...{ warnAt: budget.budget.warnAt, share: budget.share },
      ...{ limitNanoUsd: budget.limitNanoUsd, spentNanoUsd: budget.spentNanoUsd },
      reservedNanoUsd: budget.reservedNanoUsd,
    },
    quality: quality && { ...quality, tenant: undefined },
  };
}
