import { ZERO_USD, type NanoUsd } from '#kernel/money.ts';
import type { RingNode } from '#kernel/ring.ts';
import type { Hold } from '#ports/shared-state.ts';
import type { AdmissionFacts, AdmissionPlan } from './core/admission.ts';
import type { Attribution } from './core/attribution.ts';
import type { AppliedBudget, Payer } from './core/budget.ts';
import type { Caller } from './directory.ts';

/** A call that asks to be admitted. */
export interface AdmitCall extends AdmissionFacts {
  readonly caller: Caller;
  readonly attribution: Attribution;
}

export const payerOf = ({ caller: { key, team, tenant }, attribution }: AdmitCall): Payer => ({
  tenant: tenant.id,
  team: team?.id ?? null,
  feature: attribution.feature,
  key: key.id,
  endUser: attribution.endUser,
});

/** Money held for an admitted call, until it is settled. */
export interface Reservation {
  /** The most that one budget holds for the call now; grows by top-ups. */
  readonly reservedNanoUsd: NanoUsd;
  readonly worstCostNanoUsd: NanoUsd | null;
  readonly sendMaxOutputTokens: number | null;
  readonly estimatedInputTokens: number | null;
  readonly reservedOutputTokens: number | null;
}

/** A reservation with what settles it; the gate alone sees it. */
export class OpenReservation implements Reservation, RingNode {
  ringPrevious: RingNode | null = null;
  ringNext: RingNode | null = null;
  readonly call: AdmitCall;
  readonly plan: AdmissionPlan;
  readonly budgets: readonly AppliedBudget[];
  readonly hold: Hold | null;
  reservedNanoUsd: NanoUsd;
  /** What attempts before the present one may have cost. */
  earlierNanoUsd: NanoUsd = ZERO_USD;
  /** Last word of the budgets on a stream: a remote answer comes too late for its own mark. */
  verdict: 'go_on' | 'end' = 'go_on';

  constructor(call: AdmitCall, plan: AdmissionPlan, budgets: readonly AppliedBudget[], hold: Hold | null) {
    this.call = call;
    this.plan = plan;
    this.budgets = budgets;
    this.hold = hold;
    this.reservedNanoUsd = plan.reservedNanoUsd;
  }
  get worstCostNanoUsd(): NanoUsd | null {
    return this.plan.worstCostNanoUsd;
  }
  get sendMaxOutputTokens(): number | null {
    return this.plan.sendMaxOutputTokens;
  }
  get estimatedInputTokens(): number | null {
    return this.plan.estimatedInputTokens;
  }
  get reservedOutputTokens(): number | null {
    return this.plan.reservedOutputTokens;
  }
}
