import type { DatabaseSync } from 'node:sqlite';
import { epochMs, type CallId } from '#kernel/brand.ts';
import { timeOfId } from '#kernel/ids.ts';
import { invariant } from '#kernel/invariant.ts';
import { tenantOf, type Whose } from '#kernel/whose.ts';
import type { LedgerEntry } from '#ports/entry.ts';
import type { CallsQuestion } from '#ports/ledger-store.ts';
import { entryOf, SELECT_ENTRIES, type EntryRow } from './entry-row.ts';
import { readMarks } from './marks.ts';
import { asksForDims, matchingSpans, type Span } from './matching.ts';
import { exactly } from './exactly.ts';
import { andCall, andWindow, Where } from './where.ts';

/** One entry; null where there is none, or where it is another tenant's: of that nothing is read, which takes time. */
export function call(db: DatabaseSync, id: CallId, whose: Whose): LedgerEntry | null {
  const where = new Where();
  where.and('e.id = ?', id);
  const tenant = tenantOf(whose);
  if (tenant !== null) where.and('d.tenant = ?', tenant);
  const row = exactly(db.prepare(`${SELECT_ENTRIES} ${where.sql}`)).get(...where.values) as EntryRow | undefined;
  return row ? entryOf(row) : null;
}

/**
 * A page of entries by id. Usual entries are found by a range of ids, in the minutes that may hold any where rollups
 * can tell; the few corrections and what they replaced, which rollups do not count, by small indexes of their own.
 */
export function calls(db: DatabaseSync, asked: CallsQuestion): readonly LedgerEntry[] {
  invariant(Number.isSafeInteger(asked.limit) && asked.limit > 0, 'a page has a positive limit');
  const question = beforeCursor(asked);
  const inOrder = afterCursor(question);
  const uncounted = question.counted ? [] : page(db, inOrder, 'uncounted');
  const rows = [...usual(db, inOrder), ...uncounted, ...page(db, question, 'off_time')];
  const sign = question.after === undefined ? -1 : 1;
  rows.sort((a, b) => (a.id! < b.id! ? -sign : sign));
  return rows.slice(0, question.limit).map(entryOf);
}

/** Nothing beyond the cursor is looked at: no entry is younger than its id. */
function beforeCursor(question: CallsQuestion): CallsQuestion {
  const before = question.before === undefined ? null : timeOfId(question.before);
  return before === null ? question : { ...question, to: epochMs(Math.min(question.to, before + 1)) };
}

/** The same of the other edge, for entries whose id has their time; corrections may be older than their id. */
function afterCursor(question: CallsQuestion): CallsQuestion {
  const after = question.after === undefined ? null : timeOfId(question.after);
  return after === null ? question : { ...question, from: epochMs(Math.max(question.from, after)) };
}

function usual(db: DatabaseSync, question: CallsQuestion): EntryRow[] {
  const indexed = question.session !== undefined || question.endUser !== undefined;
  if (indexed || !asksForDims(question)) return page(db, question, 'usual');
  const rows: EntryRow[] = [];
  for (const span of matchingSpans(db, question, readMarks(db))) {
    rows.push(...page(db, question, 'usual', { span, limit: question.limit - rows.length }));
    if (rows.length >= question.limit) break;
  }
  return rows;
}

/** Rows that have their time in their id and count, those that no longer count, and those with another time. */
type Kind = 'usual' | 'uncounted' | 'off_time';

interface Part {
  readonly span: Span;
  readonly limit: number;
}

function page(
  db: DatabaseSync,
  question: CallsQuestion,
  kind: Kind,
  { span, limit }: Part = { span: question, limit: question.limit },
): EntryRow[] {
  const where = andCall(andWindow(new Where(), span, kind !== 'off_time'), question);
  if (kind === 'usual' || question.counted) where.and('+e.counted = 1');
  if (kind === 'uncounted') where.and('e.counted = 0');
  if (question.before !== undefined) where.and('e.id < ?', question.before);
  if (question.after !== undefined) where.and('e.id > ?', question.after);
  const order = question.after === undefined ? 'DESC' : 'ASC';
  const sql = `${SELECT_ENTRIES} ${where.sql} ORDER BY e.id ${order} LIMIT ?`;
  return exactly(db.prepare(sql)).all(...where.values, limit) as unknown as EntryRow[];
}
