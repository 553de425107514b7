import type { EpochMs, TenantId } from '#kernel/brand.ts';
import { HeadgateError } from '#kernel/errors.ts';
import { nanoUsd, usdDecimal, type NanoUsd } from '#kernel/money.ts';
import { keyPrefix, tenantKey, type KeyPrefix } from '#kernel/whose.ts';
import type { PotClaim, PotKey, PotRefusal, PotSettlement } from '#ports/shared-state.ts';
import type { Budget, BudgetScope } from '#ports/state-store.ts';
import { ScopeIndex, whoseScope } from './scope-index.ts';
import { slotAt, windowBounds, windowTag } from './windows.ts';

/** SDKs obey a wait of at most 60 s; a longer one is a refusal for good (clients.md 22). */
export const LONGEST_WAIT_MS = 60_000;

/** A budget that applies to a call, with the pot that holds its money. */
export interface AppliedBudget {
  readonly budget: Budget;
  readonly pot: PotKey;
}

/** The one pot of a budget; of one for each of many, the pot of a subject without a name. */
export const potOf = (budget: Budget, subject = ''): PotKey =>
  tenantKey(whoseScope(budget.scope), 'budget', budget.id, windowTag(budget.window), subject);

const eachPot = (budget: Budget): KeyPrefix<'budget'> =>
  keyPrefix(whoseScope(budget.scope), 'budget', budget.id, windowTag(budget.window));

/** The pot that was named `budget|window|subject`; null: no such budget. */
export function potOfOld(name: string, budgetOf: (id: string) => Budget | undefined): PotKey | null {
  const [id, tag, ...subject] = name.split('|');
  const budget = budgetOf(id!);
  return budget && tag ? tenantKey(whoseScope(budget.scope), 'budget', id!, tag, subject.join('|')) : null;
}

/** All pots of a budget, in whatever window. */
export const potsOf = ({ id, scope }: Pick<Budget, 'id' | 'scope'>): KeyPrefix<'budget'> =>
  keyPrefix(whoseScope(scope), 'budget', id);

/** Every budget by its scope, so that the ones of a call are six look-ups. */
export class BudgetIndex extends ScopeIndex<Budget, AppliedBudget, 'budget'> {
  constructor(budgets: Iterable<Budget>) {
    const byTenant = Map.groupBy(budgets, ({ scope }) => scope.tenant);
    const rowsOf = (tenant: TenantId | null): readonly Budget[] => byTenant.get(tenant) ?? [];
    super({ rowsOf, keyOf: potOf, prefixOf: eachPot, applied: (budget, pot) => ({ budget, pot }) });
  }
}

/** The limit at an instant: a raise expires by itself. */
export const limitAt = ({ limitNanoUsd, raise }: Budget, now: EpochMs): NanoUsd =>
  nanoUsd(raise !== null && now < raise.until ? limitNanoUsd + raise.byNanoUsd : limitNanoUsd);

export const claimOf = ({ budget, pot }: AppliedBudget, amountNanoUsd: NanoUsd, now: EpochMs): PotClaim => ({
  pot,
  slot: slotAt(budget.window, now),
  limitNanoUsd: limitAt(budget, now),
  amountNanoUsd,
});

/** A share of a limit that this settlement has passed. */
export interface BudgetWarning {
  readonly budget: Budget;
  readonly share: number;
  readonly limitNanoUsd: NanoUsd;
  readonly spentNanoUsd: NanoUsd;
}

/** Warnings that a settlement sets off: each share once on the way up. */
export function warningsOf(budget: Budget, settled: PotSettlement, now: EpochMs): readonly BudgetWarning[] {
  const { spentBeforeNanoUsd: before, spentAfterNanoUsd: after } = settled;
  if (after === before || budget.warnAt.length === 0) return NO_WARNINGS;
  const limit = limitAt(budget, now);
  let passed: BudgetWarning[] | null = null;
  for (const share of budget.warnAt) {
    // The lowest share comes first: nearly always it is not reached.
    const at = shareOf(limit, share);
    if (after < at) break;
    if (before < at) (passed ??= []).push({ budget, share, limitNanoUsd: limit, spentNanoUsd: after });
  }
  return passed ?? NO_WARNINGS;
}
const NO_WARNINGS: readonly BudgetWarning[] = [];

