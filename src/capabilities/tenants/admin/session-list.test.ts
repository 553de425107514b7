import assert from 'node:assert/strict';
import { test } from 'node:test';
import { epochMs, type TenantId } from '#kernel/brand.ts';
import { seededRng } from '#kernel/rng.ts';
import { everyTenant } from '#kernel/whose.ts';
import { shipped } from '#ports/entry-text.ts';
import { isError } from '#ports/rollups.ts';
import type { LedgerEntry } from '#ports/entry.ts';
import { sampleEntry } from '#ports/ledger-store.samples.ts';
import { memoryLedger } from '#stores/memory/ledger-store.ts';
import { recentSessions, type SessionLine } from './session-list.ts';

const SEED = 20_261_125;
const HOUR_MS = 3_600_000;

/** 1,500 calls in an hour: 70 sessions of two tenants by turns, half of the calls in none. */
function entries(): LedgerEntry[] {
  const rng = seededRng(SEED);
  return Array.from({ length: 1_500 }, (_, i) =>
    sampleEntry(rng, HOUR_MS + i * 2_000, {
      tenant: (i % 4 < 2 ? 'acme' : 'globex') as TenantId,
      session: i % 2 === 0 ? `task-${Math.floor(i / 40)}` : null,
    }),
  );
}

test('pages of sessions: all of a window, newest first, with the sums of the whole session', async () => {
  const all = entries();
  const ledger = memoryLedger();
  await ledger.ship(shipped(all));
  const filter = { whose: everyTenant('a test'), from: epochMs(0), to: epochMs(10 * HOUR_MS) };
  const found: SessionLine[] = [];
  let before: string | null | undefined;
  for (let pages = 0; before !== null && pages < 20; pages++) {
    const page = await recentSessions(ledger, { filter, limit: 20, before: before as never });
    assert.ok(page.sessions.length <= 20 && page.lookedAt <= 1_000);
    found.push(...page.sessions);
    before = page.next;
  }
  const names = new Set(found.map(({ tenant, session }) => `${tenant} ${session}`));
  const wanted = Map.groupBy(
    all.filter(({ session }) => session !== null),
    ({ tenant, session }) => `${tenant} ${session}`,
  );
  assert.deepEqual(names, new Set(wanted.keys()));
  for (const line of found) {
    const own = wanted.get(`${line.tenant} ${line.session}`)!;
    assert.equal(line.calls, own.length);
    assert.equal(line.errors, own.filter(({ status }) => isError(status)).length);
    assert.equal(
      line.costNanoUsd,
      own.reduce((sum, { cost }) => sum + (cost?.total ?? 0n), 0n),
    );
  }
});

test('a window without sessions is looked through a bounded part at a time', async () => {
  const ledger = memoryLedger();
  await ledger.ship(shipped(entries().map((entry) => ({ ...entry, session: null }))));
  const filter = { whose: everyTenant('a test'), from: epochMs(0), to: epochMs(10 * HOUR_MS) };
  const first = await recentSessions(ledger, { filter, limit: 20 });
  assert.deepEqual([first.sessions.length, first.lookedAt], [0, 1_000]);
  const second = await recentSessions(ledger, { filter, limit: 20, before: first.next! });
  assert.deepEqual([second.lookedAt, second.next], [500, null]);
});
