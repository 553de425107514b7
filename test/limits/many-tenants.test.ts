import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { epochMs, type BudgetId, type KeyId, type LimitId, type TenantId } from '#kernel/brand.ts';
import { nanoUsd } from '#kernel/money.ts';
import { seededRng } from '#kernel/rng.ts';
import { everyTenant } from '#kernel/whose.ts';
import { openTenants, type AdmitCall, type Caller, type Tenants } from '#capabilities/tenants/index.ts';
import { sampleAdmission, sampleEntry } from '#ledger/entry/samples.ts';
import type { StateChange, StateStore } from '#ports/state-store.ts';
import { memoryLedger } from '#stores/memory/ledger-store.ts';
import { memorySharedState } from '#stores/memory/shared-state.ts';
import { openSqliteState } from '#stores/sqlite/state-store.ts';
import { callOf } from '../../bench/limits/world.ts';
import { systemClock } from '../../src/up/system.ts';

const [TENANTS, ACTIVE] = [10_000, 1_000];
const folder = mkdtempSync(join(tmpdir(), 'headgate-many-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** A tenant with a key, two limits and a budget. */
function changesOf(i: number): StateChange[] {
  const tenant = `tenant-${i}` as TenantId;
  const scope = { level: 'tenant', tenant, id: null } as const;
  const rest = { raise: null, contact: null, createdAt: epochMs(0) };
  const limit = (unit: 'requests' | 'total_tokens', window: 'minute' | 'day', most: number): StateChange => ({
    put: 'limit',
    value: { id: `lim_${unit}_${i}` as LimitId, scope, unit, window, limit: most, ...rest },
  });
  return [
    {
      put: 'tenant',
      value: {
        ...{ id: tenant, name: tenant, createdAt: epochMs(0), disabledAt: null },
        ...{ secret: i.toString(16).padStart(64, '0'), costExpose: null, plan: null },
      },
    },
    {
      put: 'key',
      value: {
        ...{ id: `key_${i}` as KeyId, tenant, team: null, name: 'k', owner: null, hint: '', previous: [] },
        ...{ hash: i.toString(16).padStart(64, '0'), createdAt: epochMs(0), expiresAt: null, revokedAt: null },
        rights: { features: '*', endUser: true, session: true, agent: true, purpose: true, labels: [] },
        ...{ models: null, defaultFeature: null, defaultLabels: {}, operator: false },
      },
    },
    limit('requests', 'minute', 1e9),
    limit('total_tokens', 'day', 1e12),
    {
      put: 'budget',
      value: {
        ...{ id: `bud_${i}` as BudgetId, scope, limitNanoUsd: nanoUsd(10n ** 15n), window: { kind: 'total' } },
        ...{ mode: 'bounded', endWhenSpent: false, warnAt: [], unknownPriceNanoUsd: nanoUsd(1n), ...rest },
      },
    } as StateChange,
  ];
}

async function openMany(state: StateStore, dataDir: string): Promise<Tenants> {
  const shared = memorySharedState();
  const trouble = (what: unknown): void => assert.fail(String(what));
  return openTenants({
    ...{ counters: shared.budgets, limitCounters: shared.limits, state, ledger: memoryLedger(), dataDir },
    ...{ clock: systemClock, features: () => new Set(['search']), labels: () => new Set<string>() },
    ...{ onWarning: trouble, onTrouble: trouble },
  });
}

/** With the milliseconds of CPU that it took: what else the machine does is in none of them. */
const timed = async <T>(work: () => T | Promise<T>): Promise<readonly [T, number]> => {
  const start = process.threadCpuUsage();
  const result = await work();
  const { user, system } = process.threadCpuUsage(start);
  return [result, (user + system) / 1_000];
};
const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;
const heapBytes = (): number => {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers;
};

test('ten thousand tenants of which nine thousand are idle: start, reload, a change, memory and the cost of a call', async (t) => {
  const state = openSqliteState(join(folder, 'state.db'));
  const audit = (n: number) => ({
    ...{ id: `aud_${String(n).padStart(9, '0')}`, at: epochMs(0), actor: 'a', action: 'seed', subject: 's' },
    ...{ tenant: null, detail: '{}' },
  });
  for (let i = 0; i < TENANTS; i += 1_000)
    await state.apply(Array.from({ length: 1_000 }, (_, k) => changesOf(i + k)).flat(), audit(i));
  const before = heapBytes();
  const [tenants, startMs] = await timed(async () => {
    const opened = await openMany(state, folder);
    await opened.rebuild([]);
    return opened;
  });
  t.after(() => tenants.close());
  const every = everyTenant('a test');
  assert.equal([...tenants.directory.keys(every)].length, TENANTS);

  const rng = seededRng(7);
  const entries = Array.from({ length: 64 }, (_, i) => sampleEntry(sampleAdmission(rng, i + 1), rng));
  const callers = [...tenants.directory.keys(every)].slice(0, ACTIVE).map((key): Caller => {
    const caller = tenants.callerOfKey(key.id);
    assert.ok(caller.ok);
    return caller.value;
  });
  const call = (i: number): AdmitCall => ({
    ...callOf(0, ''),
    caller: callers[i % ACTIVE]!,
    attribution: { feature: null, endUser: null } as never,
  });
  const usPerCall = async (count: number): Promise<number> => {
    const cpu = process.threadCpuUsage();
    for (let i = 0; i < count; i++) {
      const result = tenants.admit(call(i));
      const taken = result instanceof Promise ? await result : result;
      assert.ok(taken.ok);
      await tenants.settle(taken.value, entries[i & 63]!);
    }
    const { user, system } = process.threadCpuUsage(cpu);
    return (user + system) / count;
  };
  await usPerCall(20_000);
  const us = median([await usPerCall(10_000), await usPerCall(10_000), await usPerCall(10_000)]);
  const bytes = heapBytes() - before;

  // One change: the next call of each tenant finds its limits in an index that is made anew.
  const changes: number[] = [];
  for (let i = 0; i < 7; i++) {
    tenants.directory.apply([changesOf(i)[2]!]);
    changes.push(
      (
        await timed(async () => {
          const result = await tenants.admit(call(i));
          assert.ok(result.ok);
          await tenants.release(result.value);
        })
      )[1],
    );
  }
  const changeMs = median(changes);
  const [, reloadMs] = await timed(() => tenants.reload());
  t.diagnostic(
    `start ${startMs.toFixed(0)} ms, reload ${reloadMs.toFixed(0)} ms, first call after a change ${changeMs.toFixed(1)} ms, ` +
      `${us.toFixed(2)} µs CPU a call, ${(bytes / 1e6).toFixed(1)} MB`,
  );
  assert.ok(startMs < 3_000, `start ${startMs} ms`);
  assert.ok(reloadMs < 3_000, `reload ${reloadMs} ms`);
  assert.ok(us < 25, `${us} µs a call for limits, budget and the rest of admission and settlement`);
  assert.ok(bytes < 150e6, `${bytes / 1e6} MB`);
  assert.ok(changeMs < 30, `the first call after a change costs ${changeMs} ms`);
  t.after(() => state.close());
});
