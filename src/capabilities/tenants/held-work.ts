import type { EpochMs } from '#kernel/brand.ts';
import type { HeadgateError } from '#kernel/errors.ts';
import { maxUsd, nanoUsd, ZERO_USD, type NanoUsd } from '#kernel/money.ts';
import { err, ok, type Result } from '#kernel/result.ts';
import type { BudgetCounters, Hold, PotClaim } from '#ports/shared-state.ts';
import { toolUnpriced } from './core/admission.ts';
import {
  budgetRefusal,
  claimOf,
  priceUnknown,
  warningsOf,
  type AppliedBudget,
  type BudgetWarning,
} from './core/budget.ts';
import type { Payer } from './core/scope-index.ts';

/** Many calls that run later as one piece of work: a batch. */
export interface WorkAsked {
  readonly payer: Payer;
  readonly at: EpochMs;
  /** Named where it has no price. */
  readonly model: string;
  readonly calls: number;
  /** What `bounded` budgets hold, and what `strict` ones hold; null: a price is not known. */
  readonly expectedNanoUsd: NanoUsd | null;
  readonly worstNanoUsd: NanoUsd | null;
  /** A tool of the provider's own that its calls may use and that has no price; null: there is none. */
  readonly unpricedTool: string | null;
}

/** Money held for work, until it is settled. */
export interface HeldWork {
  /** The most that one budget holds for it. */
  readonly reservedNanoUsd: NanoUsd;
}

/** What the work came to. */
export interface WorkCost {
  readonly knownNanoUsd: NanoUsd;
  /** Calls whose price or usage nobody knows. */
  readonly unknownCalls: number;
}

interface Held extends HeldWork {
  readonly asked: WorkAsked;
  readonly budgets: readonly AppliedBudget[];
  readonly hold: Hold | null;
}

interface Parts {
  readonly counters: BudgetCounters;
  readonly onWarning: (warning: BudgetWarning) => void;
}

/** No budget is as large: what a dead process had held is held again, whatever has been spent since. */
const NO_LIMIT = nanoUsd(2n ** 100n);

/** Holds the money in every budget, or in none and says which refuses. `again`: it was held before, by a process that died. */
export async function holdWork(
  { counters }: Parts,
  asked: WorkAsked,
  budgets: readonly AppliedBudget[],
  again: boolean,
): Promise<Result<HeldWork, HeadgateError>> {
  const claims: PotClaim[] = [];
  let reserved = budgets.length === 0 ? (asked.expectedNanoUsd ?? ZERO_USD) : ZERO_USD;
  for (const applied of budgets) {
    if (applied.budget.mode === 'strict' && asked.unpricedTool !== null && !again)
      return err(toolUnpriced(asked.unpricedTool));
    const amount = amountOf(asked, applied);
    if (amount === null && !again) return err(priceUnknown(asked.model, applied.budget));
    const claim = claimOf(applied, amount ?? ZERO_USD, asked.at);
    claims.push(again ? { ...claim, limitNanoUsd: NO_LIMIT } : claim);
    reserved = maxUsd(reserved, claim.amountNanoUsd);
  }
  const made = (hold: Hold | null): Held => ({ reservedNanoUsd: reserved, asked, budgets, hold });
  if (claims.length === 0) return ok(made(null));
  const held = await counters.reserve(claims, asked.at);
  if (held.ok) return ok(made(held.value));
  const { index } = held.error;
  return err(budgetRefusal(budgets[index]!.budget, claims[index]!, held.error, asked.at));
}

function amountOf(asked: WorkAsked, { budget }: AppliedBudget): NanoUsd | null {
  const amount = budget.mode === 'strict' ? asked.worstNanoUsd : asked.expectedNanoUsd;
  if (amount !== null) return amount;
  const each = budget.unknownPriceNanoUsd;
  return each === null ? null : nanoUsd(each * BigInt(asked.calls));
}

/** Turns what is held into what the work came to. Once. */
export async function settleWork(
  { counters, onWarning }: Parts,
  given: HeldWork,
  cost: WorkCost,
  now: EpochMs,
): Promise<void> {
  const { budgets, hold } = given as Held;
  if (!hold) return;
  const actual = budgets.map(({ budget }, i) => actualOf(cost, budget.unknownPriceNanoUsd, hold.pots[i]!.heldNanoUsd));
  const settled = await counters.settle(hold, actual, now);
  settled.forEach((one, i) => warningsOf(budgets[i]!.budget, one, now).forEach(onWarning));
}

/** What nobody knows is charged as the budget says, else what was held stays spent. */
function actualOf({ knownNanoUsd, unknownCalls }: WorkCost, each: NanoUsd | null, held: NanoUsd): NanoUsd {
  if (unknownCalls === 0) return knownNanoUsd;
  return each === null ? maxUsd(knownNanoUsd, held) : nanoUsd(knownNanoUsd + each * BigInt(unknownCalls));
}
