import assert from 'node:assert/strict';
import { test } from 'node:test';
import { epochMs, type TenantId } from '#kernel/brand.ts';
import { nanoUsd } from '#kernel/money.ts';
import { everyTenant, tenantKey } from '#kernel/whose.ts';
import { sharedStateContract } from '#ports/shared-state.contract.ts';
import { MemoryBudgetCounters } from './shared-state.ts';

sharedStateContract({ name: 'memory', open: async () => new MemoryBudgetCounters() });

const slot = { start: epochMs(0), expiresAt: Infinity as never };
const potOf = (name: string) => tenantKey('acme' as TenantId, 'budget', name);
const one = (pot: string) => ({ pot: potOf(pot), slot, limitNanoUsd: nanoUsd(10n), amountNanoUsd: nanoUsd(1n) });

test('pots are bounded: the oldest without an open hold go, one with a hold stays', () => {
  const counters = new MemoryBudgetCounters(100);
  const now = epochMs(10_000_000);
  const kept = counters.reserve([one('kept')], now);
  assert.ok(kept.ok);
  for (let i = 0; i < 1_000; i++) {
    const held = counters.reserve([one(`p${i}`)], now);
    if (held.ok) counters.settle(held.value, [nanoUsd(1n)], now);
  }
  assert.ok([...counters.dump(everyTenant('a test'), now)].length <= 100);
  assert.ok(counters.known(potOf('kept')));
  assert.ok(!counters.known(potOf('p0')));
  assert.ok(counters.known(potOf('p999')));
});
