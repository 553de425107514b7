import { isDeepStrictEqual } from 'node:util';
import type { BudgetId, EpochMs } from '#kernel/brand.ts';
import type { Budget, BudgetScope, StateChange } from '#ports/state-store.ts';
import { declaredAt, isDeclared, type DeclaredBudget } from './declared.ts';
import { rowPairs, scopeOf } from './reconcile-pairs.ts';
import { changedFields, removalStep, takenOver, type NewId, type Step } from './reconcile-step.ts';

interface Options {
  readonly now: EpochMs;
  readonly newId: NewId;
  /** Ids of the declared keys by their paths. */
  readonly keyIds: ReadonlyMap<string, string>;
}

/** Budgets as declared: by their path in the file, by their id, else the one of the same scope and window. */
export function budgetSteps(
  held: readonly Budget[],
  wanted: readonly DeclaredBudget[],
  { keyIds, ...making }: Options,
): Step[] {
  const rows = rowPairs(held, wanted, {
    ofWanted: (budget) => purse(scopeOf(budget, keyIds), budget.settings.window),
    ofHeld: ({ scope, window }) => purse(scope, window),
  });
  const put = wanted.map((budget) => putStep(budget, scopeOf(budget, keyIds), { ...making, old: rows.get(budget) }));
  const known = new Set(rows.values());
  const gone = held
    .filter((row) => !known.has(row) && isDeclared(row))
    .map((row) => removalStep({ remove: 'budget', id: row.id }, row));
  return [...put.filter((step) => step !== null), ...gone];
}

/** Whose money over which time: two budgets of one purse differ in their limit alone. */
const purse = ({ level, tenant, id }: BudgetScope, window: Budget['window']): string =>
  JSON.stringify([level, tenant, id, Object.entries(window).toSorted(([a], [b]) => (a < b ? -1 : 1))]);

interface Present {
  readonly old: Budget | undefined;
  readonly now: EpochMs;
  readonly newId: NewId;
}

function putStep({ path, settings }: DeclaredBudget, scope: BudgetScope, { old, now, newId }: Present): Step | null {
  const kept = old ?? { id: newId('bud_') as BudgetId, raise: null, createdAt: now };
  // The pots of another scope hold other people's spending: they are forgotten and counted anew.
  const moved = old !== undefined && !isDeepStrictEqual(old.scope, scope);
  const unopened = moved && old.opening ? { opening: null } : {};
  const value: Budget = { ...kept, ...settings, ...unopened, scope, declared: declaredAt(path) };
  if (isDeepStrictEqual(old, value)) return null;
  const first: StateChange[] = moved ? [{ remove: 'budget', id: old.id }] : [];
  return {
    changes: [...first, { put: 'budget', value }],
    action: old ? 'budget.update' : 'budget.create',
    subject: value.id,
    tenant: scope.tenant,
    detail: { scope, ...settings },
    path,
    takenOver: takenOver(old),
    changed: changedFields(old, value),
  };
}
