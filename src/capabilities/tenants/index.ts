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
export type { CallSize, PriceQuote, ServingQuote } from './core/reservation.ts';
export { hashKey, keyHint, keyText, KEY_BYTES } from './core/keys.ts';
export { modelNotFound } from './core/models.ts';
export { windowBounds } from './core/windows.ts';
export type { AskedId } from './kept-ids.ts';
export type { BudgetView, Me } from './me.ts';
export type { UnshippedMoney } from './rebuild.ts';
export { applyDeclared } from './declared/apply.ts';
export { adminApi } from './routes.ts';
export type { AdminApi, AdminApiOptions, AdminReply, AdminRequest } from './routes.ts';
export { budgetLimits, usedShare, type BudgetFigures, type BudgetLimit } from './budget-figures.ts';
