import type { DatabaseSync } from 'node:sqlite';
import type { Holdings } from '#ports/window-tiles.ts';

const NAMES = {
  foldedUntil: 'folded_until',
  entriesFrom: 'entries_from',
  minutesFrom: 'minutes_from',
  streamsFrom: 'streams_from',
  streamsUntil: 'streams_until',
  chargesFrom: 'charges_from',
  chargesUntil: 'charges_until',
  closedUntil: 'closed_until',
  pricesFrom: 'prices_from',
} as const satisfies Record<keyof Marks, string>;

/** What the file holds from when until when; read anew in each transaction, since another process may move them. */
export interface Marks extends Holdings {
  /** Nothing is known of streams before. */
  readonly streamsFrom: number;
  /** Rows of streams hold what was admitted before this minute. */
  readonly streamsUntil: number;
  /** Nothing is known of charges before. */
  readonly chargesFrom: number;
  /** Rows of charges hold what was admitted before this minute. */
  readonly chargesUntil: number;
  /** The books of what was admitted before are closed. */
  readonly closedUntil: number;
  /** Charges of what was admitted before have no version of prices. */
  readonly pricesFrom: number;
}

export function readMarks(db: DatabaseSync): Marks {
  const rows = db.prepare('SELECT name, value FROM marks').all() as { name: string; value: number }[];
  const value = (...names: readonly string[]): number =>
    names.flatMap((wanted) => rows.filter(({ name }) => name === wanted))[0]?.value ?? 0;
  return {
    foldedUntil: value(NAMES.foldedUntil),
    entriesFrom: value(NAMES.entriesFrom),
    minutesFrom: value(NAMES.minutesFrom),
    // A file of before, open to read alone, has no rows of streams or charges: its entries are all there is.
    streamsFrom: value(NAMES.streamsFrom, NAMES.entriesFrom),
    streamsUntil: value(NAMES.streamsUntil),
    chargesFrom: value(NAMES.chargesFrom, NAMES.entriesFrom),
    chargesUntil: value(NAMES.chargesUntil),
    closedUntil: value(NAMES.closedUntil),
    pricesFrom: value(NAMES.pricesFrom, NAMES.chargesUntil),
  };
}

export function setMark(db: DatabaseSync, name: keyof Marks, value: number): void {
  db.prepare('UPDATE marks SET value = ? WHERE name = ?').run(value, NAMES[name]);
}
