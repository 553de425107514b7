import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { nanoUsd } from '#kernel/money.ts';
import type { StateStore } from '#ports/state-store.ts';
import { readSpent } from './snapshot.ts';
import { dir, START, world } from './test-world.ts';

test('a node’s snapshot from before pots said whose they are counts for the same budgets', async () => {
  const dataDir = mkdtempSync(join(dir, 'old-'));
  const first = await world({}, dataDir);
  await first.call('POST', '/admin/tenants', { id: 'acme' });
  const own = await first.call('POST', '/admin/budgets', {
    ...{ level: 'tenant', tenant: 'acme', limitUsd: '1', window: 'total' },
  });
  const each = await first.call('POST', '/admin/budgets', {
    ...{ level: 'end_user', tenant: 'acme', limitUsd: '1', window: 'total' },
  });
  await first.tenants.close();
  const spent = (pot: string, spentNanoUsd: string) => [
    'spent',
    { pot, slot: { start: 0, expiresAt: 'never' }, spentNanoUsd },
  ];
  const lines = [
    { version: 1, at: START },
    spent(`${String(own['id'])}|total|`, '7'),
    spent(`${String(each['id'])}|total|us|er`, '8'),
    spent('bud_gone|total|', '9'),
    { end: 3 },
  ];
  writeFileSync(join(dataDir, 'spent.snapshot.json'), `${lines.map((line) => JSON.stringify(line)).join('\n')}\n`);
  const away = (): Promise<never> => Promise.reject(new Error('away'));
  const second = await world(
    { state: { ...first.state, load: away } as StateStore, ledger: { ...first.ledger, spend: away } },
    dataDir,
  );
  await second.tenants.rebuild([]);
  const { directory, options } = second.tenants;
  const payer = { tenant: 'acme' as never, team: null, feature: null, key: 'k', endUser: 'us|er' };
  const pots = directory.budgetIndex.of(payer).map(({ pot }) => pot);
  assert.deepEqual(
    (await options.counters.read(pots, START)).map(({ spentNanoUsd }) => spentNanoUsd),
    [nanoUsd(7n), nanoUsd(8n)],
  );
  // What it writes itself it reads without a budget to ask.
  await second.tenants.close();
  const none = (): never => assert.fail('no old name');
  assert.deepEqual(
    (await readSpent(dataDir, none)).map(({ pot }) => pot),
    pots,
  );
});
