import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { epochMs } from '#kernel/brand.ts';
import { everyTenant } from '#kernel/whose.ts';
import { seededRng } from '#kernel/rng.ts';
import { shipped } from '#ports/entry-text.ts';
import type { LedgerEntry } from '#ports/entry.ts';
import { sampleEntry } from '#ports/ledger-store.samples.ts';
import type { LedgerStore } from '#ports/ledger-store.ts';
import { memoryLedger } from '#stores/memory/ledger-store.ts';
import { openSqliteLedger } from './ledger-store.ts';
import { readMarks } from './marks.ts';
import { inTransaction, openToWrite } from './open-file.ts';

const [HOUR, DAY] = [3_600_000, 86_400_000];
export const START = Date.UTC(2026, 7, 3);
export const EVERY = everyTenant('a test');
export const EVER = { whose: EVERY, from: epochMs(START - DAY), to: epochMs(START + 10 * DAY) };

/** Sums that came with a later schema, in a file that was written before it. */
export interface LaterTables<Answer extends { readonly from: number; readonly rows: readonly unknown[] }> {
  /** `charges`: in the names of the tests. */
  readonly what: string;
  readonly seed: number;
  /** Statements that make a file of today one of the older schema. */
  readonly makeOlder: string;
  readonly ask: (store: LedgerStore) => Promise<Answer>;
  /** Sums up to so many older entries. */
  readonly fold: (db: DatabaseSync, now: number, most: number) => void;
  readonly foldedUntil: (marks: ReturnType<typeof readMarks>) => number;
  /** Table of the sums by the hour. */
  readonly hours: string;
}

/** A folder, a maker of older files in it, and a judge that knows no files. */
export function olderFiles<Answer extends { readonly from: number; readonly rows: readonly unknown[] }>(
  later: LaterTables<Answer>,
) {
  const folder = mkdtempSync(join(tmpdir(), `headgate-${later.what}-`));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const entries: readonly LedgerEntry[] = Array.from({ length: 400 }, (_, i) =>
    sampleEntry(seededRng(later.seed + i), START + i * 6 * 60_000),
  );
  async function make(name: string, retained = false): Promise<string> {
    const path = join(folder, name);
    const store = openSqliteLedger(path);
    await store.ship(shipped(entries));
    if (retained) await store.retain({ entriesBefore: epochMs(START + DAY), minutesBefore: epochMs(0) });
    await store.close();
    const db = new DatabaseSync(path);
    db.exec(later.makeOlder);
    db.close();
    return path;
  }
  async function judged(kept = entries): Promise<readonly unknown[]> {
    const memory = memoryLedger();
    await memory.ship(shipped(kept));
    return (await later.ask(memory)).rows;
  }
  return { folder, entries, make, judged };
}

/** What holds for every such file. */
export function olderFileTests<Answer extends { readonly from: number; readonly rows: readonly unknown[] }>(
  later: LaterTables<Answer>,
  { entries, make, judged }: ReturnType<typeof olderFiles<Answer>>,
): void {
  const { what, ask } = later;

  test('an older file is summed bit by bit, and answers the same at every step', async () => {
    const path = await make('steps.db');
    const db = openToWrite(path, 'ledger');
    const store = openSqliteLedger(path);
    const expected = await judged();
    const marks = new Set<number>();
    for (let step = 0; step < 12; step++) {
      assert.deepEqual((await ask(store)).rows, expected);
      assert.deepEqual(await store.verifyRollups(EVER), []);
      marks.add(later.foldedUntil(readMarks(db)));
      inTransaction(db, () => later.fold(db, START + 10 * DAY, 50));
    }
    assert.ok(marks.size > 6, `${marks.size} steps`);
    assert.ok(later.foldedUntil(readMarks(db)) >= entries.at(-1)!.at);
    db.close();
    await store.close();
  });

  test('what an older file had forgotten is said to be unknown', async () => {
    const store = openSqliteLedger(await make('retained.db', true));
    const answer = await ask(store);
    assert.equal(answer.from, START + DAY);
    assert.deepEqual(answer.rows, await judged(entries.filter(({ at }) => at >= START + DAY)));
    await store.retain({ entriesBefore: epochMs(START + DAY + HOUR), minutesBefore: epochMs(0) });
    assert.deepEqual((await ask(store)).rows, answer.rows);
    await store.close();
  });

  test(`a row of ${what} that differs is found`, async () => {
    const path = await make('verify.db');
    const store = openSqliteLedger(path);
    await store.retain({ entriesBefore: epochMs(0), minutesBefore: epochMs(0) });
    await store.ship(shipped([sampleEntry(seededRng(later.seed), START + 5 * DAY)]));
    assert.deepEqual(await store.verifyRollups(EVER), []);
    const other = new DatabaseSync(path);
    const { hours } = later;
    other.exec(`UPDATE ${hours} SET cost = cost + 1 WHERE bucket = (SELECT min(bucket) FROM ${hours})`);
    other.close();
    const [said] = await store.verifyRollups(EVER);
    assert.match(said!, new RegExp(`${what} by the hour .* stored .* recounted `));
    await store.close();
  });
}
