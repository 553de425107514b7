import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
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
import { foldStreams } from './fold.ts';
import { streamTables } from './writer.ts';

const folder = mkdtempSync(join(tmpdir(), 'headgate-streams-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const SEED = Number(process.env['SEED'] ?? 20_261_126);
const [HOUR, DAY] = [3_600_000, 86_400_000];
const START = Date.UTC(2026, 7, 3);
const EVERY = everyTenant('a test');
const EVER = { whose: EVERY, from: epochMs(START - DAY), to: epochMs(START + 10 * DAY) };
const entries: readonly LedgerEntry[] = Array.from({ length: 400 }, (_, i) =>
  sampleEntry(seededRng(SEED + i), START + i * 6 * 60_000),
);

/** A ledger as a Headgate left it that knew no rows of streams: schema 1, with the entries and rollups that it had. */
async function olderFile(name: string, retained = false): Promise<string> {
  const path = join(folder, name);
  const store = openSqliteLedger(path);
  await store.ship(shipped(entries));
  if (retained) await store.retain({ entriesBefore: epochMs(START + DAY), minutesBefore: epochMs(0) });
  await store.close();
  const db = new DatabaseSync(path);
  const later = ['stream_hour', 'stream_day', 'stream_dims', 'charge_hour', 'charge_day', 'charge_late', 'charge_dims'];
  db.exec(`${[...later, 'closed_months', 'feeds', 'feed_log'].map((table) => `DROP TABLE ${table};`).join(' ')}
    DELETE FROM marks WHERE name NOT IN ('folded_until', 'entries_from', 'minutes_from'); PRAGMA user_version = 1;`);
  db.close();
  return path;
}

const question = { ...EVER, by: ['tenant', 'protocol'] as const };
const rowsOf = async (store: LedgerStore) => (await store.streams(question)).rows;
async function judged(kept = entries) {
  const memory = memoryLedger();
  await memory.ship(shipped(kept));
  return rowsOf(memory);
}

test('an older file answers without rows of streams, also to a reader that may not change it', async () => {
  const store = openSqliteLedgerReadOnly(await olderFile('read.db'));
  assert.deepEqual(await rowsOf(store), await judged());
  await store.close();
});

test('an older file is summed bit by bit, and answers the same at every step', async () => {
  const path = await olderFile('steps.db');
  const db = openToWrite(path, 'ledger');
  const store = openSqliteLedger(path);
  const tables = streamTables(db);
  const expected = await judged();
  const marks = new Set<number>();
  for (let step = 0; step < 12; step++) {
    assert.deepEqual(await rowsOf(store), expected);
    assert.deepEqual(await store.verifyRollups(EVER), []);
    marks.add(readMarks(db).streamsUntil);
    inTransaction(db, () => foldStreams(db, tables, START + 10 * DAY, 50));
  }
  assert.ok(marks.size > 6, `${marks.size} steps`);
  assert.ok(readMarks(db).streamsUntil >= entries.at(-1)!.at);
  db.close();
  await store.close();
});

test('what an older file had forgotten is said to be unknown', async () => {
  const store = openSqliteLedger(await olderFile('retained.db', true));
  const answer = await store.streams(question);
  assert.equal(answer.from, START + DAY);
  assert.deepEqual(answer.rows, await judged(entries.filter(({ at }) => at >= START + DAY)));
  await store.retain({ entriesBefore: epochMs(START + DAY + HOUR), minutesBefore: epochMs(0) });
  assert.deepEqual(await rowsOf(store), answer.rows);
  await store.close();
});

test('a row of streams that differs is found', async () => {
  const path = join(folder, 'verify.db');
  copyFileSync(await olderFile('verify-source.db'), path);
  const store = openSqliteLedger(path);
  await store.retain({ entriesBefore: epochMs(0), minutesBefore: epochMs(0) });
  await store.ship(shipped([sampleEntry(seededRng(SEED), START + 5 * DAY)]));
  assert.deepEqual(await store.verifyRollups(EVER), []);
  const other = new DatabaseSync(path);
  other.exec('UPDATE stream_hour SET cost = cost + 1 WHERE bucket = (SELECT min(bucket) FROM stream_hour)');
  other.close();
  assert.match((await store.verifyRollups(EVER))[0]!, /streams by the hour .* stored .* recounted /);
  await store.close();
});

test('clients beyond the bound are one', async () => {
  const store = openSqliteLedger(join(folder, 'clients.db'));
  const many = Array.from({ length: 300 }, (_, i) =>
    sampleEntry(seededRng(SEED + i), START + i * 1_000, { stream: true, client: `client-${i}`, status: 'ok' }),
  );
  await store.ship(shipped([...many, sampleEntry(seededRng(1), START + HOUR)]));
  const { rows } = await store.streams({
    whose: EVERY,
    from: epochMs(START),
    to: epochMs(START + HOUR),
    by: ['client'],
  });
  const names = new Set(rows.map(({ by }) => by[0]));
  assert.equal(names.size, 201);
  assert.equal(
    rows.reduce((sum, { streams }) => sum + streams, 0),
    300,
  );
  await store.close();
});
