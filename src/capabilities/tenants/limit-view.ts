import type { EpochMs } from '#kernel/brand.ts';
import type { BudgetLevel, Limit } from '#ports/state-store.ts';
import { figureAt } from './core/limit.ts';

/** One limit as a key of its scope may see it. */
export interface LimitView {
  readonly scope: BudgetLevel;
  readonly unit: Limit['unit'];
  readonly window: Limit['window'];
  /** With a raise that holds. */
  readonly limit: number;
  readonly used: number | null;
  /** By calls in flight. */
  readonly reserved: number | null;
  readonly contact: string | null;
}

interface Figures {
  readonly used: number | null;
  readonly reserved: number | null;
}

export const limitView = (limit: Limit, { used, reserved }: Figures, now: EpochMs): LimitView => ({
  scope: limit.scope.level,
  unit: limit.unit,
  window: limit.window,
  limit: figureAt(limit, now),
  used,
  reserved,
  contact: limit.contact,
});
