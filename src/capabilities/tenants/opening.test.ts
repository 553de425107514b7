import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { shipped } from '#ports/entry-text.ts';
import { epochMs } from '#kernel/brand.ts';
import { nanoUsd, usdDecimal } from '#kernel/money.ts';
import { admitted, ask, caller, entry, refusalOf, START, world, type World } from './test-world.ts';

const DAY = 86_400_000;
const MONTH_END = Date.parse('2026-12-01T00:00:00Z');

interface View {
  readonly spentUsd: string;
  readonly opening: { readonly spentUsd: string; readonly counts: boolean } | null;
}

async function budgetWith(of: World, opening: object, more: object = {}): Promise<View & { readonly id: string }> {
  if (!of.tenants.directory.tenant('acme')) await of.call('POST', '/admin/tenants', { id: 'acme' });
  const body = { level: 'tenant', tenant: 'acme', limitUsd: '20', opening, ...more };
  return (await of.call('POST', '/admin/budgets', body)) as never;
}
const now = async (of: World): Promise<View> =>
  ((await of.call('GET', '/admin/budgets'))['budgets'] as readonly View[])[0]!;

describe('an opening balance', () => {
  test('counts as spending, is named as what it is, and is no spending of the ledger', async () => {
    const of = await world();
    const made = await budgetWith(of, { spentUsd: '12.5', source: 'litellm' });
    assert.equal(made.spentUsd, '12.5');
    assert.deepEqual(made.opening, {
      spentUsd: '12.5',
      at: new Date(START).toISOString(),
      source: 'litellm',
      counts: true,
    });
    const { rows } = (await of.call('GET', '/admin/spend', undefined, { by: 'tenant' })) as { rows: unknown[] };
    assert.deepEqual(rows, []);
  });

  test('a call that fits the limit but not what is left of it is refused, and told the sum', async () => {
    const of = await world();
    const who = await caller(of);
    await budgetWith(of, { spentUsd: '19.9995', source: 'litellm' }, { mode: 'strict' });
    const refused = await refusalOf(() => admitted(of, ask(of, who)));
    assert.equal(refused.code, 'budget_exceeded');
    assert.equal(refused.details.facts!['usedUsd'], '19.9995');
  });

  test('is there once after a restart, together with what the ledger knows', async () => {
    const first = await world();
    const who = await caller(first);
    await budgetWith(first, { spentUsd: '1', source: 'litellm' });
    const mine = { tenant: who.tenant.id, key: who.key.id, team: null, feature: null, endUser: null };
    await first.ledger.ship(shipped([entry(nanoUsd(3_000_000n), { ...mine, at: epochMs(START - 1_000) })]));
    const second = await world({ state: first.state, ledger: first.ledger });
    await second.tenants.rebuild([]);
    assert.equal((await now(second)).spentUsd, '1.003');
    assert.equal((await now(second)).spentUsd, '1.003');
  });

  test('leaves a calendar window with it, and a rolling one after its length', async () => {
    for (const [window, until] of [
      ['month', MONTH_END],
      ['24h', START + DAY + 60_000],
      ['total', Infinity],
    ] as const) {
      const of = await world();
      await budgetWith(of, { spentUsd: '2', source: 'litellm' }, { window });
      of.at = epochMs(Math.min(until, START + 400 * DAY) - 1);
      assert.equal((await now(of)).spentUsd, '2', window);
      if (until === Infinity) continue;
      of.at = epochMs(until);
      assert.equal((await now(of)).spentUsd, '0', window);
      assert.equal((await now(of)).opening!.counts, false, window);
    }
  });

  test('of a past window counts for nothing', async () => {
    const of = await world();
    const made = await budgetWith(of, { spentUsd: '9', at: '2026-10-31T23:59:59Z', source: 'litellm' });
    assert.equal(made.spentUsd, '0');
    assert.equal(made.opening!.counts, false);
  });

  test('belongs to the past and to one pot', async () => {
    const of = await world();
    await of.call('POST', '/admin/tenants', { id: 'acme' });
    const each = await refusalOf(() => budgetWith(of, { spentUsd: '1', source: 'x' }, { level: 'key' }));
    assert.equal(each.details.field, 'opening');
    const ahead = await refusalOf(() => budgetWith(of, { spentUsd: '1', at: '2030-01-01T00:00:00Z', source: 'x' }));
    assert.match(ahead.message, /in the past/);
  });

  test('spent is opening plus ledger, whatever both are', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.bigInt({ min: 0n, max: 10n ** 15n }),
        fc.bigInt({ min: 0n, max: 10n ** 15n }),
        async (opening, spent) => {
          const of = await world();
          const who = await caller(of);
          const mine = { tenant: who.tenant.id, key: who.key.id, team: null, feature: null, endUser: null };
          await of.ledger.ship(shipped([entry(nanoUsd(spent), { ...mine, at: START })]));
          const made = await budgetWith(of, { spentUsd: usdDecimal(nanoUsd(opening)), source: 'x' });
          assert.equal(made.spentUsd, usdDecimal(nanoUsd(opening + spent)));
        },
      ),
      { numRuns: 30 },
    );
  });
});
