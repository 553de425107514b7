declare const brand: unique symbol;

/** A value of type `T` that only its own constructor makes, so that a tenant is never passed where a key is wanted. */
export type Brand<T, B extends string> = T & { readonly [brand]: B };

export type TenantId = Brand<string, 'TenantId'>;
export type TeamId = Brand<string, 'TeamId'>;
export type KeyId = Brand<string, 'KeyId'>;
export type BudgetId = Brand<string, 'BudgetId'>;
export type LimitId = Brand<string, 'LimitId'>;
/** Time-ordered id of one client request; its first 48 bits are the milliseconds of admission. */
export type CallId = Brand<string, 'CallId'>;
/** Name of a feature as the operator's file declares it. */
export type FeatureName = Brand<string, 'FeatureName'>;
/** Milliseconds since the Unix epoch. */
export type EpochMs = Brand<number, 'EpochMs'>;

export const epochMs = (value: number): EpochMs => value as EpochMs;
