import type { NanoUsd } from '#kernel/money.ts';
import { BYPASS_REASONS, type BypassReason } from './rules.ts';

export interface FeatureCounts {
  hits: number;
  misses: number;
  /** Calls that had to be answered anew, by the caller's word, or were never to be cached. */
  readonly bypasses: Map<BypassReason, number>;
  /** What its hits would have cost, where a price was known. */
  savedNanoUsd: NanoUsd;
  savedTokens: number;
}

/** Counters of the process. Features are those of the operator's file. */
export class CacheMeter {
  readonly features = new Map<string, FeatureCounts>();

  of(feature: string): FeatureCounts {
    let counts = this.features.get(feature);
    if (counts === undefined)
      this.features.set(
        feature,
        (counts = { hits: 0, misses: 0, bypasses: new Map(), savedNanoUsd: 0n as NanoUsd, savedTokens: 0 }),
      );
    return counts;
  }

  bypassed(feature: string, why: BypassReason): void {
    const { bypasses } = this.of(feature);
    bypasses.set(why, (bypasses.get(why) ?? 0) + 1);
  }

  /** Sums over all features. */
  get total(): { readonly hits: number; readonly misses: number; readonly bypasses: number; readonly saved: bigint } {
    const sum = { hits: 0, misses: 0, bypasses: 0, saved: 0n };
    for (const counts of this.features.values()) {
      sum.hits += counts.hits;
      sum.misses += counts.misses;
      sum.bypasses += bypassesOf(counts);
      sum.saved += counts.savedNanoUsd;
    }
    return sum;
  }
}

export const bypassesOf = ({ bypasses }: FeatureCounts): number =>
  BYPASS_REASONS.reduce((sum, reason) => sum + (bypasses.get(reason) ?? 0), 0);
