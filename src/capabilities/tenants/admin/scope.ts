import type { BudgetLevel, BudgetScope } from '#ports/state-store.ts';
import { featureFault, scopeFault } from '../core/faults.ts';
import { requireNone, theKey, theTeam, theTenant, type AdminContext } from './context.ts';

interface ScopeInput {
  readonly level: BudgetLevel;
  readonly tenant?: string | undefined;
  readonly id?: string | undefined;
}

/** The scope of a new budget or limit; throws a 400 or 404 for what does not exist or is another tenant's. */
export function scopeOf(context: AdminContext, input: ScopeInput, what: 'budget' | 'limit'): BudgetScope {
  requireNone([scopeFault(input, what)]);
  const { level, tenant, id } = input;
  if (level === 'operator') return { level, tenant: null, id: null };
  const { id: owner } = theTenant(context, tenant!);
  if (id === undefined) return { level, tenant: owner, id: null };
  if (level === 'team') theTeam(context, owner, id);
  if (level === 'key') theKey(context, owner, id);
  if (level === 'feature') requireNone([featureFault(id, 'id', context.features())]);
  return { level, tenant: owner, id };
}
