/**
 * Tenants: who calls, what the call says of itself, and whether its money is there. The pipeline uses
 * {@link Tenants}; the admin server mounts {@link adminApi}.
 */
export { openTenants, Tenants } from './tenants.ts';
export type { Origin, TenantsOptions } from './tenants.ts';
export { hashEndUser } from './gate.ts';
export type { AdmitCall, Reservation } from './open-reservation.ts';
export type { Overshoot } from './overshoot.ts';
export type { Caller } from './directory.ts';
export type { Attribution } from './core/attribution.ts';
export type { BudgetWarning } from './core/budget.ts';
export { boundedAmount, worstAmount } from './core/reservation.ts';
export type { CallSize, PriceQuote, ServingQuote } from './core/reservation.ts';
export { QualityBook } from './quality/book.ts';
export { AnswerReading, type SaidAnswer, type SaidChoice } from './quality/core/answer-reading.ts';
export { exhibitOf, judgeBody, judgeName, readVerdict, type Exhibit } from './quality/core/judgement.ts';
export {
  JUDGE_SKIPS,
  JUDGEMENT_ENDS,
  type JudgeCounts,
  type JudgementEnd,
  type JudgeOf,
  type JudgeSkip,
} from './quality/core/judge-tally.ts';
export { JudgeJournal } from './quality/judge-journal.ts';
export { FollowUps } from './quality/core/follow-ups.ts';
export { basisOf, isTextRule, measuredBy, ruleScore, type TextRule } from './quality/core/rules.ts';
export { isDrawn } from './quality/core/sample.ts';
export { callsFinding, formatFinding, toolOutcomes, type Finding, type NotScored } from './quality/core/text-rules.ts';
export type { QualityLine, QualityPool } from './quality/core/quality.ts';
export { LEAK_FOUND, LeakWatch, type AnswerWatch, type LeakIncident, type LeakWatchNow } from './leaks/leak-watch.ts';
export { AnswerDigest } from './core/answer-digest.ts';
export { prefixPreamble, prefixSalt, withoutPreamble } from './core/prefix-salt.ts';
export { hashKey, keyHint, keyText, KEY_BYTES } from './core/keys.ts';
export { modelNotFound } from './core/models.ts';
export { windowBounds } from './core/windows.ts';
export type { AskedId, KeptOwner } from './kept-ids.ts';
export type { HeldWork, WorkAsked, WorkCost } from './held-work.ts';
export type { Payer } from './core/scope-index.ts';
export type { BudgetView, Me } from './me.ts';
export type { LimitView } from './limit-view.ts';
export type { UnshippedMoney } from './rebuild.ts';
export { budgetsNow, type BudgetNow } from './budgets-now.ts';
export { limitsNow, takenShare, type LimitNow } from './limits-now.ts';
export type { Kept } from './late-changes.ts';
export type { Effective, EffectiveParameter } from './layers/core/effective.ts';
export { parameterFor, refusedTool } from './layers/core/merge.ts';
export { renderPrompt } from './layers/core/bind.ts';
export { readCallValues, VARIABLES_HEADER } from './layers/core/call-values.ts';
export { applyDeclared } from './declared/apply.ts';
export { NO_ATTRIBUTION } from './attribution/settings.ts';
export { adminApi } from './routes.ts';
export type { HidesCached } from './admin/tenants-view.ts';
export type { AdminApi, AdminApiOptions, AdminReply, AdminRequest } from './routes.ts';
export { budgetLimits, usedShare, type BudgetFigures, type BudgetLimit } from './budget-figures.ts';
export { Accounts, type AccountFigures } from './fairness/accounts.ts';
export { isPass, type NoTurn, type Pass } from './fairness/account.ts';
