/** Who is near a limit: every limit with the share of it that is taken, the fullest first. */
import type { EpochMs, TenantId } from '#kernel/brand.ts';
import type { Whose } from '#kernel/whose.ts';
import type { BudgetLevel, Limit } from '#ports/state-store.ts';
import { figureAt, type LimitSubject } from './core/limit.ts';
import { isEach } from './core/scope-index.ts';
import { takenShare } from './limits-now.ts';
import type { Tenants } from './tenants.ts';

/** A limit with its use now. */
export interface LimitShare {
  readonly limit: Limit;
  /** Of a limit for each of many: whose use this is, the fullest of them; null: the limit names its scope. */
  readonly subject: string | null;
  /** With a raise that holds. */
  readonly most: number;
  readonly used: number;
  /** By calls in flight. */
  readonly reserved: number;
  /** Used and reserved of the most, 0 and up. */
  readonly share: number;
  /** Calls that it refused in the last hour. */
  readonly refused: number;
}

export interface LimitShares {
  /** The fullest first. */
  readonly shares: readonly LimitShare[];
  /** Limits for each end user: nobody lists end users, so that the fullest is not known. */
  readonly notLooked: readonly Limit[];
  /** Subjects that were left out, for want of room. */
  readonly leftOut: number;
}

/** Counters that one look reads: a microsecond each in memory, a batch at a time from a server. */
const MOST_LOOKED = 50_000;
/** Counters between two turns of the loop: half a millisecond. */
const SLICE = 500;
const HOUR_MS = 3_600_000;

interface Asked {
  readonly now: EpochMs;
  /** Every tenant's: the operator's too. */
  readonly whose: Whose;
  readonly features: ReadonlySet<string>;
}

/** Reads bit by bit, so that calls go on. */
export async function limitShares(tenants: Tenants, asked: Asked): Promise<LimitShares> {
  const { now, whose } = asked;
  const limits = [...tenants.directory.limits(whose)];
  const notLooked = limits.filter(({ scope }) => scope.level === 'end_user' && isEach(scope));
  const all = subjectsOf(tenants, limits, asked);
  const looked = all.slice(0, MOST_LOOKED);
  const fullest = new Map<string, LimitShare>();
  for (let i = 0; i < looked.length; i += SLICE) {
    const slice = looked.slice(i, i + SLICE);
    const states = await tenants.usesOf(slice);
    slice.forEach(({ limit, subject }, place) => {
      const most = figureAt(limit, now);
      const { used, reserved } = states[place]!;
      const share = takenShare(used + reserved, most);
      const last = fullest.get(limit.id);
      if (last && last.share >= share) return;
      const refused = tenants.refusedByLimits.within(limit.id, now, HOUR_MS);
      fullest.set(limit.id, { limit, subject, most, used, reserved, share, refused });
    });
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  const shares = [...fullest.values()].sort((a, b) => b.share - a.share || b.refused - a.refused);
  return { shares, notLooked, leftOut: all.length - looked.length };
}

/** Of a limit for each of many every one that there is; of end users there is no list. */
function subjectsOf(tenants: Tenants, limits: readonly Limit[], { whose, features }: Asked): readonly LimitSubject[] {
  const { directory } = tenants;
  const keys = Map.groupBy(directory.keys(whose), ({ tenant }) => tenant);
  const teams = Map.groupBy(directory.teams(whose), ({ tenant }) => tenant);
  const each = (level: BudgetLevel, tenant: TenantId): readonly string[] => {
    if (level === 'key')
      return (keys.get(tenant) ?? []).filter(({ revokedAt }) => revokedAt === null).map(({ id }) => id);
    if (level === 'team') return (teams.get(tenant) ?? []).map(({ id }) => id);
    return level === 'feature' ? [...features] : [];
  };
  return limits.flatMap((limit): LimitSubject[] => {
    if (!isEach(limit.scope)) return [{ limit, subject: null }];
    return each(limit.scope.level, limit.scope.tenant!).map((subject) => ({ limit, subject }));
  });
}
