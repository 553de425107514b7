import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import type { LedgerStore } from '#ports/ledger-store.ts';
import { epochMs } from '#kernel/brand.ts';
import { callId } from '#kernel/ids.ts';
import { seededRng } from '#kernel/rng.ts';
import { shipped } from '#ports/entry-text.ts';
import { sampleEntry } from '#ports/ledger-store.samples.ts';
import { openSqliteLedger, openSqliteLedgerReadOnly } from '../ledger-store.ts';
import { EVER, EVERY, START, olderFiles, olderFileTests, type LaterTables } from '../older-file.contract.ts';
import { inTransaction, openToWrite } from '../open-file.ts';
import { foldCharges } from './fold.ts';
import { ChargeTables } from './writer.ts';

const question = { ...EVER, by: ['tenant', 'provider', 'use'] as const };
const tables = new WeakMap<DatabaseSync, ChargeTables>();
/** Schema 2: it knew no charges. */
const charges = {
  what: 'charges',
  seed: Number(process.env['SEED'] ?? 20_261_127),
  makeOlder: `DROP TABLE charge_hour; DROP TABLE charge_day; DROP TABLE charge_late; DROP TABLE charge_dims;
    DROP TABLE closed_months; DROP TABLE feeds; DROP TABLE feed_log; DELETE FROM marks WHERE name IN ('charges_from', 'charges_until', 'closed_until', 'prices_from');
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

/** Schema 4: its charges knew no versions of prices. */
const WITHOUT_PRICES = `ALTER TABLE charge_dims DROP COLUMN price;
  DELETE FROM marks WHERE name = 'prices_from'; PRAGMA user_version = 4;`;

test('a file from before versions of prices: its sums stay, have none, and change alike; new ones have theirs', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-prices-'));
  const path = join(folder, 'ledger.db');
  const rng = seededRng(charges.seed);
  const plain = { corrects: null, priceVersion: null };
  const before = Array.from({ length: 60 }, (_, i) => sampleEntry(rng, START + i * 600_000, plain));
  const older = openSqliteLedger(path);
  await older.ship(shipped(before));
  await older.close();
  const db = openToWrite(path, 'ledger');
  inTransaction(db, () => charges.fold(db, START + 86_400_000, 1_000));
  db.exec(WITHOUT_PRICES);
  // Its entries named their prices all along; its charges did not.
  db.exec(`UPDATE entries SET rest = json_set(rest, '$[10]', 'v1')`);
  db.close();

  const store = openSqliteLedger(path);
  const byPrice = { ...EVER, by: ['price'] as const };
  assert.deepEqual(
    (await store.charges(byPrice)).rows.map(({ by }) => by),
    [[null]],
  );
  // A correction takes back what its original was counted by.
  const original = before.find(({ cost, attempts }) => cost !== null && attempts.length > 0)!;
  const correction = sampleEntry(rng, original.at, { ...original, id: original.id.replace(/.$/, 'Z') as never });
  await store.ship(shipped([{ ...correction, corrects: original.id, priceVersion: 'v2' }]));
  assert.deepEqual(await store.verifyRollups(EVER), []);
  const at = epochMs(START + 5 * 86_400_000);
  const later = sampleEntry(rng, at, { ...original, ...plain, id: callId(epochMs(at), rng), at, priceVersion: 'v3' });
  await store.ship(shipped([later]));
  const rows = (await store.charges(byPrice)).rows;
  assert.deepEqual(rows.map(({ by }) => by[0]).toSorted(), [null, 'v3'].toSorted());
  assert.deepEqual(await store.verifyRollups(EVER), []);
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});
