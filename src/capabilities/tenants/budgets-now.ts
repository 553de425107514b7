import type { EpochMs } from '#kernel/brand.ts';
import type { NanoUsd } from '#kernel/money.ts';
import { everyTenant } from '#kernel/whose.ts';
import type { Budget } from '#ports/state-store.ts';
import { limitAt, potOf } from './core/budget.ts';
import { isEach } from './core/scope-index.ts';
import { windowBounds } from './core/windows.ts';
import type { Tenants } from './tenants.ts';

/** A budget that names its scope, with what is in its pot now. */
export interface BudgetNow {
  readonly budget: Budget;
  /** With a raise that holds. */
  readonly limitNanoUsd: NanoUsd;
  readonly spentNanoUsd: NanoUsd;
  readonly reservedNanoUsd: NanoUsd;
  /** When its window begins anew; null: it never does, or it is rolling. */
  readonly resetsAt: EpochMs | null;
}

const ALL = everyTenant('what the operator’s rules and reports look at');
/** Budgets read between two turns of the loop. */
const SLICE = 200;

/** Of budgets that are a pot for each of many there is no one figure: they are not among these. */
export async function budgetsNow(tenants: Tenants, now: EpochMs): Promise<BudgetNow[]> {
  const found: BudgetNow[] = [];
  for (const budget of tenants.directory.budgets(ALL)) {
    if (isEach(budget.scope)) continue;
    const [state] = await tenants.spentOf({ budget, pot: potOf(budget) });
    if (state) found.push({ budget, limitNanoUsd: limitAt(budget, now), ...state, resetsAt: resetOf(budget, now) });
    if (found.length % SLICE === 0) await new Promise<void>((resolve) => setImmediate(resolve));
  }
  return found;
}

const resetOf = ({ window }: Budget, now: EpochMs): EpochMs | null =>
  window.kind === 'calendar' ? windowBounds(window, now).resetsAt : null;
