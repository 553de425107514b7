/** What the admin API says of tenants that are not kept apart. Times are ISO 8601, shares of one, milliseconds. */
import type { LeakWatchNow, LevelFigures, Verdict } from '#capabilities/tenants/cli.ts';

export interface CacheAuditView {
  readonly id: string;
  readonly actor: string;
  readonly at: string;
  readonly model: string;
  readonly victim: string;
  readonly attacker: string;
  readonly calls: number;
  readonly seed: number;
  readonly levels: readonly LevelFigures[];
  readonly verdict: Verdict;
}

export interface Leaks {
  readonly watch: LeakWatchNow;
  readonly leaks: readonly LeakView[];
}

export interface LeakView {
  readonly id: string;
  readonly at: string;
  /** Whose text it was. */
  readonly owner: string;
  /** Who was answered. */
  readonly tenant: string;
  readonly call: string;
  /** Scope of the layer and its version, or `canary`. */
  readonly text: string;
  readonly words: number;
  readonly action: 'report' | 'stop';
}
