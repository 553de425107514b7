import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BudgetScope, Limit } from '#ports/state-store.ts';
import { LimitIndex } from './limit.ts';

const limit = (level: BudgetScope['level'], tenant: string | null, id: string | null, unit = 'requests') =>
  ({
    id: `${level} ${id}`,
    scope: { level, tenant, id },
    unit,
    window: 'minute',
    limit: 1,
    raise: null,
  }) as never as Limit;

test('counters of limits keep the names that they have in Valkey: gates of two versions count together', () => {
  const index = new LimitIndex([
    limit('operator', null, null),
    limit('tenant', 'acme', null),
    limit('team', 'acme', 'acme.core'),
    limit('feature', 'acme', 'search'),
    limit('key', 'acme', null),
    limit('key', 'acme', 'key_01'),
    limit('end_user', 'acme', null),
    limit('tenant', 'other', null),
  ]);
  const of = (tenant: string) =>
    index
      .of({ tenant: tenant as never, team: 'acme.core', feature: 'search', key: 'key_01', endUser: 'u1' })
      .map(({ set }) => String(set));
  assert.deepEqual(of('acme'), [
    'operator||',
    'tenant|acme|',
    'team|acme|acme.core',
    'feature|acme|search',
    'key|acme|key_01',
    'each key|acme|key_01',
    'each end_user|acme|u1',
  ]);
  assert.deepEqual(of('other'), ['operator||', 'tenant|other|']);
  assert.deepEqual(of('nobody'), ['operator||']);
});

test('a tenant or a user with a bar in its name is nobody else', () => {
  const index = new LimitIndex([limit('end_user', 'a', null), limit('end_user', 'a|b', null)]);
  const set = (tenant: string, endUser: string): string =>
    index.of({ tenant: tenant as never, team: null, feature: null, key: 'k', endUser })[0]!.set;
  assert.notEqual(set('a', 'b|c'), set('a|b', 'c'));
});
