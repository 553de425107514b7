import type { BudgetScope } from '#ports/state-store.ts';
import { isDeclared, type Declarable, type DeclaredSubject } from './declared.ts';

interface Row extends Declarable {
  readonly id: string;
}

interface Named {
  readonly path: string;
  readonly name: string;
}

export interface Purses<W, R> {
  /** What tells two of a scope apart that differ in their figures alone. */
  readonly ofWanted: (wanted: W) => string;
  readonly ofHeld: (held: R) => string;
}

/**
 * The row of each declaration, where there is one: by its path in the file, by its id, else the only one of the API
 * that has the same purse.
 */
export function rowPairs<W extends Named, R extends Row>(
  held: readonly R[],
  wanted: readonly W[],
  { ofWanted, ofHeld }: Purses<W, R>,
): Map<W, R> {
  const found = new Map<W, R>();
  const free = new Set(held);
  const take = (rowOf: (one: W) => R | undefined): void => {
    for (const one of wanted) {
      const row = found.has(one) ? undefined : rowOf(one);
      if (row && free.delete(row)) found.set(one, row);
    }
  };
  const byPath = new Map(held.filter(isDeclared).map((row) => [row.declared!.path, row]));
  const byId = new Map<string, R>(held.map((row) => [row.id, row]));
  const undeclared = held.filter((row) => !isDeclared(row));
  const byPurse = Map.groupBy(undeclared, ofHeld);
  take(({ path }) => byPath.get(path));
  take(({ name }) => byId.get(name));
  take((one) => {
    const same = byPurse.get(ofWanted(one)) ?? [];
    return same.length === 1 ? same[0] : undefined;
  });
  return found;
}

/** The scope of a declaration; `keyIds`: ids of the declared keys by their paths. */
export function scopeOf({ level, tenant, subject }: DeclaredSubject, keyIds: ReadonlyMap<string, string>): BudgetScope {
  return { level, tenant, id: level === 'key' && subject !== null ? keyIds.get(subject)! : subject };
}
