import type { DatabaseSync } from 'node:sqlite';
import { floorTo, GRAIN_MS } from '#ports/rollups.ts';
import { lowestIdOf } from './where.ts';

/**
 * Entries that one fold of streams or charges reads at most. A file of an older Headgate has all of its entries to be
 * summed: they are taken a part with each minute, so that no batch waits long for it (measured: 4 µs an entry).
 */
export const MOST_ENTRIES = 50_000;

/** The minute up to which there are so many entries; at least one minute on. */
export function reach(db: DatabaseSync, from: number, most: number): number {
  if (most === Infinity) return Infinity;
  const ids = db.prepare('SELECT at FROM entries WHERE id >= ? AND id_time = 1 ORDER BY id LIMIT 1 OFFSET ?');
  const found = ids.get(lowestIdOf(from), most) as { at: number } | undefined;
  if (!found) return Infinity;
  const first = ids.get(lowestIdOf(from), 0) as { at: number };
  return Math.max(floorTo(found.at, 'minute'), floorTo(first.at, 'minute') + GRAIN_MS.minute);
}
