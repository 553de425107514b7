import { z } from 'zod';
import type { BudgetId, EpochMs } from '#kernel/brand.ts';
import { HeadgateError } from '#kernel/errors.ts';
import { timeOrderedId } from '#kernel/ids.ts';
import { parseDuration } from '#kernel/config/primitives.ts';
import type { Budget, BudgetScope, BudgetWindow } from '#ports/state-store.ts';
import { isEach, potName } from '../core/budget.ts';
import { budgetView } from '../me.ts';
import { openingSpend } from '../rebuild.ts';
import { commit, knownFeature, theBudget, theKey, theTeam, theTenant, type AdminContext } from './context.ts';
import { contact, duration, time, timeZone, usd, windowField } from './fields.ts';
import { route, type AdminRoute } from './route.ts';
import { given } from './tenant-routes.ts';
import { isoOrNull, jsonView } from './views.ts';

const tag = 'budgets';
const DAY_MS = 86_400_000;

const settings = {
  limitUsd: usd,
  window: windowField,
  timeZone,
  mode: z.enum(['bounded', 'strict']),
  endWhenSpent: z.boolean(),
  warnAt: z
    .array(z.number().gt(0).max(1))
    .max(8)
    .overwrite((shares) => shares.sort((a, b) => a - b)),
  unknownPriceUsd: usd.nullable().describe('Reservation for a call whose model has no price; null refuses it.'),
  contact: contact.nullable(),
};
/** Only at creation: a pot that has been charged already would have to be counted anew. */
const opening = z
  .strictObject({
    spentUsd: usd,
    at: time.optional().describe('The instant at which it counts as spent; default: now.'),
    source: z.string().trim().min(1).max(64),
  })
  .nullable()
  .default(null)
  .describe('Spent already by the count of an earlier gateway. It leaves the budget as spending of that instant does.');
const createBody = z.strictObject({
  level: z.enum(['operator', 'tenant', 'team', 'feature', 'key', 'end_user']),
  tenant: z.string().optional(),
  id: z
    .string()
    .max(128)
    .optional()
    .describe('Team, feature, key or end user (HMAC); absent: a budget of its own for each of them.'),
  limitUsd: settings.limitUsd,
  window: settings.window.default('month'),
  timeZone: settings.timeZone.default('UTC'),
  mode: settings.mode.default('bounded'),
  endWhenSpent: settings.endWhenSpent.default(false),
  warnAt: settings.warnAt.default([0.8]),
  unknownPriceUsd: settings.unknownPriceUsd.default(null),
  contact: settings.contact.default(null),
  opening,
});
const updateBody = z.strictObject(settings).partial();

