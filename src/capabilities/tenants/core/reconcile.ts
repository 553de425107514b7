import { isDeepStrictEqual } from 'node:util';
import type { EpochMs, TenantId } from '#kernel/brand.ts';
import type { StateChange, StateSnapshot, Team, Tenant } from '#ports/state-store.ts';
import { declaredAt, isDeclared, releasedAt, type Declared } from './declared.ts';
import { budgetSteps } from './reconcile-budgets.ts';
import { limitSteps } from './reconcile-limits.ts';
import { keySteps } from './reconcile-keys.ts';
import { layerSteps } from '../layers/core/reconcile-layers.ts';
import { changedFields, takenOver, type NewId, type Refusal, type Step } from './reconcile-step.ts';

export interface Plan {
  readonly steps: readonly Step[];
  readonly refusals: readonly Refusal[];
}

export interface ReconcileOptions {
  readonly now: EpochMs;
  /** Secret of a new tenant, in hex. */
  readonly newSecret: () => string;
  readonly newId: NewId;
  /** Who a version of a layer is by. */
  readonly author: string;
}

type Held = Pick<StateSnapshot, 'tenants' | 'teams' | 'keys' | 'budgets' | 'limits' | 'layers'>;

/**
 * What must change so that the state is as declared. Nothing where it is already. A declaration that is gone ends:
 * a tenant or team is disabled, a key revoked, a budget or limit removed.
 */
export function reconcile(held: Held, wanted: Declared, options: ReconcileOptions): Plan {
  const keys = keySteps(held.keys, wanted.keys, options);
  const steps = [
    ...tenantSteps(held.tenants, wanted.tenants, options),
    ...teamSteps(held.teams, wanted.teams, options.now),
    ...keys.steps,
    ...budgetSteps(held.budgets, wanted.budgets, { ...options, keyIds: keys.ids }),
    ...limitSteps(held.limits, wanted.limits, { ...options, keyIds: keys.ids }),
    ...layerSteps(held.layers, wanted.layers, { ...options, keyIds: keys.ids }),
  ];
  return { steps, refusals: keys.refusals };
}

function tenantSteps(
  held: readonly Tenant[],
  wanted: Declared['tenants'],
  { now, newSecret }: ReconcileOptions,
): Step[] {
  const byId = new Map(held.map((row) => [row.id, row]));
  const put = wanted.map(({ path, id, name, costExpose, plan, disabled }) => {
    const old = byId.get(id);
    byId.delete(id);
    const kept = old ?? { id, createdAt: now, secret: newSecret() };
    const disabledAt = disabled ? (old?.disabledAt ?? now) : null;
    const plans = old?.plan !== undefined || plan !== null ? { plan } : {};
    const value: Tenant = { ...kept, name, costExpose, ...plans, disabledAt, declared: declaredAt(path) };
    return rowStep(old, value, { kind: 'tenant', tenant: id, detail: { name, costExpose, ...plans, disabled } });
  });
  const gone = [...byId.values()].filter(isDeclared).map((old) => {
    const value: Tenant = { ...old, disabledAt: old.disabledAt ?? now, declared: releasedAt(old, now) };
    return rowStep(old, value, { kind: 'tenant', tenant: old.id, detail: GONE });
  });
  return [...put, ...gone].filter((step) => step !== null);
}

function teamSteps(held: readonly Team[], wanted: Declared['teams'], now: EpochMs): Step[] {
  const byId = new Map(held.map((row) => [row.id, row]));
  const put = wanted.map(({ path, id, tenant, name, disabled }) => {
    const old = byId.get(id);
    byId.delete(id);
    const kept = old ?? { id, tenant, createdAt: now };
    const value: Team = {
      ...kept,
      name,
      disabledAt: disabled ? (old?.disabledAt ?? now) : null,
      declared: declaredAt(path),
    };
    return rowStep(old, value, { kind: 'team', tenant, detail: { name, disabled } });
  });
  const gone = [...byId.values()].filter(isDeclared).map((old) => {
    const value: Team = { ...old, disabledAt: old.disabledAt ?? now, declared: releasedAt(old, now) };
    return rowStep(old, value, { kind: 'team', tenant: old.tenant, detail: GONE });
  });
  return [...put, ...gone].filter((step) => step !== null);
}

/** Stands in the audit entry of a row that the file declares no more. */
const GONE = { disabled: true, why: 'its declaration is gone' } as const;

interface RowFacts {
  readonly kind: 'tenant' | 'team';
  readonly tenant: TenantId;
  readonly detail: object;
}

function rowStep<T extends Tenant | Team>(
  old: T | undefined,
  value: T,
  { kind, tenant, detail }: RowFacts,
): Step | null {
  if (isDeepStrictEqual(old, value)) return null;
  return {
    changes: [{ put: kind, value } as StateChange],
    action: old ? `${kind}.update` : `${kind}.create`,
    subject: value.id,
    tenant,
    detail,
    path: value.declared!.path,
    takenOver: takenOver(old),
    changed: changedFields(old, value),
  };
}
