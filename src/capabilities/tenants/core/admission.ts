import type { EpochMs } from '#kernel/brand.ts';
import { HeadgateError } from '#kernel/errors.ts';
import { ZERO_USD, maxUsd, type NanoUsd } from '#kernel/money.ts';
import { err, ok, type Result } from '#kernel/result.ts';
import type { PotClaim } from '#ports/shared-state.ts';
import { claimOf, priceUnknown, type AppliedBudget } from './budget.ts';
import {
  boundedAmount,
  expectedOutputTokens,
  strictOutputTokens,
  worstAmount,
  type CallSize,
  type ServingQuote,
} from './reservation.ts';

/** What is known of a call when its money is asked for. */
export interface AdmissionFacts {
  readonly at: EpochMs;
  readonly model: string;
  /** Counting tokens and the like: costs nothing and is never refused for money. */
  readonly free: boolean;
  /** Every deployment that may serve the call. */
  readonly serving: readonly ServingQuote[];
  readonly featureMaxOutputTokens: number | null;
  /** Tools that the provider runs and bills itself. */
  readonly hostedTools: readonly string[];
  /** Those of them that no price row prices; default: all. */
  readonly unpricedTools?: readonly string[];
  readonly size: CallSize;
}

/** Money that a call asks for, budget by budget. */
export interface AdmissionPlan {
  readonly claims: readonly PotClaim[];
  /** The largest claim, or what a call without a budget is expected to cost; zero where no price is known. */
  readonly reservedNanoUsd: NanoUsd;
  /** Dearest outcome; null: no price is known. */
  readonly worstCostNanoUsd: NanoUsd | null;
  /** Limit of output tokens to set upstream, because a strict budget pays for no more; null: leave the call as it is. */
  readonly sendMaxOutputTokens: number | null;
  readonly estimatedInputTokens: number | null;
  readonly reservedOutputTokens: number | null;
}

const FREE: Omit<AdmissionPlan, 'estimatedInputTokens'> = {
  claims: [],
  reservedNanoUsd: ZERO_USD,
  worstCostNanoUsd: ZERO_USD,
  sendMaxOutputTokens: null,
  reservedOutputTokens: null,
};

/** Works out what each budget must hold for a call (clients.md 19, 20), or why no budget can. */
export function planAdmission(
  facts: AdmissionFacts,
  budgets: readonly AppliedBudget[],
  learnedP95: number | null,
): Result<AdmissionPlan, HeadgateError> {
  const { size, serving } = facts;
  const estimatedInputTokens = Math.ceil(size.inputTokensEstimate);
  if (facts.free) return ok({ ...FREE, estimatedInputTokens });
  const known = { learnedP95, featureMaxOutputTokens: facts.featureMaxOutputTokens };
  const strict = budgets.find(({ budget }) => budget.mode === 'strict');
  const strictTokens = strictOutputTokens(size, known, serving);
  const expectedTokens = strict
    ? Math.min(strictTokens, expectedOutputTokens(size, known))
    : expectedOutputTokens(size, known);
  const worst = worstAmount(size, strictTokens, serving);
  const expected = boundedAmount(size, expectedTokens, serving);
  const refused = strict ? toolRefusal(facts) : null;
  if (refused) return err(refused);
  const claims: PotClaim[] = [];
  let reserved = budgets.length === 0 ? (expected ?? ZERO_USD) : ZERO_USD;
  for (const applied of budgets) {
    const amount = (applied.budget.mode === 'strict' ? worst : expected) ?? applied.budget.unknownPriceNanoUsd;
    if (amount === null) return err(priceUnknown(facts.model, applied.budget));
    claims.push(claimOf(applied, amount, facts.at));
    reserved = maxUsd(reserved, amount);
  }
  return ok({
    claims,
    reservedNanoUsd: reserved,
    worstCostNanoUsd: worst,
    sendMaxOutputTokens: strict && size.hasOutput && size.maxOutputTokens === null ? strictTokens : null,
    estimatedInputTokens,
    reservedOutputTokens: size.hasOutput ? Math.ceil((strict ? strictTokens : expectedTokens) * size.n) : null,
  });
}

/** What a tool of the provider costs has no bound that we know of, so `strict` could not keep its promise. */
function toolRefusal({ hostedTools, unpricedTools = hostedTools }: AdmissionFacts): HeadgateError | null {
  const [tool] = unpricedTools;
  if (tool === undefined) return null;
  return toolUnpriced(tool);
}

export const toolUnpriced = (tool: string): HeadgateError =>
  new HeadgateError('price_unknown', {
    field: 'tools',
    message: `The hosted tool \`${tool.slice(0, 64)}\` has no price, and a strict budget applies.`,
  });
