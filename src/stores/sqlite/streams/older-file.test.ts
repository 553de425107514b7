import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { epochMs } from '#kernel/brand.ts';
import { seededRng } from '#kernel/rng.ts';
import { shipped } from '#ports/entry-text.ts';
import { sampleEntry } from '#ports/ledger-store.samples.ts';
import type { LedgerStore } from '#ports/ledger-store.ts';
import { openSqliteLedger, openSqliteLedgerReadOnly } from '../ledger-store.ts';
import { EVER, EVERY, olderFiles, olderFileTests, START, type LaterTables } from '../older-file.contract.ts';
import { foldStreams } from './fold.ts';
import { streamTables } from './writer.ts';

const SEED = Number(process.env['SEED'] ?? 20_261_126);
const HOUR = 3_600_000;
const later = ['stream_hour', 'stream_day', 'stream_dims', 'charge_hour', 'charge_day', 'charge_late', 'charge_dims'];
/** Schema 1: it knew entries and rollups. */
const streams = {
  what: 'streams',
  seed: SEED,
  makeOlder: `${[...later, 'closed_months', 'feeds', 'feed_log'].map((table) => `DROP TABLE ${table};`).join(' ')}
    DELETE FROM marks WHERE name NOT IN ('folded_until', 'entries_from', 'minutes_from'); PRAGMA user_version = 1;`,
  ask: (store: LedgerStore) => store.streams({ ...EVER, by: ['tenant', 'protocol'] }),
  fold: (db, now, most) => foldStreams(db, streamTables(db), now, most),
  foldedUntil: ({ streamsUntil }) => streamsUntil,
  hours: 'stream_hour',
} satisfies LaterTables<Awaited<ReturnType<LedgerStore['streams']>>>;

const files = olderFiles(streams);
olderFileTests(streams, files);

test('an older file answers without rows of streams, also to a reader that may not change it', async () => {
  const store = openSqliteLedgerReadOnly(await files.make('read.db'));
  assert.deepEqual((await streams.ask(store)).rows, await files.judged());
  await store.close();
});

test('clients beyond the bound are one', async () => {
  const store = openSqliteLedger(join(files.folder, 'clients.db'));
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
    rows.reduce((sum, { streams: count }) => sum + count, 0),
    300,
  );
  await store.close();
});
