import { z } from 'zod';
import { limitShares, type LimitShare } from '../limit-shares.ts';
import type { AdminContext } from './context.ts';
import { limit } from './fields.ts';
import { route, type AdminRoute } from './route.ts';
import { isoOrNull } from './views.ts';

/** From here on somebody is near a limit: what `headgate now` warns of too. */
const NEAR = 0.8;
const MOST = 500;
const USUAL = 50;

/** Who is near a limit now. */
export const limitUseRoute = (context: AdminContext): AdminRoute =>
  route('GET /admin/limit-use', {
    tag: 'limits',
    summary: 'Who is near a limit now: limits by the share of them that is taken, the fullest first',
    query: z.strictObject({
      tenant: z.string().max(128).optional(),
      level: z.enum(['operator', 'tenant', 'team', 'feature', 'key', 'end_user']).optional(),
      least: z.coerce
        .number()
        .min(0)
        .max(100)
        .default(0)
        .describe('Only limits of which at least this share is taken: 0.8.'),
      limit: limit(MOST, USUAL),
      offset: z.coerce.number().int().min(0).default(0),
    }),
    run: async (_, { level, least, limit: most, offset }, { whose }) => {
      const now = context.clock.now();
      const asked = { now, whose, features: context.features() };
      const { shares, notLooked, leftOut } = await limitShares(context.tenants, asked);
      const own = shares.filter((one) => level === undefined || one.limit.scope.level === level);
      const found = own.filter(({ share }) => share >= least);
      return {
        report: 'limit_use',
        at: isoOrNull(now),
        limits: own.length,
        near: own.filter(({ share }) => share >= NEAR).length,
        full: own.filter(({ share }) => share >= 1).length,
        refused: own.reduce((sum, one) => sum + one.refused, 0),
        eachEndUser: notLooked.filter(({ scope }) => level === undefined || scope.level === level).length,
        leftOut,
        total: found.length,
        rows: found.slice(offset, offset + most).map((one) => limitShareView(context, one)),
      };
    },
  });

/** `raise` is one that holds; `subject` the fullest of a limit for each of many; `keyName` of the key that it is about. */
export function limitShareView({ clock, tenants }: Pick<AdminContext, 'clock' | 'tenants'>, one: LimitShare) {
  const { limit: own, subject, most, used, reserved, share, refused } = one;
  const { id, scope, unit, window, raise, contact } = own;
  const holds = raise !== null && raise.until > clock.now();
  const keyName = scope.level === 'key' ? tenants.directory.key(scope.id ?? subject ?? '')?.name : null;
  return {
    ...{
      id,
      scope,
      subject,
      keyName: keyName ?? null,
      unit,
      window,
      limit: most,
      used,
      reserved,
      share,
      refused,
      contact,
    },
    raise: holds ? { ...raise, until: isoOrNull(raise.until) } : null,
  };
}
