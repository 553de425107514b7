import type { FeatureName, TenantId } from '#kernel/brand.ts';
import type { NanoUsd } from '#kernel/money.ts';
import { BYPASS_REASONS, type BypassReason } from './rules.ts';

export interface CacheCounts {
  hits: number;
  /** Calls that got the answer of another that was under way. */
  collapsed: number;
  misses: number;
  /** Calls that had to be answered anew, by the caller's word, or were never to be cached. */
  readonly bypasses: Map<BypassReason, number>;
  /** What its hits and collapsed calls would have cost, where a price was known. */
  savedNanoUsd: NanoUsd;
  savedTokens: number;
}

export interface CountedShare {
  /** Null: of tenants beyond those that are counted by themselves. */
  readonly tenant: TenantId | null;
  readonly feature: FeatureName;
  readonly counts: CacheCounts;
}

/** Tenants times features that are counted by themselves. */
const MOST_SHARES = 10_000;

const nothing = (): CacheCounts => ({
  ...{ hits: 0, collapsed: 0, misses: 0, bypasses: new Map(), savedNanoUsd: 0n as NanoUsd, savedTokens: 0 },
});

/** Counters of the process, by tenant and feature. Features are those of the operator's file. */
export class CacheMeter {
  readonly #shares = new Map<string, CountedShare>();

  of(tenant: TenantId, feature: FeatureName): CacheCounts {
    const share = this.#shares.get(`${tenant} ${feature}`);
    if (share !== undefined) return share.counts;
    return this.#add(this.#shares.size < MOST_SHARES ? tenant : null, feature);
  }

  bypassed(tenant: TenantId, feature: FeatureName, why: BypassReason): void {
    const { bypasses } = this.of(tenant, feature);
    bypasses.set(why, (bypasses.get(why) ?? 0) + 1);
  }

  get shares(): readonly CountedShare[] {
    return [...this.#shares.values()];
  }

  #add(tenant: TenantId | null, feature: FeatureName): CacheCounts {
    const name = `${tenant ?? ''} ${feature}`;
    let share = this.#shares.get(name);
    if (share === undefined) this.#shares.set(name, (share = { tenant, feature, counts: nothing() }));
    return share.counts;
  }
}

/** Sums over shares. */
export function sumOf(shares: readonly CountedShare[]): CacheCounts {
  const sum = nothing();
  for (const { counts } of shares) {
    sum.hits += counts.hits;
    sum.collapsed += counts.collapsed;
    sum.misses += counts.misses;
    sum.savedNanoUsd = (sum.savedNanoUsd + counts.savedNanoUsd) as NanoUsd;
    sum.savedTokens += counts.savedTokens;
    for (const [why, calls] of counts.bypasses) sum.bypasses.set(why, (sum.bypasses.get(why) ?? 0) + calls);
  }
  return sum;
}

export const bypassesOf = ({ bypasses }: CacheCounts): number =>
  BYPASS_REASONS.reduce((sum, reason) => sum + (bypasses.get(reason) ?? 0), 0);
