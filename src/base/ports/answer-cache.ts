import type { Brand, EpochMs, FeatureName, TenantId } from '#kernel/brand.ts';
import { tenantKey, type TenantKey, type Whose } from '#kernel/whose.ts';
import type { MaybePromise } from './shared-state.ts';

/** Names a kept answer. A tenant is part of every one: {@link answerKey} alone makes them, and asks for it first. */
export type AnswerKey = Brand<
  {
    readonly tenant: TenantId;
    readonly feature: FeatureName;
    /** Of the request and of whoever may answer it, keyed by the tenant's secret. */
    readonly digest: string;
    /** All three as one. */
    readonly name: TenantKey<'answer'>;
  },
  'AnswerKey'
>;

export const answerKey = (tenant: TenantId, feature: FeatureName, digest: string): AnswerKey =>
  Object.freeze({ tenant, feature, digest, name: tenantKey(tenant, 'answer', feature, digest) }) as AnswerKey;

/** An answer as a cache keeps it; the cache reads neither part. */
export interface KeptReply {
  /** When it was made. */
  readonly at: EpochMs;
  /** What its gate says of it, as text. */
  readonly about: string;
  readonly body: Buffer;
}

export interface KeepOptions {
  readonly now: EpochMs;
  /** Milliseconds after which it is no answer any more. */
  readonly ttlMs: number;
}

/** What is kept for a feature of a tenant. */
export interface KeptShare {
  readonly tenant: TenantId;
  readonly feature: FeatureName;
  readonly answers: number;
  /** With what an answer takes beside its text. */
  readonly bytes: number;
}

/** Whose answers are let go. */
export interface ClearScope {
  readonly whose: Whose;
  readonly feature: FeatureName | null;
}

/**
 * Whole answers to exact requests, for a time and within bounds of bytes, in all and of each tenant. It may forget any
 * of them at any time. A cache that cannot be asked has nothing.
 */
export interface AnswerCache {
  /** Null: there is none, or its time is over. */
  get(key: AnswerKey, now: EpochMs): MaybePromise<KeptReply | null>;
  /** In the place of an earlier one. False: it is larger than the bounds, and an earlier one is gone all the same. */
  put(key: AnswerKey, reply: KeptReply, options: KeepOptions): MaybePromise<boolean>;
  /** How many were let go. Rejects where the store does not answer: nobody is to believe that something is gone. */
  clear(scope: ClearScope): MaybePromise<number>;
  shares(whose: Whose): MaybePromise<readonly KeptShare[]>;
  close(): void;
}
