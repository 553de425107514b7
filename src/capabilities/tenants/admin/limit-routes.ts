import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import type { EpochMs, LimitId } from '#kernel/brand.ts';
import { HeadgateError } from '#kernel/errors.ts';
import { timeOrderedId } from '#kernel/ids.ts';
import type { Limit } from '#ports/state-store.ts';
import { unitFault, windowOfUnit } from '../core/faults.ts';
import { whoseScope } from '../core/scope-index.ts';
import { isEach } from '../core/scope-index.ts';
import { limitView } from '../limit-view.ts';
import { limitSettings, newLimit } from '../settings.ts';
import { changeable, commit, commitNow, declaredView, requireNone, theLimit, type AdminContext } from './context.ts';
import { duration, MOST_COUNTED, time } from './fields.ts';
import { route, type AdminRoute } from './route.ts';
import { scopeOf } from './scope.ts';
import { given } from './tenant-routes.ts';
import { isoOrNull } from './views.ts';

const tag = 'limits';
const LONGEST_RAISE_MS = 366 * 86_400_000;

const raiseBody = z.strictObject({
  by: z
    .number()
    .int()
    .min(-MOST_COUNTED)
    .max(MOST_COUNTED)
    .refine((by) => by !== 0, { message: 'is not 0' })
    .describe('How much to add; negative: to take away.'),
  for: duration(LONGEST_RAISE_MS).optional(),
  until: time.optional(),
  reason: z.string().trim().min(1).max(256),
});

export const limitRoutes = (context: AdminContext): AdminRoute[] => [
  route('GET /admin/limits', {
    tag,
    summary: 'List limits with what is used and reserved',
    query: z.strictObject({ tenant: z.string().optional() }),
    run: async (_, __, { whose }) => {
      const limits = [...context.tenants.directory.limits(whose)];
      return { limits: await Promise.all(limits.map((limit) => view(context, limit))) };
    },
  }),
  route('POST /admin/limits', {
    tag,
    summary: 'Create a limit of requests, tokens or calls in flight; it counts from now on',
    status: 201,
    body: z.strictObject(newLimit),
    run: async (_, input, { actor }) => {
      const now = context.clock.now();
      requireNone([unitFault(input.unit, input.window)]);
      const value: Limit = {
        id: timeOrderedId('lim_', now, context.rng) as LimitId,
        scope: scopeOf(context, input, 'limit'),
        unit: input.unit,
        window: windowOfUnit(input.unit, input.window),
        limit: input.limit,
        raise: null,
        contact: input.contact,
        createdAt: now,
      };
      requireNew(context, value);
      return view(context, await put(context, { actor, action: 'limit.create', detail: input }, value));
    },
  }),
  route('GET /admin/limits/:limit', {
    tag,
    summary: 'Show a limit',
    run: async ({ limit }, _, { whose }) => view(context, theLimit(context, whose, limit!)),
  }),
  route('PATCH /admin/limits/:limit', {
    tag,
    summary: 'Change a limit; what it has counted stays counted',
    body: z.strictObject(limitSettings).partial(),
    run: async (params, input, { actor, whose }) => {
      const old = changeable(context, theLimit(context, whose, params['limit']!));
      const value: Limit = { ...old, ...given(input) };
      return view(context, await put(context, { actor, action: 'limit.update', detail: input }, value));
    },
  }),
  route('POST /admin/limits/:limit/raise', {
    tag,
    summary:
      'Raise a limit, or lower it, until a time; it expires by itself, and holds at once even while the store is away',
    body: raiseBody,
    run: async (params, input, { actor, whose }) => {
      const old = changeable(context, theLimit(context, whose, params['limit']!));
      const until = untilOf(input, context.clock.now());
      const value: Limit = { ...old, raise: { by: input.by, until, actor, reason: input.reason } };
      const { tenant } = value.scope;
      const detail = { ...input, until };
      const change = {
        changes: [{ put: 'limit', value }],
        action: 'limit.raise',
        subject: value.id,
        tenant,
        detail,
      } as const;
      const kept = await commitNow(context, { actor }, change);
      return { ...(await view(context, value)), kept };
    },
  }),
  route('DELETE /admin/limits/:limit', {
    tag,
    summary: 'Remove a limit',
    run: async (params, _, actor) => {
      const { id, scope } = changeable(context, theLimit(context, actor.whose, params['limit']!));
      const changes = [{ remove: 'limit', id }] as const;
      await commit(context, actor, { changes, action: 'limit.remove', subject: id, tenant: scope.tenant, detail: {} });
      return { id, removed: true };
    },
  }),
];

interface Putting {
  readonly actor: string;
  readonly action: string;
  readonly detail: object;
}

async function put(context: AdminContext, { actor, action, detail }: Putting, value: Limit): Promise<Limit> {
  const { tenant } = value.scope;
  await commit(context, { actor }, { changes: [{ put: 'limit', value }], action, subject: value.id, tenant, detail });
  return value;
}

/** Two limits of one scope, unit and window: the larger would never hold, and nobody would see why. */
function requireNew(context: AdminContext, { scope, unit, window }: Limit): void {
  for (const limit of context.tenants.directory.limits(whoseScope(scope))) {
    if (limit.unit !== unit || limit.window !== window || !isDeepStrictEqual(limit.scope, scope)) continue;
    const { id } = changeable(context, limit);
    throw new HeadgateError('conflict', { message: `\`${id}\` limits the same already: change that one.` });
  }
}

function untilOf({ for: ms, until }: z.output<typeof raiseBody>, now: EpochMs): EpochMs {
  const wrong = (message: string) => new HeadgateError('invalid_request', { field: 'until', message });
  if ((ms === undefined) === (until === undefined)) throw wrong('Give either `for` or `until`.');
  const end = until ?? ((now + ms!) as EpochMs);
  if (end <= now || end > now + LONGEST_RAISE_MS) throw wrong('`until` is a time within the next 366 days.');
  return end;
}

/** A limit for each of many has no one figure: used and reserved are null. */
async function view(context: AdminContext, limit: Limit): Promise<object> {
  const now = context.clock.now();
  const state = isEach(limit.scope) ? null : await context.tenants.usedOf(limit);
  const { raise } = limit;
  return {
    id: limit.id,
    ...limitView(limit, state ?? { used: null, reserved: null }, now),
    scope: limit.scope,
    usual: limit.limit,
    raise: raise && raise.until > now ? { ...raise, until: isoOrNull(raise.until) } : null,
    createdAt: isoOrNull(limit.createdAt),
    declared: declaredView(context, limit),
  };
}
