import { shipped } from '#ports/entry-text.ts';
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { epochMs } from '#kernel/brand.ts';
import { seededRng } from '#kernel/rng.ts';
import { sampleEntry } from '#ports/ledger-store.samples.ts';
import { openSqliteLedger } from './ledger-store.ts';

const folder = mkdtempSync(join(tmpdir(), 'headgate-verify-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const START = Date.UTC(2026, 7, 3);
const WINDOW = { from: epochMs(START), to: epochMs(START + 2 * 86_400_000) };

test('a row that differs, is missing or is too many is found in each table', async () => {
  const path = join(folder, 'ledger.db');
  const [store, rng] = [openSqliteLedger(path), seededRng(3)];
  const entries = Array.from({ length: 300 }, (_, i) => sampleEntry(rng, START + i * 600_000));
  await store.ship(shipped(entries));
  assert.deepEqual(await store.verifyRollups(WINDOW), []);
  const other = new DatabaseSync(path);
  other.exec(`UPDATE rollup_minute SET cost = cost + 1 WHERE bucket = (SELECT min(bucket) FROM rollup_minute)`);
  other.exec(`DELETE FROM rollup_hour WHERE bucket = (SELECT min(bucket) FROM rollup_hour)`);
  other.exec(`UPDATE rollup_day_label SET dims = dims + 100000 WHERE bucket = ${START}`);
  other.close();
  const found = await store.verifyRollups(WINDOW);
  assert.match(
    found.find((line) => line.startsWith('minute'))!,
    /stored .* recounted /,
  );
  assert.match(
    found.find((line) => line.startsWith('hour'))!,
    /stored nothing/,
  );
  assert.match(
    found.find((line) => line.startsWith('day') && line.endsWith('recounted nothing'))!,
    /stored \d/,
  );
  await store.close();
});
