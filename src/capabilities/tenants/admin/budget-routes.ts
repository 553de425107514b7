import { z } from 'zod';
import type { BudgetId } from '#kernel/brand.ts';
import { timeOrderedId } from '#kernel/ids.ts';
import type { Budget, BudgetWindow } from '#ports/state-store.ts';
import { potOf } from '../core/budget.ts';
import { isEach } from '../core/scope-index.ts';
import { budgetView } from '../me.ts';
import { modeFault, windowOf } from '../core/faults.ts';
import { budgetSettings, newBudget } from '../settings.ts';
import { changeable, commit, commitNow, declaredView, requireNone, theBudget } from './context.ts';
import type { AdminContext } from './context.ts';
import { duration, usd } from './fields.ts';
import { checkOpening, openingField, openingOf, openingView } from './opening.ts';
import { route, type AdminRoute } from './route.ts';
import { scopeOf } from './scope.ts';
import { given } from './tenant-routes.ts';
import { isoOrNull, jsonView } from './views.ts';

const tag = 'budgets';
const DAY_MS = 86_400_000;

const createBody = z.strictObject({ ...newBudget, opening: openingField });
const updateBody = z.strictObject(budgetSettings).partial();

export const budgetRoutes = (context: AdminContext): AdminRoute[] => [
  route('GET /admin/budgets', {
    tag,
    summary: 'List budgets with what is spent and reserved',
    query: z.strictObject({ tenant: z.string().optional() }),
    run: async (_, __, { whose }) => {
      const budgets = [...context.tenants.directory.budgets(whose)];
      return { budgets: await Promise.all(budgets.map((budget) => view(context, budget))) };
    },
  }),
  route('POST /admin/budgets', {
    tag,
    summary: 'Create a budget; it counts what was spent in its window already',
    status: 201,
    body: createBody,
    run: async (_, input, actor) => {
      const now = context.clock.now();
      const value: Budget = {
        id: timeOrderedId('bud_', now, context.rng) as BudgetId,
        scope: scopeOf(context, input, 'budget'),
        limitNanoUsd: input.limitUsd,
        window: windowOf(input.window, input.timeZone),
        mode: input.mode,
        endWhenSpent: input.endWhenSpent,
        warnAt: input.warnAt,
        unknownPriceNanoUsd: input.unknownPriceUsd,
        raise: null,
        opening: openingOf(input.opening, now),
        contact: input.contact,
        createdAt: now,
      };
      requireNone([modeFault(value)]);
      checkOpening(value, now);
      return view(context, await put(context, actor.actor, 'budget.create', value, input));
    },
  }),
  route('GET /admin/budgets/overshoot', {
    tag,
    summary: 'The largest overshoot that calls in flight can still cause',
    run: async () => {
      const { budgets, ...total } = context.tenants.overshoot();
      const each = budgets.map(({ budget, ...part }) => ({ budget: budget.id, scope: budget.scope, ...part }));
      return jsonView({ ...total, budgets: each });
    },
  }),
  route('GET /admin/budgets/:budget', {
    tag,
    summary: 'Show a budget',
    run: async ({ budget }, _, { whose }) => view(context, theBudget(context, whose, budget!)),
  }),
  route('PATCH /admin/budgets/:budget', {
    tag,
    summary: 'Change a budget; a changed window is counted anew from the ledger',
    body: updateBody,
    run: async (params, input, actor) => {
      const old = changeable(context, theBudget(context, actor.whose, params['budget']!));
      const { limitUsd, window, timeZone: zone, unknownPriceUsd, ...same } = input;
      const value = {
        ...old,
        ...given({ ...same, limitNanoUsd: limitUsd, unknownPriceNanoUsd: unknownPriceUsd }),
        window: changedWindow(old.window, window, zone),
      } as Budget;
      requireNone([modeFault(value)]);
      return view(context, await put(context, actor.actor, 'budget.update', value, input));
    },
  }),
  route('POST /admin/budgets/:budget/raise', {
    tag,
    summary: 'Add money until a time; the raise expires by itself, and holds at once even while the store is away',
    body: z.strictObject({ byUsd: usd, for: duration(366 * DAY_MS), reason: z.string().trim().min(1).max(256) }),
    run: async (params, input, { actor, whose }) => {
      const old = changeable(context, theBudget(context, whose, params['budget']!));
      const until = (context.clock.now() + input.for) as Budget['createdAt'];
      const value: Budget = { ...old, raise: { byNanoUsd: input.byUsd, until, actor, reason: input.reason } };
      const kept = await commitNow(
        context,
        { actor },
        {
          changes: [{ put: 'budget', value }],
          action: 'budget.raise',
          subject: value.id,
          tenant: value.scope.tenant,
          detail: { ...input, until },
        },
      );
      return { ...(await view(context, value)), kept };
    },
  }),
  route('DELETE /admin/budgets/:budget', {
    tag,
    summary: 'Remove a budget',
    run: async (params, _, actor) => {
      const { id, scope } = changeable(context, theBudget(context, actor.whose, params['budget']!));
      await commit(context, actor, {
        changes: [{ remove: 'budget', id }],
        action: 'budget.remove',
        subject: id,
        tenant: scope.tenant,
        detail: {},
      });
      return { id, removed: true };
    },
  }),
];

async function put(
  context: AdminContext,
  actor: string,
  action: string,
  value: Budget,
  detail: object,
): Promise<Budget> {
  const { tenant } = value.scope;
  await commit(context, { actor }, { changes: [{ put: 'budget', value }], action, subject: value.id, tenant, detail });
  return value;
}

/** A budget for each of many has no one figure: spent and reserved are null. */
async function view(context: AdminContext, budget: Budget): Promise<object> {
  const now = context.clock.now();
  const pot = potOf(budget);
  const [state] = isEach(budget.scope) ? [] : await context.tenants.spentOf({ budget, pot });
  const shown = budgetView({ budget }, state ?? { spentNanoUsd: 0n as never, reservedNanoUsd: 0n as never }, now);
  const { raise, unknownPriceNanoUsd, ...rest } = budget;
  return {
    id: budget.id,
    ...shown,
    scope: budget.scope,
    ...(!state && { spentUsd: null, reservedUsd: null }),
    endWhenSpent: rest.endWhenSpent,
    warnAt: rest.warnAt,
    unknownPriceUsd: jsonView(unknownPriceNanoUsd),
    opening: openingView(budget, now),
    raise: raise && raise.until > now ? (jsonView({ ...raise, until: isoOrNull(raise.until) }) as object) : null,
    createdAt: isoOrNull(budget.createdAt),
    declared: declaredView(context, budget),
  };
}

function changedWindow(old: BudgetWindow, text: string | undefined, zone: string | undefined): BudgetWindow {
  const oldZone = old.kind === 'calendar' ? old.timeZone : 'UTC';
  if (text !== undefined) return windowOf(text, zone ?? oldZone);
  return old.kind === 'calendar' ? { ...old, timeZone: zone ?? oldZone } : old;
}
