import type { DatabaseSync } from 'node:sqlite';
import type { NumberedScore, Score, Scores } from '#ports/scores.ts';
import { GuardedFile } from './guarded-file.ts';
import { inTransaction, openToWrite } from './open-file.ts';
import { andOwner, Where } from './where.ts';

const COLUMNS = 'tenant, call, name, value, feature, at, source, basis, comment';

/** Scores in the file of the gate's own work, made where there is none. */
export function openSqliteScores(path: string): Scores {
  const file = new GuardedFile({ path, open: () => openToWrite(path, 'work'), use: (db) => db });
  return {
    put: (scores) => file.with((db) => inTransaction(db, () => put(db, scores))),
    of: (tenant, call) =>
      file.with((db) => {
        const own = db.prepare(`SELECT n, ${COLUMNS} FROM scores WHERE call = ? AND tenant = ? ORDER BY n`);
        return scoresOf(own.all(call, tenant));
      }),
    page: ({ whose, after, limit }) =>
      file.with((db) => {
        const where = andOwner(new Where().and('n > ?', after), whose);
        const page = db.prepare(`SELECT n, ${COLUMNS} FROM scores ${where.sql} ORDER BY n LIMIT ?`);
        return scoresOf(page.all(...where.values, limit));
      }),
    prune: (before) => file.with((db) => Number(db.prepare('DELETE FROM scores WHERE at < ?').run(before).changes)),
    close: async () => file.close(),
  };
}

/** Rows without SQLite's null prototype. */
const scoresOf = (rows: readonly object[]): NumberedScore[] => rows.map((row) => ({ ...row }) as NumberedScore);

function put(db: DatabaseSync, scores: readonly Score[]): (number | null)[] {
  const insert = db.prepare(
    `INSERT INTO scores (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
  );
  return scores.map(({ tenant, call, name, value, feature, at, source, basis, comment }) => {
    const { changes, lastInsertRowid } = insert.run(tenant, call, name, value, feature, at, source, basis, comment);
    return changes === 0 ? null : Number(lastInsertRowid);
  });
}
