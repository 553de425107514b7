import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { nanoUsd, ZERO_USD } from '#kernel/money.ts';
import { countsOf, ONLY, ordered, SORTS, sumsOf, type Standing } from './standing.ts';

const standing = (tenant: string, more: Partial<Standing> = {}): Standing => ({
  ...{ tenant, name: tenant, plan: null, disabled: false, calls: 0, errors: 0, costNanoUsd: ZERO_USD },
  ...{ unknownCostCalls: 0, estimatedNanoUsd: ZERO_USD, p99Ms: null, month: null, limit: null, limits: 0 },
  ...{ budget: null, budgets: 0, quality: null },
  ...more,
});

const month = (costs: bigint, pays: bigint | null): Standing['month'] => ({
  ...{ tenant: 't', pricedBy: pays === null ? null : 'plan p', revenueNanoUsd: nanoUsd(pays ?? 0n) },
  ...{ ownCostNanoUsd: nanoUsd(costs), sharedCostNanoUsd: ZERO_USD, costNanoUsd: nanoUsd(costs) },
  ...{ marginNanoUsd: nanoUsd((pays ?? 0n) - costs), marginRatio: null },
});

const anyStanding = fc
  .record({
    tenant: fc.stringMatching(/^[a-c]{1,3}$/),
    calls: fc.nat(5),
    p99Ms: fc.option(fc.nat(9)),
    month: fc.option(fc.tuple(fc.bigInt(0n, 9n), fc.option(fc.bigInt(0n, 9n)))),
  })
  .map(({ tenant, calls, p99Ms, month: of }) =>
    standing(tenant, {
      calls,
      errors: calls >> 1,
      costNanoUsd: nanoUsd(BigInt(calls)),
      p99Ms,
      month: of && month(...of),
    }),
  );

test('who has no value comes last in either order, those of one value by name', () => {
  const all = [standing('b', { p99Ms: 5 }), standing('none'), standing('c', { p99Ms: 9 }), standing('a', { p99Ms: 5 })];
  const names = (order: 'asc' | 'desc') => ordered(all, { sort: 'p99', order }).map(({ tenant }) => tenant);
  assert.deepEqual(names('desc'), ['c', 'a', 'b', 'none']);
  assert.deepEqual(names('asc'), ['a', 'b', 'c', 'none']);
});

test('without a price there is no margin to sort, sum or lose', () => {
  const all = [
    standing('free', { month: month(100n, null) }),
    standing('gain', { month: month(10n, 30n) }),
    standing('loss', { month: month(10n, 4n) }),
  ];
  assert.deepEqual(
    ordered(all, { sort: 'margin', order: 'asc' }).map(({ tenant }) => tenant),
    ['loss', 'gain', 'free'],
  );
  const { attributedNanoUsd, revenueNanoUsd, marginNanoUsd, priced } = sumsOf(all);
  assert.deepEqual([attributedNanoUsd, revenueNanoUsd, marginNanoUsd, priced], [120n, 34n, 14n, 2]);
  assert.equal(countsOf(all).loss, 1);
});

test('every sort keeps everybody, and every filter counts whom it keeps', () => {
  fc.assert(
    fc.property(fc.array(anyStanding, { maxLength: 12 }), fc.constantFrom(...SORTS), (all, sort) => {
      for (const order of ['asc', 'desc'] as const)
        assert.deepEqual(new Set(ordered(all, { sort, order })), new Set(all));
      for (const only of ONLY) assert.equal(ordered(all, { sort, order: 'asc', only }).length, countsOf(all)[only]);
    }),
  );
});

test('found by a part of the id or the name, in whatever case', () => {
  const all = [standing('acme', { name: 'Road Runner' }), standing('globex')];
  for (const search of ['ACM', 'runner', ' road '])
    assert.deepEqual(
      ordered(all, { search, sort: 'tenant', order: 'asc' }).map(({ tenant }) => tenant),
      ['acme'],
    );
});
