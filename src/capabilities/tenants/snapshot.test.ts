import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { epochMs, type TenantId } from '#kernel/brand.ts';
import { tenantKey } from '#kernel/whose.ts';
import { readSpent, readState, writeSpent, writeState } from './snapshot.ts';

const folder = mkdtempSync(join(tmpdir(), 'headgate-snapshot-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const NOTHING = {
  ...{ tenants: [], teams: [], keys: [], budgets: [], limits: [], layers: [], prices: [], levers: [], tokens: [] },
};

test('state comes back as it was, also texts that look like money or times of ours', async () => {
  const vars = { floorNanoUsd: 'as the plan says', ceilingNanoUsd: '12', expiresAt: 'never' };
  const state = { ...NOTHING, budgets: [{ limitNanoUsd: 5n }], layers: [{ vars }] } as never;
  await writeState(folder, state, epochMs(1));
  assert.deepEqual(await readState(folder), state);
});

test('what pots have spent comes back, also where it never expires', async () => {
  const pot = tenantKey('acme' as TenantId, 'budget', 'b');
  const spent = [{ pot, slot: { start: 0, expiresAt: Infinity }, spentNanoUsd: -7n }] as never;
  await writeSpent(folder, spent, epochMs(1));
  assert.deepEqual(await readSpent(folder, () => null), spent);
});

test('a snapshot of the first version is read, one of another version or cut short is none', async () => {
  const path = join(folder, 'state.snapshot.json');
  const lines = (version: number): string =>
    `{"version":${version},"at":1}\n["budgets",{"limitNanoUsd":"5"}]\n["tenants",{"noteNanoUsd":"none"}]\n{"end":2}\n`;
  writeFileSync(path, lines(1));
  const read = await readState(folder);
  assert.deepEqual([read!.budgets, read!.tenants], [[{ limitNanoUsd: 5n }], [{ noteNanoUsd: 'none' }]]);
  writeFileSync(path, lines(9));
  assert.equal(await readState(folder), null);
  await writeState(folder, NOTHING as never, epochMs(1));
  writeFileSync(path, readFileSync(path, 'utf8').slice(0, -4));
  assert.equal(await readState(folder), null);
});
