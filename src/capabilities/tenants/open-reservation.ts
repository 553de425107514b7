import type { EpochMs } from '#kernel/brand.ts';
import { ZERO_USD, type NanoUsd } from '#kernel/money.ts';
import type { RingNode } from '#kernel/ring.ts';
import type { Hold } from '#ports/shared-state.ts';
import type { AdmissionFacts, AdmissionPlan } from './core/admission.ts';
import type { Attribution } from './core/attribution.ts';
import type { AppliedBudget } from './core/budget.ts';
import type { Payer } from './core/scope-index.ts';
import type { Caller } from './directory.ts';
import { limitHeaders } from './core/limit-headers.ts';
import type { TakenLimits } from './taken-limits.ts';

/** A call that asks to be admitted. */
export interface AdmitCall extends AdmissionFacts {
  readonly caller: Caller;
  readonly attribution: Attribution;
  /** Asks no model: of the limits it takes a request, and no tokens. Default: it asks one. */
  readonly requestOnly?: boolean;
  /** Made by the gate of itself: it takes no place in limits, which are for who calls. Its money counts. */
  readonly own?: boolean;
}

export const payerOf = ({ caller: { key, team, tenant }, attribution }: AdmitCall): Payer => ({
  tenant: tenant.id,
  team: team?.id ?? null,
  feature: attribution.feature,
  key: key.id,
  endUser: attribution.endUser,
});

/** Money and places in limits that an admitted call holds, until it is settled. */
export interface Reservation {
  /** The most that one budget holds for the call now; grows by top-ups. */
  readonly reservedNanoUsd: NanoUsd;
  readonly worstCostNanoUsd: NanoUsd | null;
  readonly sendMaxOutputTokens: number | null;
  readonly estimatedInputTokens: number | null;
  readonly reservedOutputTokens: number | null;
  /** `x-ratelimit-…` of the limits that apply, as a flat list of names and values; none where none applies. */
  limitHeaders(now: EpochMs): readonly string[];
}

/** What a reservation holds; null: no budget or limit applies. */
interface Held {
  readonly budgets: readonly AppliedBudget[];
  readonly hold: Hold | null;
  readonly limits: TakenLimits | null;
}

/** A reservation with what settles it; the gate alone sees it. */
export class OpenReservation implements Reservation, RingNode {
  ringPrevious: RingNode | null = null;
  ringNext: RingNode | null = null;
  readonly call: AdmitCall;
  readonly plan: AdmissionPlan;
  readonly budgets: readonly AppliedBudget[];
  readonly hold: Hold | null;
  readonly limits: TakenLimits | null;
  reservedNanoUsd: NanoUsd;
  /** What attempts before the present one may have cost. */
  earlierNanoUsd: NanoUsd = ZERO_USD;
  /** Last word of the budgets on a stream: a remote answer comes too late for its own mark. */
  verdict: 'go_on' | 'end' = 'go_on';

  constructor(call: AdmitCall, plan: AdmissionPlan, { budgets, hold, limits }: Held) {
    this.call = call;
    this.plan = plan;
    this.budgets = budgets;
    this.hold = hold;
    this.limits = limits;
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
  limitHeaders(now: EpochMs): readonly string[] {
    return this.limits === null ? NO_HEADERS : limitHeaders(this.limits.hold, now);
  }
}

const NO_HEADERS: readonly string[] = [];
