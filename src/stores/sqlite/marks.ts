import type { DatabaseSync } from 'node:sqlite';
import type { Holdings } from '#ports/window-tiles.ts';

const NAMES = {
  foldedUntil: 'folded_until',
  entriesFrom: 'entries_from',
  minutesFrom: 'minutes_from',
} as const satisfies Record<keyof Holdings, string>;

/** What the file holds from when until when; read anew in each transaction, since another process may move them. */
export type Marks = Holdings;

export function readMarks(db: DatabaseSync): Marks {
  const rows = db.prepare('SELECT name, value FROM marks').all() as { name: string; value: number }[];
  const value = (name: string): number => rows.find((row) => row.name === name)?.value ?? 0;
  return {
    foldedUntil: value(NAMES.foldedUntil),
    entriesFrom: value(NAMES.entriesFrom),
    minutesFrom: value(NAMES.minutesFrom),
  };
}

export function setMark(db: DatabaseSync, name: keyof Marks, value: number): void {
  db.prepare('UPDATE marks SET value = ? WHERE name = ?').run(value, NAMES[name]);
}
