import type { DatabaseSync } from 'node:sqlite';
import type { CallId, TenantId } from '#kernel/brand.ts';
import { invariant } from '#kernel/invariant.ts';
import type { LedgerEntry } from '#ports/entry.ts';
import type { CallsQuestion } from '#ports/ledger-store.ts';
import { entryOf, type EntryRow } from './entry-row.ts';
import { exactly, SELECT_ENTRIES } from './ship.ts';
import { andEntry, andWindow, Where } from './where.ts';

/** One entry; null where there is none or, with `tenant`, where it is another's. */
export function call(db: DatabaseSync, id: CallId, tenant?: TenantId): LedgerEntry | null {
  const row = exactly(db.prepare(`${SELECT_ENTRIES} WHERE e.id = ?`)).get(id) as EntryRow | undefined;
  const entry = row ? entryOf(row) : null;
  return entry && (tenant === undefined || entry.tenant === tenant) ? entry : null;
}

/** A page of entries by id. Entries of the usual kind and corrections are found in two ways and merged. */
export function calls(db: DatabaseSync, question: CallsQuestion): readonly LedgerEntry[] {
  const { limit, after } = question;
  invariant(Number.isSafeInteger(limit) && limit > 0, 'a page has a positive limit');
  const rows = [...page(db, question, true), ...page(db, question, false)];
  const sign = after === undefined ? -1 : 1;
  rows.sort((a, b) => (a.id! < b.id! ? -sign : sign));
  return rows.slice(0, limit).map(entryOf);
}

function page(db: DatabaseSync, question: CallsQuestion, idTime: boolean): EntryRow[] {
  const where = andEntry(andWindow(new Where(), question, idTime), question);
  if (question.counted) where.and('e.counted = 1');
  if (question.before !== undefined) where.and('e.id < ?', question.before);
  if (question.after !== undefined) where.and('e.id > ?', question.after);
  const order = question.after === undefined ? 'DESC' : 'ASC';
  const sql = `${SELECT_ENTRIES} ${where.sql} ORDER BY e.id ${order} LIMIT ?`;
  return exactly(db.prepare(sql)).all(...where.values, question.limit) as unknown as EntryRow[];
}
