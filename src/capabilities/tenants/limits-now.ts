import type { EpochMs } from '#kernel/brand.ts';
import { everyTenant } from '#kernel/whose.ts';
import type { Limit } from '#ports/state-store.ts';
import { figureAt } from './core/limit.ts';
import { isEach } from './core/scope-index.ts';
import type { Tenants } from './tenants.ts';

/** A limit with its use now. */
export interface LimitNow {
  readonly limit: Limit;
  /** With a raise that holds. */
  readonly most: number;
  /** Used and reserved; null: it is one for each of many, and has no one figure. */
  readonly taken: number | null;
  /** Calls that it refused within the time that was asked for. */
  readonly refused: number;
}

const ALL = everyTenant('what the operator’s rules and reports look at');
/** Limits read between two turns of the loop. */
const SLICE = 50;

/** Limits with what is used of them, and what they refused in the last `sinceMs` (an hour at most). */
export async function limitsNow(tenants: Tenants, now: EpochMs, sinceMs: number): Promise<LimitNow[]> {
  const found: LimitNow[] = [];
  for (const limit of tenants.directory.limits(ALL)) {
    const state = isEach(limit.scope) ? null : await tenants.usedOf(limit);
    found.push({
      limit,
      most: figureAt(limit, now),
      taken: state && state.used + state.reserved,
      refused: tenants.refusedByLimits.within(limit.id, now, sinceMs),
    });
    if (found.length % SLICE === 0) await new Promise<void>((resolve) => setImmediate(resolve));
  }
  return found;
}

/** Share of a limit that is taken; a limit of nothing is full. */
export const takenShare = (taken: number, most: number): number => (most > 0 ? taken / most : 1);
