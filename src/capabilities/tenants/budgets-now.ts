import type { EpochMs } from '#kernel/brand.ts';
import { everyTenant } from '#kernel/whose.ts';
import type { Budget } from '#ports/state-store.ts';
import { budgetFigures, type BudgetFigures } from './budget-figures.ts';
import { windowBounds } from './core/windows.ts';
import type { Tenants } from './tenants.ts';

/** A budget that names its scope, with what is in its pot now. */
export interface BudgetNow extends BudgetFigures {
  /** When its window begins anew; null: it never does, or it is rolling. */
  readonly resetsAt: EpochMs | null;
}

const ALL = everyTenant('what the operator’s rules and reports look at');

/** All that are one pot. */
export async function budgetsNow(tenants: Tenants, now: EpochMs): Promise<BudgetNow[]> {
  const sources = {
    budgets: tenants.directory.budgets(ALL),
    spentOf: (applied: Parameters<Tenants['spentOf']>[0]) => tenants.spentOf(applied),
    now,
  };
  const found: BudgetNow[] = [];
  for await (const figures of budgetFigures(sources))
    found.push({ ...figures, resetsAt: resetOf(figures.budget, now) });
  return found;
}

const resetOf = ({ window }: Budget, now: EpochMs): EpochMs | null =>
  window.kind === 'calendar' ? windowBounds(window, now).resetsAt : null;
