import type { DatabaseSync } from 'node:sqlite';
import { epochMs } from '#kernel/brand.ts';
import type { ClosedMonth } from '#ports/charges.ts';
import { readMarks, setMark } from '../marks.ts';
import { inTransaction } from '../open-file.ts';

/** Closes the books of what was admitted before a time; never moves back. */
export function closeBooks(db: DatabaseSync, until: number): void {
  inTransaction(db, () => {
    if (until > readMarks(db).closedUntil) setMark(db, 'closedUntil', until);
  });
}

interface Row {
  readonly month: string;
  readonly starts: number;
  readonly ends: number;
  readonly closed_at: number;
  readonly figures: string;
}

const monthOf = ({ month, starts, ends, closed_at, figures }: Row): ClosedMonth => ({
  month,
  from: epochMs(starts),
  to: epochMs(ends),
  closedAt: epochMs(closed_at),
  figures,
});

/** Keeps a month's figures; the first writer wins. */
export function keepMonth(db: DatabaseSync, { month, from, to, closedAt, figures }: ClosedMonth): ClosedMonth {
  db.prepare('INSERT INTO closed_months VALUES (?, ?, ?, ?, ?) ON CONFLICT (month) DO NOTHING').run(
    month,
    from,
    to,
    closedAt,
    figures,
  );
  return monthOf(db.prepare('SELECT * FROM closed_months WHERE month = ?').get(month) as unknown as Row);
}

/** The newest first. A file of before, open to read alone, has none. */
export function closedMonths(db: DatabaseSync): readonly ClosedMonth[] {
  if (!db.prepare(`SELECT 1 FROM sqlite_schema WHERE name = 'closed_months'`).get()) return [];
  return (db.prepare('SELECT * FROM closed_months ORDER BY month DESC').all() as unknown as Row[]).map(monthOf);
}
