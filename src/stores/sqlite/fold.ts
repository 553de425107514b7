import type { DatabaseSync } from 'node:sqlite';
import { floorTo, GRAIN_MS } from '#ports/rollups.ts';
import { UPSERT_CHANGES } from './deltas.ts';
import { readMarks, setMark } from './marks.ts';
import { SKETCH_COLUMNS, SUM_COLUMNS } from './schema.ts';

/*
 * Minutes are written with each batch; hours and days take them in bulk, some minutes at a time. Upserting all three
 * with each batch cost 11 µs an entry more where 10,000 keys call by turns, since every entry is then a row of its
 * own in each table; folded, an hour's row is written once for all its calls since the last fold.
 */
const FOLD_EVERY_MS = 10 * GRAIN_MS.minute;
// Calls are shipped when they end and counted when they began: most are over two minutes after.
const FOLD_LAG_MS = 2 * GRAIN_MS.minute;

/** Folds when enough minutes have passed, by the entries' own time: no clock is read, a replay folds alike. */
export function foldWhenDue(db: DatabaseSync, newest: number): void {
  const { foldedUntil } = readMarks(db);
  if (newest - foldedUntil >= FOLD_EVERY_MS + FOLD_LAG_MS) foldUntil(db, newest - FOLD_LAG_MS);
}

/** Adds the minutes before a time to hours and days, once. Inside a transaction. */
export function foldUntil(db: DatabaseSync, until: number): void {
  const [from, to] = [readMarks(db).foldedUntil, floorTo(until, 'minute')];
  if (to <= from) return;
  for (const grain of ['hour', 'day'] as const) {
    db.prepare(foldSql(grain, '')).run(from, to);
    db.prepare(foldSql(grain, '_label')).run(from, to);
  }
  setMark(db, 'foldedUntil', to);
}

function foldSql(grain: 'hour' | 'day', suffix: '' | '_label'): string {
  const keys = suffix === '' ? 'dims' : 'dims, label';
  const sums = [
    ...SUM_COLUMNS.map((name) => `sum(${name})`),
    ...SKETCH_COLUMNS.map((name) => `sketch_merge(${name})`),
  ].join(', ');
  const width = GRAIN_MS[grain];
  return `INSERT INTO rollup_${grain}${suffix} (bucket, ${keys}, ${[...SUM_COLUMNS, ...SKETCH_COLUMNS].join(', ')})
    SELECT bucket - bucket % ${width}, ${keys}, ${sums} FROM rollup_minute${suffix}
    WHERE bucket >= ? AND bucket < ? GROUP BY bucket - bucket % ${width}, ${keys}
    ON CONFLICT (bucket, ${keys}) DO UPDATE SET ${UPSERT_CHANGES}`;
}
