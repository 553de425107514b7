import type { CallId, EpochMs, KeyId } from '#kernel/brand.ts';
import type { Result } from '#kernel/result.ts';
import type { TenantKey } from '#kernel/whose.ts';
import type { OutcomeStatus } from './entry.ts';
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

/** `alone`: other gates do not know of it yet, since the store that they share is away. */
export type ClaimReach = 'whole' | 'alone';

/** Idempotency keys over all nodes, each remembered for its time. */
export interface IdempotencyKeys {
  /** Takes a key that nobody has: of two at once one gets it. */
  claim(claim: KeyClaim): MaybePromise<Result<ClaimReach, ClaimRefusal>>;
  /** Nothing was generated for it: the key is as new. A later claim by another call stays. */
  release(name: IdempotencyName, call: CallId): MaybePromise<void>;
}

/** An answer in one piece, as it went out. */
export interface WholeAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** What is known of a call whose key was used before. */
export interface KeyState {
  readonly call: CallId;
  /** Name of the gate that makes the answer. */
  readonly gate: string;
  /** `stream`: in the log of streams. `whole`: in one piece, in `answer` as long as it is kept. Null: not yet. */
  readonly begun: 'stream' | 'whole' | null;
  /** How the call ended; null: it goes on, or its gate is gone. */
  readonly status: OutcomeStatus | null;
  readonly answer: WholeAnswer | null;
}

/**
 * Idempotency keys that several gates share, and where the answers are. Every call comes back within a bound, and
 * nothing rejects: `away` where the store does not answer; what was written then may be there all the same.
 */
export interface SharedKeys {
  /** `made`: whether this gate makes the answer; false: it is told of what an earlier process claimed. */
  claim(claim: KeyClaim, made?: boolean): Promise<Result<ClaimReach, ClaimRefusal | 'away'>>;
  /** As {@link IdempotencyKeys}; what the store is away for is said once it is back, as with the two below. */
  release(name: IdempotencyName, call: CallId): Promise<void>;
  /** The answer of this call begins, or is whole; null: it was too large to keep. Of a call that has the key alone. */
  begun(name: IdempotencyName, call: CallId, answer: 'stream' | WholeAnswer | null): Promise<void>;
  ended(name: IdempotencyName, call: CallId, status: OutcomeStatus): Promise<void>;
  /** `released`: its call came to nothing. `lost`: the store has forgotten it, before its time. */
  state(name: IdempotencyName): Promise<KeyState | 'released' | 'lost' | 'away'>;
  /** Does a gate of this name say that it lives? */
  lives(gate: string): Promise<boolean | 'away'>;
  /** Calls `changed` when there may be something new; after a fault maybe not at all. */
  follow(name: IdempotencyName, changed: () => void): () => void;
  /** Tells the gate that makes the answer that somebody waits for it elsewhere. */
  want(name: IdempotencyName, gate: string, call: CallId): Promise<void>;
  /** Takes what {@link want} says of calls of this gate. */
  serve(wanted: (call: CallId) => void): void;
  /** Called whenever the store answers again. */
  onBack(back: () => void): void;
}
