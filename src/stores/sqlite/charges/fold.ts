import type { DatabaseSync } from 'node:sqlite';
import { floorTo, GRAIN_MS } from '#ports/rollups.ts';
import { readMarks, setMark } from '../marks.ts';
import { MOST_ENTRIES, reach } from '../reach.ts';
import { andWindow, Where } from '../where.ts';
import { countedCharges } from './facts.ts';
import { ChargeDeltas, type ChargeTables } from './writer.ts';

/** Adds the charges of entries before a time to hours and days, once. Inside a transaction. */
export function foldCharges(db: DatabaseSync, tables: ChargeTables, until: number, most = MOST_ENTRIES): void {
  const { chargesUntil: from, pricesFrom } = readMarks(db);
  const window = { from, to: Math.min(floorTo(until, 'minute'), reach(db, from, most)) };
  if (window.to <= window.from) return;
  const deltas = new ChargeDeltas(tables.names);
  for (const idTime of [true, false]) {
    const where = (): Where => andWindow(new Where(), window, idTime).and('e.counted = 1');
    for (const charge of countedCharges(db, { where, bucketMs: GRAIN_MS.hour, pricesFrom })) deltas.add(charge);
  }
  tables.write(deltas);
  setMark(db, 'chargesUntil', window.to);
}
