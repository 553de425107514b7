import { isDeepStrictEqual } from 'node:util';
import type { BudgetId, EpochMs } from '#kernel/brand.ts';
import type { Budget, BudgetScope, StateChange } from '#ports/state-store.ts';
import { declaredAt, isDeclared, type DeclaredBudget } from './declared.ts';
import { changedFields, takenOver, type NewId, type Step } from './reconcile-step.ts';

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
  const scoped = wanted.map((budget) => ({ budget, scope: scopeOf(budget, keyIds) }));
  const rows = pairs(held, scoped);
  const put = scoped.map(({ budget, scope }) => putStep(budget, scope, { ...making, old: rows.get(budget) }));
  const known = new Set(rows.values());
  const gone = held.filter((row) => !known.has(row) && isDeclared(row)).map(goneStep);
  return [...put.filter((step) => step !== null), ...gone];
}

function scopeOf({ level, tenant, subject }: DeclaredBudget, keyIds: Options['keyIds']): BudgetScope {
  return { level, tenant, id: level === 'key' && subject !== null ? keyIds.get(subject)! : subject };
}

interface Scoped {
  readonly budget: DeclaredBudget;
  readonly scope: BudgetScope;
}

function pairs(held: readonly Budget[], wanted: readonly Scoped[]): Map<DeclaredBudget, Budget> {
  const found = new Map<DeclaredBudget, Budget>();
  const free = new Set(held);
  const take = (rowOf: (scoped: Scoped) => Budget | undefined): void => {
    for (const scoped of wanted) {
      const row = found.has(scoped.budget) ? undefined : rowOf(scoped);
      if (row && free.delete(row)) found.set(scoped.budget, row);
    }
  };
  const byPath = new Map(held.filter(isDeclared).map((row) => [row.declared!.path, row]));
  const byId = new Map<string, Budget>(held.map((row) => [row.id, row]));
  const byPurse = Map.groupBy(
    held.filter((row) => !isDeclared(row)),
    (row) => purse(row.scope, row.window),
  );
  take(({ budget }) => byPath.get(budget.path));
  take(({ budget }) => byId.get(budget.name));
  take(({ budget, scope }) => {
    const same = byPurse.get(purse(scope, budget.settings.window)) ?? [];
    return same.length === 1 ? same[0] : undefined;
  });
  return found;
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

const goneStep = ({ id, scope, declared }: Budget): Step => ({
  changes: [{ remove: 'budget', id }],
  action: 'budget.remove',
  subject: id,
  tenant: scope.tenant,
  detail: { why: 'its declaration is gone' },
  path: declared!.path,
  takenOver: false,
  changed: [],
});