const MILLION = 1_000_000;
/** Shares are configured with few digits; a millionth is finer than any. */
const shareOf = (limit: NanoUsd, share: number): bigint =>
  (limit * BigInt(Math.round(share * MILLION))) / BigInt(MILLION);

/** What a refusal may say: scope, limit, used, reserved, reset and contact; never a key or another tenant. */
export function budgetRefusal(budget: Budget, claim: PotClaim, refused: PotRefusal, now: EpochMs): HeadgateError {
  const waitMs = refused.fitsAt === null ? null : Math.max(1, refused.fitsAt - now);
  const resets = windowBounds(budget.window, now).resetsAt ?? refused.fitsAt;
  const facts = {
    ...publicFacts(budget, claim, refused),
    reset: resets === null ? null : isoTime(resets),
    contact: budget.contact,
  };
  const message = refusalText(budget, claim, facts);
  if (waitMs !== null && waitMs <= LONGEST_WAIT_MS) {
    return new HeadgateError('budget_window', { message, facts, retryAfterMs: waitMs });
  }
  return new HeadgateError('budget_exceeded', { message, facts });
}

interface PublicFacts {
  readonly scope: string;
  readonly limitUsd: string | null;
  readonly usedUsd: string | null;
  readonly reservedUsd: string | null;
}

/** Figures of the operator's own budget would tell what other tenants spend. */
function publicFacts(budget: Budget, claim: PotClaim, refused: PotRefusal): PublicFacts {
  const { level } = budget.scope;
  if (level === 'operator') return { scope: level, limitUsd: null, usedUsd: null, reservedUsd: null };
  return {
    scope: level,
    limitUsd: usdDecimal(claim.limitNanoUsd),
    usedUsd: usdDecimal(refused.spentNanoUsd),
    reservedUsd: usdDecimal(refused.reservedNanoUsd),
  };
}

function refusalText(budget: Budget, claim: PotClaim, facts: PublicFacts & { readonly reset: string | null }): string {
  const whose = SCOPE_TEXT[budget.scope.level];
  const figures =
    facts.limitUsd === null
      ? ''
      : `: limit $${facts.limitUsd} ${windowText(budget)}, used $${facts.usedUsd}, reserved by calls in flight ` +
        `$${facts.reservedUsd}, this call reserves $${usdDecimal(claim.amountNanoUsd)}`;
  const reset = facts.reset === null ? ' It does not reset by itself.' : ` It resets at ${facts.reset}.`;
  const contact = budget.contact === null ? '' : ` Ask ${budget.contact} for a raise.`;
  return `The budget of ${whose} does not cover this call${figures}.${reset}${contact}`;
}

export const SCOPE_TEXT = {
  operator: 'this gate',
  tenant: 'this tenant',
  team: 'this team',
  feature: 'this feature',
  key: 'this key',
  end_user: 'this end user',
} as const satisfies Record<BudgetScope['level'], string>;

function windowText({ window }: Budget): string {
  if (window.kind === 'total') return 'in total';
  if (window.kind === 'calendar') return `a ${window.unit} (${window.timeZone})`;
  return `in ${Math.round(window.ms / 60_000)} minutes`;
}

export const isoTime = (at: EpochMs): string | null => (Number.isFinite(at) ? new Date(at).toISOString() : null);

/** The operator's refusal of a model without a price (clients.md 20). */
export const priceUnknown = (model: string, budget: Budget): HeadgateError =>
  new HeadgateError('price_unknown', {
    field: 'model',
    message:
      `The model \`${model}\` has no price, and a hard budget of ${SCOPE_TEXT[budget.scope.level]} applies. ` +
      `An operator sets one: \`headgate prices set ${model} --input <usd> --output <usd>\` (a million tokens), or 0 for a free model.`,
    facts: { scope: budget.scope.level, model: model.slice(0, 128), contact: budget.contact },
  });
