import type { DatabaseSync } from 'node:sqlite';
import { floorTo, GRAIN_MS } from '#ports/rollups.ts';
import { readMarks, setMark } from '../marks.ts';
import { MOST_ENTRIES, reach } from '../reach.ts';
import { andWindow, Where } from '../where.ts';
import { countedStreams } from './facts.ts';
import { StreamDeltas, type StreamTables } from './writer.ts';

/** Adds the entries before a time to hours and days of streams, once. Inside a transaction. */
export function foldStreams(db: DatabaseSync, tables: StreamTables, until: number, most = MOST_ENTRIES): void {
  const from = readMarks(db).streamsUntil;
  const window = { from, to: Math.min(floorTo(until, 'minute'), reach(db, from, most)) };
  if (window.to <= window.from) return;
  const deltas = new StreamDeltas(tables.names);
  for (const idTime of [true, false]) {
    const where = andWindow(new Where(), window, idTime).and('e.counted = 1');
    for (const group of countedStreams(db, { where, bucketMs: GRAIN_MS.hour })) deltas.add(group);
  }
  tables.writer.write(deltas);
  setMark(db, 'streamsUntil', window.to);
}
