import type { DatabaseSync } from 'node:sqlite';
import { floorTo, GRAIN_MS } from '#ports/rollups.ts';
import { readMarks, setMark } from '../marks.ts';
import { andWindow, lowestIdOf, Where } from '../where.ts';
import { countedStreams } from './facts.ts';
import { StreamDeltas, type StreamTables } from './writer.ts';

/**
 * Entries that one fold reads at most. A file of an older Headgate has all of its entries to be summed: they are
 * taken a part with each minute, so that no batch waits long for it (measured: 4 µs an entry).
 */
const MOST_ENTRIES = 50_000;

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

/** The minute up to which there are so many entries; at least one minute on. */
function reach(db: DatabaseSync, from: number, most: number): number {
  if (most === Infinity) return Infinity;
  const ids = db.prepare('SELECT at FROM entries WHERE id >= ? AND id_time = 1 ORDER BY id LIMIT 1 OFFSET ?');
  const found = ids.get(lowestIdOf(from), most) as { at: number } | undefined;
  if (!found) return Infinity;
  const first = ids.get(lowestIdOf(from), 0) as { at: number };
  return Math.max(floorTo(found.at, 'minute'), floorTo(first.at, 'minute') + GRAIN_MS.minute);
}
