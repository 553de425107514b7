import assert from 'node:assert/strict';
import type { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import type { LedgerStore } from '#ports/ledger-store.ts';
import { openSqliteLedgerReadOnly } from '../ledger-store.ts';
import { EVER, EVERY, olderFiles, olderFileTests, type LaterTables } from '../older-file.contract.ts';
import { foldCharges } from './fold.ts';
import { ChargeTables } from './writer.ts';

const question = { ...EVER, by: ['tenant', 'provider', 'use'] as const };
const tables = new WeakMap<DatabaseSync, ChargeTables>();
/** Schema 2: it knew no charges. */
const charges = {
  what: 'charges',
  seed: Number(process.env['SEED'] ?? 20_261_127),
  makeOlder: `DROP TABLE charge_hour; DROP TABLE charge_day; DROP TABLE charge_late; DROP TABLE charge_dims;
    DROP TABLE closed_months; DROP TABLE feeds; DROP TABLE feed_log; DELETE FROM marks WHERE name IN ('charges_from', 'charges_until', 'closed_until');
    PRAGMA user_version = 2;`,
  ask: (store: LedgerStore) => store.charges(question),
  fold: (db, now, most) =>
    foldCharges(
      db,
      tables.getOrInsertComputed(db, () => new ChargeTables(db)),
      now,
      most,
    ),
  foldedUntil: ({ chargesUntil }) => chargesUntil,
  hours: 'charge_hour',
} satisfies LaterTables<Awaited<ReturnType<LedgerStore['charges']>>>;

const files = olderFiles(charges);
olderFileTests(charges, files);

test('an older file answers without rows of charges, also to a reader that may not change it', async () => {
  const store = openSqliteLedgerReadOnly(await files.make('read.db'));
  assert.deepEqual((await charges.ask(store)).rows, await files.judged());
  assert.deepEqual((await store.charges({ ...question, basis: 'closed' })).rows, await files.judged());
  assert.deepEqual((await store.charges({ ...question, basis: 'late' })).rows, []);
  assert.deepEqual(await store.closedMonths(EVERY), []);
  await store.close();
});
