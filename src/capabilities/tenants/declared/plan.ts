import type { EpochMs } from '#kernel/brand.ts';
import type { StateSnapshot } from '#ports/state-store.ts';
import type { Declared } from '../core/declared.ts';
import { reconcile } from '../core/reconcile.ts';
import type { Refusal, Step } from '../core/reconcile-step.ts';

/** One row that a file would change, for people who look before it does. */
export interface PlannedStep extends Pick<Step, 'action' | 'path' | 'takenOver' | 'changed'> {
  readonly kind: 'new' | 'changed' | 'ends';
  /** Id of the row; null for one that is not there yet. */
  readonly id: string | null;
}

export interface DeclaredPlan {
  readonly steps: readonly PlannedStep[];
  readonly refusals: readonly Refusal[];
}

const ENDS = new Set(['key.revoke', 'budget.remove', 'limit.remove', 'layer.remove']);

/** What a file would do to a state. Nothing is drawn at random: what is made has no id and no secret yet. */
export function planDeclared(held: StateSnapshot, declared: Declared, now: EpochMs): DeclaredPlan {
  const { steps, refusals } = reconcile(held, declared, {
    now,
    newSecret: () => '',
    newId: (prefix) => prefix,
    author: 'plan',
  });
  return { steps: steps.map(planned), refusals };
}

function planned({ action, path, takenOver, changed, subject, detail }: Step): PlannedStep {
  const isNew = action.endsWith('.create');
  const ends = ENDS.has(action) || 'why' in detail;
  return {
    kind: isNew ? 'new' : ends ? 'ends' : 'changed',
    action,
    path,
    id: isNew ? null : subject,
    takenOver,
    changed,
  };
}
