import type { CallId, EpochMs, KeyId } from '#kernel/brand.ts';
import type { Result } from '#kernel/result.ts';
import type { TenantKey } from '#kernel/whose.ts';
import type { MaybePromise } from './shared-state.ts';

/** What an idempotency key was first used for. */
export interface KeyUse {
  /** Hash of the request: its path and its raw body. */
  readonly request: string;
  /** The call that answers it. */
  readonly call: CallId;
  readonly at: EpochMs;
}

/** Names a key inside its tenant, by a hash of tenant, API key and value. The value itself is kept nowhere. */
export type IdempotencyName = TenantKey<'idempotency'>;

export interface KeyClaim {
  readonly name: IdempotencyName;
  /** Whose it is: one API key may have so many and no more. */
  readonly owner: KeyId;
  readonly use: KeyUse;
}

/** Why a claim did not succeed: somebody used the key before, or the API key has as many as it may. */
export type ClaimRefusal = { readonly earlier: KeyUse } | 'full';

/** Idempotency keys over all nodes, each remembered for its time. */
export interface IdempotencyKeys {
  /** Takes a key that nobody has: of two at once one gets it. */
  claim(claim: KeyClaim): MaybePromise<Result<null, ClaimRefusal>>;
  /** Nothing was generated for it: the key is as new. A later claim by another call stays. */
  release(name: IdempotencyName, call: CallId): MaybePromise<void>;
}
