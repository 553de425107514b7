import { isDeepStrictEqual } from 'node:util';
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
  /** Fields that differ from the row that was there; none for a new row or one that ends. */
  readonly changed: readonly string[];
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

/** What people would call changed: a hash is a secret, and the mark of the declaration is no field. */
export function changedFields<T extends object>(old: T | undefined, value: T): readonly string[] {
  if (old === undefined) return [];
  const names = new Set([...Object.keys(old), ...Object.keys(value)]) as Set<keyof T & string>;
  const differing = [...names].filter((name) => !UNSAID.has(name) && !isDeepStrictEqual(old[name], value[name]));
  return differing.map((name) => (name === 'hash' ? 'secret' : name.replace(/NanoUsd$/, 'Usd')));
}
const UNSAID: ReadonlySet<string> = new Set(['declared', 'previous', 'hint']);

interface Gone extends Declarable {
  readonly id: string;
  readonly scope: { readonly tenant: TenantId | null };
}

/** A row whose declaration is gone, and that is removed with it. */
export const removalStep = (
  removal: Extract<StateChange, { remove: string }>,
  { id, scope, declared }: Gone,
): Step => ({
  changes: [removal],
  action: `${removal.remove}.remove`,
  subject: id,
  tenant: scope.tenant,
  detail: { why: 'its declaration is gone' },
  path: declared!.path,
  takenOver: false,
  changed: [],
});
