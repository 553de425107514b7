import type { Rng } from '#kernel/rng.ts';

export interface RetryPolicy {
  /** Attempts of one call in all, fallbacks included. */
  readonly attempts: number;
  readonly backoffMs: number;
}

/** How an attempt failed, before any content reached the client. */
export interface AttemptFailure {
  /** Null: no status came (connect, reset, timer). */
  readonly status: number | null;
  readonly retryable: boolean;
  readonly retryAfterMs: number | null;
}

export type NextStep =
  | { readonly do: 'give_up' }
  /** Try the deployment at this index of the order after a wait. */
  | { readonly do: 'try'; readonly index: number; readonly waitMs: number };

export interface RetryState {
  readonly policy: RetryPolicy;
  readonly deployments: number;
  /** Attempts made so far. */
  readonly made: number;
  /** Index of the deployment that failed last. */
  readonly index: number;
}

/**
 * After a failure: the next deployment at once; the same one again, with jittered back-off, only where it is the
 * last and did not ask for patience. A 429 of a lone deployment goes to the client with its `retry-after`: the SDKs
 * wait and retry by themselves, and two layers of waiting multiply (research, gateways 4).
 */
export function nextStep(state: RetryState, failure: AttemptFailure, rng: Rng): NextStep {
  if (!failure.retryable || state.made >= state.policy.attempts) return { do: 'give_up' };
  const next = state.index + 1;
  if (next < state.deployments) return { do: 'try', index: next, waitMs: 0 };
  if (failure.status === 429 || failure.retryAfterMs !== null) return { do: 'give_up' };
  const waitMs = state.policy.backoffMs * 2 ** Math.min(state.made - 1, 6) * (0.5 + rng.next());
  return { do: 'try', index: state.index, waitMs };
}
