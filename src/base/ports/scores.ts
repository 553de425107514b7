import type { CallId, EpochMs, FeatureName, TenantId } from '#kernel/brand.ts';
import type { Whose } from '#kernel/whose.ts';

/** How good the answer of a call was, by somebody or something. */
export interface Score {
  readonly tenant: TenantId;
  readonly call: CallId;
  /** What was judged: `helpful`, `refusal`. */
  readonly name: string;
  /** 0 to 1; 1 is good. */
  readonly value: number;
  readonly feature: FeatureName | null;
  /** When it came, not when the call was. */
  readonly at: EpochMs;
  readonly source: 'api' | 'rule' | 'judge';
  /** What was asked for, and what measured the answer. Scores of another basis are no past of these. */
  readonly basis: string;
  readonly comment: string | null;
}

/** A score with its place in the order in which scores came. */
export interface NumberedScore extends Score {
  readonly n: number;
}

export interface ScoresQuestion {
  readonly whose: Whose;
  /** Behind this place; 0: from the start. */
  readonly after: number;
  readonly limit: number;
}

/** Scores of calls, in the order in which they came. Every implementation passes the same contract suite. */
export interface Scores {
  /** The first score of a call under a name stays. Returns the places of those that are new, null for the others. */
  put(scores: readonly Score[]): Promise<readonly (number | null)[]>;
  /** Of one call, in the order of their coming. */
  of(tenant: TenantId, call: CallId): Promise<readonly NumberedScore[]>;
  /** By pages, for the tests that follow them. */
  page(question: ScoresQuestion): Promise<readonly NumberedScore[]>;
  /** Deletes those that came before a time. */
  prune(before: EpochMs): Promise<number>;
  close(): Promise<void>;
}
