import { z } from 'zod';
import type { EpochMs } from '#kernel/brand.ts';
import { iso, type Clock } from '#kernel/clock.ts';
import { HeadgateError } from '#kernel/errors.ts';
import { timeOrderedId } from '#kernel/ids.ts';
import type { Rng } from '#kernel/rng.ts';
import { inForce, type Drain } from '#ports/state-store.ts';
import type { Tenants } from '#capabilities/tenants/index.ts';
import { commitNow, duration, route, type AdminRoute } from '#capabilities/tenants/routes.ts';
import { drainTarget, strandedModels, type Known } from './core/drain.ts';

export interface DrainParts {
  readonly tenants: Tenants;
  readonly clock: Clock;
  readonly rng: Rng;
  /** What the configuration in force names. */
  readonly known: Known;
}

const tag = 'drains';
/** Longer than an incident: what is to be gone for good is taken out of the file. */
const LONGEST_MS = 30 * 86_400_000;
/** Each call asks all of them. */
const MOST_DRAINS = 100;

export interface DrainView {
  readonly id: string;
  readonly level: Drain['target']['level'];
  readonly target: string;
  readonly reason: string;
  readonly actor: string;
  readonly startedAt: string;
  readonly until: string;
}

/** Drains: for an incident, so that they hold at once on this node, with or without its store. */
export const drainRoutes = (present: () => DrainParts): AdminRoute[] => [
  route('GET /admin/drains', {
    tag,
    summary: 'List what is drained now, and which models nothing serves meanwhile',
    run: async () => listed(present()),
  }),
  route('POST /admin/drains', {
    tag,
    summary: 'Send no new calls to a provider, a deployment or a model until a time; it ends by itself',
    status: 201,
    atOnce: true,
    body: z.strictObject({
      target: z.string().min(1).max(512).describe('Name of a provider or a model, or `provider/model`.'),
      level: z.enum(['provider', 'deployment', 'model']).optional().describe('Where the name means more than one.'),
      for: duration(LONGEST_MS).default(30 * 60_000),
      reason: z.string().trim().min(1).max(256),
    }),
    run: async (_, input, { actor }) => {
      const parts = present();
      const target = drainTarget(input.target, input.level ?? null, parts.known);
      if (!target.ok) throw new HeadgateError('not_found', { field: 'target', message: target.error });
      const now = parts.clock.now();
      if (live(parts).length >= MOST_DRAINS)
        throw new HeadgateError('conflict', { message: `${MOST_DRAINS} drains are in force already.` });
      const value: Drain = {
        kind: 'drain',
        id: timeOrderedId('drn_', now, parts.rng),
        target: target.value,
        reason: input.reason,
        actor,
        startedAt: now,
        until: (now + input.for) as EpochMs,
      };
      const kept = await commitNow(
        parts,
        { actor },
        {
          changes: [{ put: 'lever', value }, ...parts.tenants.directory.dropOver(now)],
          action: 'drain.start',
          subject: value.id,
          tenant: null,
          detail: { ...input, ...target.value, until: value.until },
        },
      );
      return { ...drainView(value), kept, unserved: listed(parts).unserved };
    },
  }),
  route('DELETE /admin/drains/:drain', {
    tag,
    summary: 'End a drain before its time',
    atOnce: true,
    run: async ({ drain: id }, _, { actor }) => {
      const parts = present();
      const found = live(parts).find((one) => one.id === id);
      if (!found) throw new HeadgateError('not_found', { message: `No drain \`${id!.slice(0, 128)}\` is in force.` });
      const kept = await commitNow(
        parts,
        { actor },
        {
          changes: [{ remove: 'lever', id: found.id }],
          action: 'drain.stop',
          subject: found.id,
          tenant: null,
          detail: { ...found.target },
        },
      );
      return { ...drainView(found), stopped: true, kept };
    },
  }),
];

const live = ({ tenants, clock }: DrainParts): readonly Drain[] => inForce(tenants.directory.drains, clock.now());

function listed(parts: DrainParts) {
  const drains = live(parts);
  return {
    drains: drains.map(drainView),
    unserved: drains.length === 0 ? [] : strandedModels(parts.known.models, drains),
  };
}

export const drainView = ({ id, target, reason, actor, startedAt, until }: Drain): DrainView => ({
  id,
  level: target.level,
  target: target.name,
  reason,
  actor,
  startedAt: iso(startedAt),
  until: iso(until),
});
