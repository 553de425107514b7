import type { DatabaseSync } from 'node:sqlite';
import { floorTo } from '#ports/rollups.ts';
import { forgetDeleted } from './feeds.ts';
import { foldUntil } from './fold.ts';
import { readMarks, setMark } from './marks.ts';
import { inTransaction } from './open-file.ts';
import { foldCharges } from './charges/fold.ts';
import { ChargeTables } from './charges/writer.ts';
import { foldStreams } from './streams/fold.ts';
import { streamTables } from './streams/writer.ts';
import { andWindow, Where } from './where.ts';

/**
 * Deletes entries and minutes before the full hours of the limits; returns how many entries. What goes is folded into
 * hours and days first. A limit never moves back: what is gone is gone.
 */
export function retain(db: DatabaseSync, limits: { entriesBefore: number; minutesBefore: number }): number {
  return inTransaction(db, () => {
    const marks = readMarks(db);
    const entriesFrom = Math.max(marks.entriesFrom, floorTo(limits.entriesBefore, 'hour'));
    const minutesFrom = Math.max(marks.minutesFrom, floorTo(limits.minutesBefore, 'hour'));
    foldUntil(db, Math.max(entriesFrom, minutesFrom));
    foldStreams(db, streamTables(db), entriesFrom, Infinity);
    foldCharges(db, new ChargeTables(db), entriesFrom, Infinity);
    for (const table of ['rollup_minute', 'rollup_minute_label'])
      db.prepare(`DELETE FROM ${table} WHERE bucket < ?`).run(minutesFrom);
    setMark(db, 'entriesFrom', entriesFrom);
    setMark(db, 'minutesFrom', minutesFrom);
    const deleted = deleteEntries(db, entriesFrom);
    if (deleted > 0) forgetDeleted(db);
    return deleted;
  });
}

function deleteEntries(db: DatabaseSync, before: number): number {
  let deleted = 0;
  for (const idTime of [true, false]) {
    const where = andWindow(new Where(), { from: 0, to: before }, idTime);
    deleted += Number(db.prepare(`DELETE FROM entries AS e ${where.sql}`).run(...where.values).changes);
  }
  return deleted;
}