export const budgetRoutes = (context: AdminContext): AdminRoute[] => [
  route('GET /admin/budgets', {
    tag,
    summary: 'List budgets with what is spent and reserved',
    query: z.strictObject({ tenant: z.string().optional() }),
    run: async (_, { tenant }) => {
      const budgets = [...context.tenants.directory.budgets()].filter(
        ({ scope }) => !tenant || scope.tenant === tenant,
      );
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
        scope: scopeOf(context, input),
        limitNanoUsd: input.limitUsd,
        window: windowOf(input.window, input.timeZone),
        mode: input.mode,
        endWhenSpent: input.endWhenSpent,
        warnAt: input.warnAt,
        unknownPriceNanoUsd: input.unknownPriceUsd,
        raise: null,
        opening: openingOf(input, now),
        contact: input.contact,
        createdAt: now,
      };
      checkMode(value);
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
    run: async ({ budget }) => view(context, theBudget(context, budget!)),
  }),
  route('PATCH /admin/budgets/:budget', {
    tag,
    summary: 'Change a budget; a changed window is counted anew from the ledger',
    body: updateBody,
    run: async (params, input, actor) => {
      const old = theBudget(context, params['budget']!);
      const { limitUsd, window, timeZone: zone, unknownPriceUsd, ...same } = input;
      const value = {
        ...old,
        ...given({ ...same, limitNanoUsd: limitUsd, unknownPriceNanoUsd: unknownPriceUsd }),
        window: changedWindow(old.window, window, zone),
      } as Budget;
      checkMode(value);
      return view(context, await put(context, actor.actor, 'budget.update', value, input));
    },
  }),
  route('POST /admin/budgets/:budget/raise', {
    tag,
    summary: 'Add money until a time; the raise expires by itself',
    body: z.strictObject({ byUsd: usd, for: duration(366 * DAY_MS), reason: z.string().trim().min(1).max(256) }),
    run: async (params, input, { actor }) => {
      const old = theBudget(context, params['budget']!);
      const until = (context.clock.now() + input.for) as Budget['createdAt'];
      const value: Budget = { ...old, raise: { byNanoUsd: input.byUsd, until, actor, reason: input.reason } };
      return view(context, await put(context, actor, 'budget.raise', value, { ...input, until }));
    },
  }),
  route('DELETE /admin/budgets/:budget', {
    tag,
    summary: 'Remove a budget',
    run: async (params, _, actor) => {
      const { id, scope } = theBudget(context, params['budget']!);
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
  const pot = potName(budget, null);
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
  };
}

/** `counts`: still part of what is spent. */
function openingView(budget: Budget, now: EpochMs): object | null {
  if (!budget.opening) return null;
  const counts = openingSpend({ budget, pot: potName(budget, null) }, now).length > 0;
  return jsonView({ ...budget.opening, at: isoOrNull(budget.opening.at), counts }) as object;
}

const openingOf = ({ opening: given }: z.output<typeof createBody>, now: EpochMs): Budget['opening'] =>
  given && { spentNanoUsd: given.spentUsd, at: given.at ?? now, source: given.source };

function checkOpening({ opening: given, scope }: Budget, now: EpochMs): void {
  if (!given) return;
  const wrong = (message: string) => new HeadgateError('invalid_request', { field: 'opening', message });
  if (isEach(scope)) throw wrong('A budget that is a pot for each of many has no one opening balance.');
  if (given.at > now) throw wrong('opening.at: an opening balance was spent in the past.');
}

function scopeOf(context: AdminContext, { level, tenant, id }: z.output<typeof createBody>): BudgetScope {
  const wrong = (field: string, message: string) => new HeadgateError('invalid_request', { field, message });
  if (level === 'operator') {
    if (tenant !== undefined || id !== undefined)
      throw wrong('level', 'The operator’s budget names no tenant and no id.');
    return { level, tenant: null, id: null };
  }
  if (tenant === undefined) throw wrong('tenant', `A budget of a ${level} names its tenant.`);
  const { id: owner } = theTenant(context, tenant);
  if (level === 'tenant' && id !== undefined) throw wrong('id', 'A budget of a tenant names no id.');
  if (id === undefined || level === 'tenant') return { level, tenant: owner, id: null };
  if (level === 'team' && theTeam(context, id).tenant !== owner) throw wrong('id', 'The team is another tenant’s.');
  if (level === 'key' && theKey(context, id).tenant !== owner) throw wrong('id', 'The key is another tenant’s.');
  if (level === 'feature') knownFeature(context, id, 'id');
  if (level === 'end_user' && !/^[0-9a-f]{32}$/.test(id))
    throw wrong('id', 'An end user is named by the 32 hex digits that the ledger shows.');
  return { level, tenant: owner, id };
}

function windowOf(text: string, zone: string): BudgetWindow {
  if (text === 'total') return { kind: 'total' };
  if (text === 'day' || text === 'week' || text === 'month') return { kind: 'calendar', unit: text, timeZone: zone };
  return { kind: 'rolling', ms: parseDuration(text)! };
}

function changedWindow(old: BudgetWindow, text: string | undefined, zone: string | undefined): BudgetWindow {
  const oldZone = old.kind === 'calendar' ? old.timeZone : 'UTC';
  if (text !== undefined) return windowOf(text, zone ?? oldZone);
  return old.kind === 'calendar' ? { ...old, timeZone: zone ?? oldZone } : old;
}

function checkMode({ mode, endWhenSpent }: Budget): void {
  if (mode !== 'strict' || !endWhenSpent) return;
  const message = '`endWhenSpent` belongs to `bounded`: a strict budget pays for the whole answer before it begins.';
  throw new HeadgateError('invalid_request', { field: 'endWhenSpent', message });
}
