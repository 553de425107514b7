import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FeatureName, KeyId, LimitId, TenantId } from '#kernel/brand.ts';
import { nanoUsd } from '#kernel/money.ts';
import { seededRng } from '#kernel/rng.ts';
import { shipped } from '#ports/entry-text.ts';
import { sampleEntry } from '#ports/ledger-store.samples.ts';
import type { SpendQuestion, SpendRow } from '#ports/ledger-store.ts';
import type { Budget, BudgetScope, Limit } from '#ports/state-store.ts';
import { memoryLedger } from '#stores/memory/ledger-store.ts';
import { BudgetIndex } from './core/budget.ts';
import { LimitIndex } from './core/limit.ts';
import { ledgerUses } from './limit-uses.ts';
import { namedSpend } from './rebuild.ts';
import { START } from './test-world.ts';

const [TENANTS, HOUR_MS] = [40, 3_600_000];

/** Each tenant with three features and five keys, in every hour of the last day; what a start asks, and how many rows it gets. */
async function busyDay() {
  const [store, rng] = [memoryLedger(), seededRng(20_261_127)];
  const entries = Array.from({ length: TENANTS * 120 }, (_, i) =>
    sampleEntry(rng, START - 24 * HOUR_MS + i * 17_000, {
      ...{ tenant: `t${i % TENANTS}` as TenantId, feature: `f${i % 3}` as FeatureName, key: `k${i % 5}` as KeyId },
      ...{ team: null, corrects: null, kind: 'generate', redriveOf: null },
    }),
  );
  await store.ship(shipped(entries));
  const asked: { readonly question: SpendQuestion; readonly rows: readonly SpendRow[] }[] = [];
  const spend = async (question: SpendQuestion): Promise<readonly SpendRow[]> => {
    const rows = await store.spend(question);
    asked.push({ question, rows });
    return rows;
  };
  return { entries, ledger: { spend }, asked };
}

const scopeOf = (tenant: string): BudgetScope => ({ level: 'tenant', tenant: tenant as TenantId, id: null });

test('budgets of tenants alone are asked for by tenant, without sketches, and hold what was spent', async () => {
  const { entries, ledger, asked } = await busyDay();
  const window = { kind: 'calendar', unit: 'month', timeZone: 'UTC' } as const;
  const budgets = Array.from({ length: TENANTS }, (_, i) => ({
    ...{ id: `b${i}`, scope: scopeOf(`t${i}`), window, limitNanoUsd: nanoUsd(1n), unknownPriceNanoUsd: null },
    opening: null,
  })) as unknown as Budget[];
  const slots = await namedSpend(ledger, budgets, new BudgetIndex(budgets), START);
  assert.deepEqual(
    asked.map(({ question, rows }) => [question.by, question.sketches, rows.length]),
    [[['tenant'], false, TENANTS]],
  );
  const spent = slots.reduce((sum, { spentNanoUsd }) => sum + spentNanoUsd, 0n);
  assert.equal(
    spent,
    entries.reduce((sum, { cost }) => sum + (cost?.total ?? 0n), 0n),
  );
});

test('limits of a day are read an hour at a time, by the levels that they are on', async () => {
  const { entries, ledger, asked } = await busyDay();
  const limits = Array.from({ length: TENANTS }, (_, i) => ({
    ...{ id: `l${i}` as LimitId, scope: scopeOf(`t${i}`), unit: 'requests', window: 'day', limit: 1_000_000 },
    ...{ raise: null, contact: null, createdAt: START },
  })) as Limit[];
  const uses = await ledgerUses(ledger, new LimitIndex(limits), START);
  assert.ok(asked.length >= 25, `${asked.length} questions`);
  for (const { question, rows } of asked) {
    assert.deepEqual([question.by, question.sketches], [['tenant', 'kind'], false]);
    assert.ok(question.to - question.from <= HOUR_MS && rows.length <= TENANTS);
  }
  assert.equal(
    uses.reduce((sum, { amounts }) => sum + amounts[0]!, 0),
    entries.length,
  );
});
