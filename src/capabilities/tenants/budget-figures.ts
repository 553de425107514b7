import type { EpochMs } from '#kernel/brand.ts';
import type { NanoUsd } from '#kernel/money.ts';
import type { PotState } from '#ports/shared-state.ts';
import type { Budget } from '#ports/state-store.ts';
import { limitAt, potOf, type AppliedBudget } from './core/budget.ts';
import { isEach } from './core/scope-index.ts';
import { windowBounds } from './core/windows.ts';

/** A budget with its money now. */
export interface BudgetFigures {
  readonly budget: Budget;
  /** With a raise that holds. */
  readonly limitNanoUsd: NanoUsd;
  readonly spentNanoUsd: NanoUsd;
  readonly reservedNanoUsd: NanoUsd;
}

/** Budgets read between two turns of the loop: about a tenth of a millisecond. */
const SLICE = 50;

interface Sources {
  readonly budgets: Iterable<Budget>;
  readonly spentOf: (applied: AppliedBudget) => Promise<readonly PotState[]>;
  readonly now: EpochMs;
}

/** Of budgets that are a pot for each of many there is no one figure. Read bit by bit, so that calls go on. */
export async function* budgetFigures({ budgets, spentOf, now }: Sources): AsyncGenerator<BudgetFigures> {
  let read = 0;
  for (const budget of budgets) {
    if (isEach(budget.scope)) continue;
    const [state] = await spentOf({ budget, pot: potOf(budget) });
    if (state) yield { budget, limitNanoUsd: limitAt(budget, now), ...state };
    if (++read % SLICE === 0) await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

/** The `most` fullest budgets that are one pot, the fullest first. */
export async function fullestBudgets(sources: Sources, most: number): Promise<BudgetFigures[]> {
  let kept: BudgetFigures[] = [];
  for await (const figures of budgetFigures(sources)) {
    kept.push(figures);
    if (kept.length >= most * 2) kept = fullest(kept, most);
  }
  return fullest(kept, most);
}

const fullest = (figures: BudgetFigures[], most: number): BudgetFigures[] =>
  figures.sort((a, b) => usedShare(b) - usedShare(a)).slice(0, most);

/** Part of the limit that is spent; a limit of nothing is full. */
export const usedShare = ({ spentNanoUsd, limitNanoUsd }: BudgetFigures): number =>
  limitNanoUsd > 0n ? Number(spentNanoUsd) / Number(limitNanoUsd) : 1;

/** A budget that is one pot, with the length of its window; null: it never resets. */
export interface BudgetLimit {
  readonly budget: Budget;
  readonly limitNanoUsd: NanoUsd;
  readonly periodMs: number | null;
}

export function* budgetLimits(budgets: Iterable<Budget>, now: EpochMs): Generator<BudgetLimit> {
  for (const budget of budgets) {
    if (isEach(budget.scope)) continue;
    yield { budget, limitNanoUsd: limitAt(budget, now), periodMs: periodOf(budget, now) };
  }
}

function periodOf({ window }: Budget, now: EpochMs): number | null {
  if (window.kind === 'rolling') return window.ms;
  const { start, resetsAt } = windowBounds(window, now);
  return resetsAt === null ? null : resetsAt - start;
}
