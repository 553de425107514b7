import type { DatabaseSync } from 'node:sqlite';
import { floorTo, GRAIN_MS } from '#ports/rollups.ts';
import { UPSERT_CHANGES } from './deltas.ts';
import { readMarks, setMark } from './marks.ts';
import { SKETCH_COLUMNS, SUM_COLUMNS } from './schema.ts';
import { foldCharges } from './charges/fold.ts';
import type { ChargeTables } from './charges/writer.ts';
import { foldStreams } from './streams/fold.ts';
import type { StreamTables } from './streams/writer.ts';
import { ENTRY_SUMS } from './sums.ts';
import { andWindow, Where } from './where.ts';

/*
 * Rollups take entries in bulk, whole minutes at a time, and questions about the last minutes are answered from
 * entries. Where 10,000 keys call by turns each entry is a row of its own in its batch: upserting the rows of minutes
 * with each batch cost 48 µs an entry all in, folding 34 (200,000 entries, 1,500 a second, batches of 1,000).
 */
const FOLD_EVERY_MS = GRAIN_MS.minute;
// Calls are counted when they began and shipped when they end: most are over a minute after. Later ones cost an
// upsert in each table.
const FOLD_LAG_MS = GRAIN_MS.minute;

/** Folds when enough minutes have passed, by the entries' own time: no clock is read, a replay folds alike. */
export function foldWhenDue(db: DatabaseSync, { streams, charges }: SideTables, newest: number): void {
  const { foldedUntil } = readMarks(db);
  if (newest - foldedUntil < FOLD_EVERY_MS + FOLD_LAG_MS) return;
  foldUntil(db, newest - FOLD_LAG_MS);
  foldStreams(db, streams, newest - FOLD_LAG_MS);
  foldCharges(db, charges, newest - FOLD_LAG_MS);
}

/** Tables beside the rollups of calls that take entries by the same folds. */
export interface SideTables {
  readonly streams: StreamTables;
  readonly charges: ChargeTables;
}

/** Adds the entries before a time to minutes, hours and days, once. Inside a transaction. */
export function foldUntil(db: DatabaseSync, until: number): void {
  const window = { from: readMarks(db).foldedUntil, to: floorTo(until, 'minute') };
  if (window.to <= window.from) return;
  for (const suffix of ['', '_label'] as const) {
    for (const idTime of [true, false]) foldEntries(db, { window, suffix, idTime });
    for (const grain of ['hour', 'day'] as const) db.prepare(foldSql(grain, suffix)).run(window.from, window.to);
  }
  setMark(db, 'foldedUntil', window.to);
}

type Suffix = '' | '_label';
const VALUE_COLUMNS = [...SUM_COLUMNS, ...SKETCH_COLUMNS].join(', ');
const keysOf = (suffix: Suffix): string => (suffix === '' ? 'dims' : 'dims, label');
const upsert = (suffix: Suffix): string => `ON CONFLICT (bucket, ${keysOf(suffix)}) DO UPDATE SET ${UPSERT_CHANGES}`;

interface EntryFold {
  readonly window: { readonly from: number; readonly to: number };
  readonly suffix: Suffix;
  /** Entries whose id has their time, or the others. */
  readonly idTime: boolean;
}

function foldEntries(db: DatabaseSync, { window, suffix, idTime }: EntryFold): void {
  const where = andWindow(new Where(), window, idTime).and('e.counted = 1');
  const bucket = `e.at - e.at % ${GRAIN_MS.minute}`;
  const labels = `JOIN json_each(e.labels) j JOIN labels l ON l.name = j.key AND l.value = j.value`;
  const keys = suffix === '' ? 'e.dims' : 'e.dims, l.id';
  if (suffix !== '') where.and('e.labels IS NOT NULL');
  db.prepare(
    `INSERT INTO rollup_minute${suffix} (bucket, ${keysOf(suffix)}, ${VALUE_COLUMNS})
      SELECT ${bucket}, ${keys}, ${ENTRY_SUMS.join(', ')}
      FROM entries e JOIN dims d ON d.id = e.dims ${suffix === '' ? '' : labels} ${where.sql}
      GROUP BY ${bucket}, ${keys} ${upsert(suffix)}`,
  ).run(...where.values);
}

function foldSql(grain: 'hour' | 'day', suffix: Suffix): string {
  const sums = [
    ...SUM_COLUMNS.map((name) => `sum(${name})`),
    ...SKETCH_COLUMNS.map((name) => `sketch_merge(${name})`),
  ].join(', ');
  const bucket = `bucket - bucket % ${GRAIN_MS[grain]}`;
  return `INSERT INTO rollup_${grain}${suffix} (bucket, ${keysOf(suffix)}, ${VALUE_COLUMNS})
    SELECT ${bucket}, ${keysOf(suffix)}, ${sums} FROM rollup_minute${suffix}
    WHERE bucket >= ? AND bucket < ? GROUP BY ${bucket}, ${keysOf(suffix)} ${upsert(suffix)}`;
}
