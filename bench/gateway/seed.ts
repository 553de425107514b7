import { randomBytes } from 'node:crypto';
import type { BudgetId, EpochMs, FeatureName, KeyId, TenantId } from '#kernel/brand.ts';
import { parseUsd } from '#kernel/money.ts';
import type { StateChange } from '#ports/state-store.ts';
import { hashKey, keyHint } from '#capabilities/tenants/index.ts';

const TENANTS = 100;

/** A hundred tenants, each with a budget, one budget over all, and the keys in turn, each with an allow-list. */
export function benchState(keys: readonly string[], now: EpochMs): StateChange[] {
  const tenants = Array.from({ length: TENANTS }, (_, i) => `tenant-${i}` as TenantId);
  return [
    ...tenants.flatMap((id) => [tenant(id, now), budget(`b-${id}`, id, now)]),
    ...keys.map((raw, i) => key(raw, i, tenants[i % TENANTS]!, now)),
    budget('b-all', null, now),
  ];
}

const tenant = (id: TenantId, now: EpochMs): StateChange => ({
  put: 'tenant',
  value: {
    id,
    name: id,
    createdAt: now,
    disabledAt: null,
    secret: randomBytes(32).toString('hex'),
    costExpose: null,
  },
});

const key = (raw: string, i: number, of: TenantId, now: EpochMs): StateChange => ({
  put: 'key',
  value: {
    id: `key_${i}` as KeyId,
    tenant: of,
    team: null,
    name: `key ${i}`,
    owner: null,
    hash: hashKey(raw),
    hint: keyHint(raw),
    previous: [],
    createdAt: now,
    expiresAt: null,
    revokedAt: null,
    models: ['gpt-*', 'text-embedding-*'],
    rights: { features: '*', endUser: true, session: true, agent: true, purpose: true, labels: [] },
    defaultFeature: 'search' as FeatureName,
    defaultLabels: {},
    operator: false,
  },
});

const budget = (id: string, of: TenantId | null, now: EpochMs): StateChange => ({
  put: 'budget',
  value: {
    id: id as BudgetId,
    scope: { level: of ? 'tenant' : 'operator', tenant: of, id: null },
    limitNanoUsd: parseUsd('1000000')!,
    window: { kind: 'calendar', unit: 'month', timeZone: 'UTC' },
    mode: 'bounded',
    endWhenSpent: false,
    warnAt: [0.8],
    unknownPriceNanoUsd: null,
    raise: null,
    contact: null,
    createdAt: now,
  },
});
