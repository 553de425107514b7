/** What of the wanted state is there already. Pure. */
import type { StateView } from '../connect/source.ts';
import type { WantedBudget, WantedKey, WantedState } from './plan.ts';

export interface ExistingState {
  readonly tenants: readonly StateView[];
  readonly teams: readonly StateView[];
  readonly keys: readonly StateView[];
  readonly budgets: readonly StateView[];
}
export const NOTHING_YET: ExistingState = { tenants: [], teams: [], keys: [], budgets: [] };

export interface StateDiff {
  readonly create: WantedState;
  /** How many of each are there. */
  readonly there: Readonly<Record<keyof WantedState, number>>;
}

export function diffState(wanted: WantedState, existing: ExistingState): StateDiff {
  const ids = (views: readonly StateView[]): Set<unknown> => new Set(views.map(({ id }) => id));
  const [tenants, teams] = [ids(existing.tenants), ids(existing.teams)];
  const keys = new Map(existing.keys.map((view) => [keyIdentity(view), view]));
  const budgets = new Set(existing.budgets.map(budgetIdentity));
  const named = new Map(existing.keys.map((view) => [JSON.stringify([view['name'], view['tenant']]), view['id']]));
  const idOfKey = (name: string, tenant: string): unknown => named.get(JSON.stringify([name, tenant]));
  const create: WantedState = {
    tenants: wanted.tenants.filter(({ id }) => !tenants.has(id)),
    teams: wanted.teams.filter(({ id }) => !teams.has(id)),
    keys: wanted.keys.filter((key) => !keys.has(keyIdentity(key))),
    budgets: wanted.budgets.filter((budget) => !budgets.has(wantedIdentity(budget, idOfKey))),
  };
  const count = (kind: keyof WantedState): number => wanted[kind].length - create[kind].length;
  return {
    create,
    there: { tenants: count('tenants'), teams: count('teams'), keys: count('keys'), budgets: count('budgets') },
  };
}

/** The hash of a key is never shown again, so that its name within its team has to do; the gate refuses a hash twice. */
const keyIdentity = ({ tenant, team, name }: StateView | WantedKey): string => JSON.stringify([tenant, team, name]);

interface BudgetView {
  readonly scope: { readonly level: string; readonly tenant: string | null; readonly id: string | null };
  readonly window: { readonly kind: string; readonly unit?: string; readonly ms?: number };
}

function budgetIdentity(view: StateView): string {
  const { scope, window } = view as unknown as BudgetView;
  const text = window.kind === 'calendar' ? window.unit : window.kind === 'rolling' ? `${window.ms! / 1000}s` : 'total';
  return JSON.stringify([scope.level, scope.tenant, scope.id, text]);
}

function wantedIdentity(budget: WantedBudget, idOfKey: (name: string, tenant: string) => unknown): string {
  const { level, tenant, subject, window } = budget;
  const id = level === 'key' ? (idOfKey(subject!, tenant) ?? `new key ${subject}`) : subject;
  return JSON.stringify([level, tenant, id, window]);
}
