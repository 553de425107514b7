import type { EpochMs } from '#kernel/brand.ts';
import { usdDecimal } from '#kernel/money.ts';
import {
  andThen,
  type BudgetCounters,
  type LimitCounters,
  type MaybePromise,
  type PotState,
} from '#ports/shared-state.ts';
import type { Budget, BudgetLevel } from '#ports/state-store.ts';
import { limitAt, type AppliedBudget } from './core/budget.ts';
import { claimOf } from './core/limit.ts';
import { windowBounds } from './core/windows.ts';
import type { Caller, Directory } from './directory.ts';
import { limitView, type LimitView } from './limit-view.ts';

/** One budget as a key of its scope may see it. Money in decimal dollars. */
export interface BudgetView {
  readonly scope: BudgetLevel;
  readonly window: Budget['window'];
  readonly mode: Budget['mode'];
  readonly limitUsd: string;
  readonly spentUsd: string;
  readonly reservedUsd: string;
  /** ISO time; null: never, or bit by bit. */
  readonly resetsAt: string | null;
  readonly contact: string | null;
}

/** `GET /v1/headgate/me`: what a key may know of itself. */
export interface Me {
  readonly key: {
    readonly id: string;
    readonly name: string;
    readonly owner: string | null;
    readonly hint: string;
    readonly expiresAt: string | null;
  };
  readonly tenant: { readonly id: string; readonly name: string };
  readonly team: { readonly id: string; readonly name: string } | null;
  readonly defaultFeature: string | null;
  readonly maySet: Caller['key']['rights'];
  readonly models: readonly string[];
  readonly budgets: readonly BudgetView[];
  readonly limits: readonly LimitView[];
}

interface Asked {
  readonly caller: Caller;
  readonly models: readonly string[];
  readonly directory: Directory;
  readonly counters: BudgetCounters;
  readonly limitCounters: LimitCounters;
  readonly now: EpochMs;
}

export function meOf({ caller, models, directory, counters, limitCounters, now }: Asked): MaybePromise<Me> {
  const { key, tenant, team } = caller;
  const payer = { tenant: tenant.id, team: team?.id ?? null, feature: key.defaultFeature, key: key.id, endUser: null };
  // The operator's own budget would tell what other tenants spend.
  const applied = directory.budgetIndex.of(payer).filter(({ budget }) => budget.scope.level !== 'operator');
  const states = counters.read(
    applied.map(({ pot }) => pot),
    now,
  );
  const limits = directory.limitIndex.of(payer).filter(({ group }) => group.scope.level !== 'operator');
  const used = limitCounters.read(
    limits.map((one) => claimOf(one, now)),
    now,
  );
  return andThen(states, (spent) =>
    andThen(used, (taken) => ({
      key: { id: key.id, name: key.name, owner: key.owner, hint: key.hint, expiresAt: isoOrNull(key.expiresAt) },
      tenant: { id: tenant.id, name: tenant.name },
      team: team && { id: team.id, name: team.name },
      defaultFeature: key.defaultFeature,
      maySet: key.rights,
      models,
      budgets: applied.map((one, i) => budgetView(one, spent[i]!, now)),
      limits: limits.flatMap(({ group }, i) => group.limits.map((limit, k) => limitView(limit, taken[i]![k]!, now))),
    })),
  );
}

export const budgetView = ({ budget }: Pick<AppliedBudget, 'budget'>, state: PotState, now: EpochMs): BudgetView => ({
  scope: budget.scope.level,
  window: budget.window,
  mode: budget.mode,
  limitUsd: usdDecimal(limitAt(budget, now)),
  spentUsd: usdDecimal(state.spentNanoUsd),
  reservedUsd: usdDecimal(state.reservedNanoUsd),
  resetsAt: isoOrNull(windowBounds(budget.window, now).resetsAt),
  contact: budget.contact,
});

const isoOrNull = (at: EpochMs | null): string | null => (at === null ? null : new Date(at).toISOString());
