import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { epochMs } from '#kernel/brand.ts';
import { seededRng } from '#kernel/rng.ts';
import { everyTenant } from '#kernel/whose.ts';
import { shipped } from '#ports/entry-text.ts';
import type { LedgerEntry } from '#ports/entry.ts';
import { sampleEntry } from '#ports/ledger-store.samples.ts';
import type { LedgerStore } from '#ports/ledger-store.ts';
import { memoryLedger } from '#stores/memory/ledger-store.ts';
import { openSqliteLedger, openSqliteLedgerReadOnly } from '../ledger-store.ts';
import { readMarks } from '../marks.ts';
import { inTransaction, openToWrite } from '../open-file.ts';
import { foldCharges } from './fold.ts';
import { ChargeTables } from './writer.ts';

const folder = mkdtempSync(join(tmpdir(), 'headgate-charges-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const SEED = Number(process.env['SEED'] ?? 20_261_127);
const [HOUR, DAY] = [3_600_000, 86_400_000];
const START = Date.UTC(2026, 7, 3);
const EVERY = everyTenant('a test');
const EVER = { whose: EVERY, from: epochMs(START - DAY), to: epochMs(START + 10 * DAY) };
const entries: readonly LedgerEntry[] = Array.from({ length: 400 }, (_, i) =>
  sampleEntry(seededRng(SEED + i), START + i * 6 * 60_000),
);

/** A ledger as a Headgate left it that knew no charges: schema 2. */
async function olderFile(name: string, retained = false): Promise<string> {
  const path = join(folder, name);
  const store = openSqliteLedger(path);
  await store.ship(shipped(entries));
  if (retained) await store.retain({ entriesBefore: epochMs(START + DAY), minutesBefore: epochMs(0) });
  await store.close();
  const db = new DatabaseSync(path);
  db.exec(`DROP TABLE charge_hour; DROP TABLE charge_day; DROP TABLE charge_late; DROP TABLE charge_dims;
    DROP TABLE closed_months; DROP TABLE feeds; DROP TABLE feed_log; DELETE FROM marks WHERE name IN ('charges_from', 'charges_until', 'closed_until');
    PRAGMA user_version = 2;`);
  db.close();
  return path;
}

const question = { ...EVER, by: ['tenant', 'provider', 'use'] as const };
const rowsOf = async (store: LedgerStore) => (await store.charges(question)).rows;
async function judged(kept = entries) {
  const memory = memoryLedger();
  await memory.ship(shipped(kept));
  return rowsOf(memory);
}

test('an older file answers without rows of charges, also to a reader that may not change it', async () => {
  const store = openSqliteLedgerReadOnly(await olderFile('read.db'));
  assert.deepEqual(await rowsOf(store), await judged());
  assert.deepEqual((await store.charges({ ...question, basis: 'closed' })).rows, await judged());
  assert.deepEqual((await store.charges({ ...question, basis: 'late' })).rows, []);
  assert.deepEqual(await store.closedMonths(EVERY), []);
  await store.close();
});

test('an older file is summed bit by bit, and answers the same at every step', async () => {
  const path = await olderFile('steps.db');
  const db = openToWrite(path, 'ledger');
  const store = openSqliteLedger(path);
  const tables = new ChargeTables(db);
  const expected = await judged();
  const marks = new Set<number>();
  for (let step = 0; step < 12; step++) {
    assert.deepEqual(await rowsOf(store), expected);
    assert.deepEqual(await store.verifyRollups(EVER), []);
    marks.add(readMarks(db).chargesUntil);
    inTransaction(db, () => foldCharges(db, tables, START + 10 * DAY, 50));
  }
  assert.ok(marks.size > 6, `${marks.size} steps`);
  assert.ok(readMarks(db).chargesUntil >= entries.at(-1)!.at);
  db.close();
  await store.close();
});

test('what an older file had forgotten is said to be unknown', async () => {
  const store = openSqliteLedger(await olderFile('retained.db', true));
  const answer = await store.charges(question);
  assert.equal(answer.from, START + DAY);
  assert.deepEqual(answer.rows, await judged(entries.filter(({ at }) => at >= START + DAY)));
  await store.retain({ entriesBefore: epochMs(START + DAY + HOUR), minutesBefore: epochMs(0) });
  assert.deepEqual(await rowsOf(store), answer.rows);
  await store.close();
});

test('a row of charges that differs is found', async () => {
  const path = await olderFile('verify.db');
  const store = openSqliteLedger(path);
  await store.retain({ entriesBefore: epochMs(0), minutesBefore: epochMs(0) });
  await store.ship(shipped([sampleEntry(seededRng(SEED), START + 5 * DAY)]));
  assert.deepEqual(await store.verifyRollups(EVER), []);
  const other = new DatabaseSync(path);
  other.exec('UPDATE charge_hour SET cost = cost + 1 WHERE bucket = (SELECT min(bucket) FROM charge_hour)');
  other.close();
  assert.match((await store.verifyRollups(EVER))[0]!, /charges by the hour .* stored .* recounted /);
  await store.close();
});
