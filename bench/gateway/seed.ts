import { randomBytes } from 'node:crypto';
import type { BudgetId, EpochMs, FeatureName, KeyId, LimitId, TenantId } from '#kernel/brand.ts';
import { parseUsd } from '#kernel/money.ts';
import type { BudgetScope, Limit, StateChange } from '#ports/state-store.ts';
import { hashKey, keyHint } from '#capabilities/tenants/index.ts';

const TENANTS = 100;

/**
 * A hundred tenants, each with a budget and its limits, one budget and limits over all, a limit for each key, and the
 * keys in turn, each with an allow-list: ten counters of limits a call.
 */
export function benchState(keys: readonly string[], now: EpochMs): StateChange[] {
  const tenants = Array.from({ length: TENANTS }, (_, i) => `tenant-${i}` as TenantId);
  return [
    ...tenants.flatMap((id) => [tenant(id, now), budget(`b-${id}`, id, now)]),
    ...limits('all', { level: 'operator', tenant: null, id: null }, now),
    ...tenants.flatMap((id) => [
      ...limits(id, { level: 'tenant', tenant: id, id: null }, now),
      ...limits(`${id}-keys`, { level: 'key', tenant: id, id: null }, now).slice(0, 2),
    ]),
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

/** Requests and tokens a minute, tokens a day and calls in flight, with room for whatever a bench asks. */
const limits = (name: string, scope: BudgetScope, now: EpochMs): StateChange[] =>
  (
    [
      ['requests', 'minute'],
      ['total_tokens', 'minute'],
      ['total_tokens', 'day'],
      ['concurrency', null],
    ] as const satisfies readonly (readonly [Limit['unit'], Limit['window']])[]
  ).map(([unit, window]) => ({
    put: 'limit',
    value: {
      ...{ id: `lim_${name}_${unit}_${window}` as LimitId, scope, unit, window },
      ...{ limit: 1_000_000_000_000, raise: null, contact: null, createdAt: now },
    },
  }));
