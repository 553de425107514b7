import type { TenantId } from '#kernel/brand.ts';
import type { StateChange } from '#ports/state-store.ts';
import type { Declarable } from './declared.ts';

/** One row that changes, with what its audit entry says. */
export interface Step {
  readonly changes: readonly StateChange[];
  readonly action: string;
  readonly subject: string;
  readonly tenant: TenantId | null;
  /** What changed, without secrets. */
  readonly detail: object;
  readonly path: string;
  /** The API made the row, and from now on the file has it. */
  readonly takenOver: boolean;
}

/** A declaration that the state refuses: nothing of the file is taken then. */
export interface Refusal {
  readonly path: string;
  readonly message: string;
}

/** A new id after its prefix: `key_`, `bud_`. */
export type NewId = (prefix: string) => string;

/** Was the row the API's until now? One that the file had before and lost comes back: that is no news. */
export const takenOver = (old: Declarable | undefined): boolean => old !== undefined && old.declared === undefined;
