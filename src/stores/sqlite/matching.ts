import type { DatabaseSync } from 'node:sqlite';
import type { CallsQuestion, LedgerFilter } from '#ports/ledger-store.ts';
import { floorTo, GRAIN_MS, ROLLUP_DIMENSIONS, wantedIn, type Grain } from '#ports/rollups.ts';
import type { Marks } from './marks.ts';
import { andDims, Where } from './where.ts';

export interface Span {
  readonly from: number;
  readonly to: number;
}

/** Is there a filter that rollups are keyed by? */
export const asksForDims = (filter: LedgerFilter): boolean =>
  ROLLUP_DIMENSIONS.some((name) => wantedIn(filter, name) !== undefined);

/**
 * Minutes (hours, where minutes are not held) in which some entry has the asked dimensions, in the order of the page.
 * Rollups know: from days to their hours to their minutes, each a range of a table's key. What is not folded yet may
 * match anywhere, and is one span.
 */
export function* matchingSpans(db: DatabaseSync, question: CallsQuestion, marks: Marks): Generator<Span> {
  const search = { db, dims: dimsOf(db, question), newestFirst: question.after === undefined, marks };
  const tail = { from: Math.max(question.from, marks.foldedUntil), to: question.to };
  const folded = { from: question.from, to: Math.min(question.to, marks.foldedUntil) };
  if (search.newestFirst && tail.to > tail.from) yield tail;
  if (folded.to > folded.from) yield* descend(search, 'day', folded);
  if (!search.newestFirst && tail.to > tail.from) yield tail;
}

interface Search {
  readonly db: DatabaseSync;
  /** JSON array of the numbers of matching dims. */
  readonly dims: string;
  readonly newestFirst: boolean;
  readonly marks: Marks;
}

function dimsOf(db: DatabaseSync, filter: LedgerFilter): string {
  const where = andDims(new Where(), filter);
  const rows = db.prepare(`SELECT d.id AS id FROM dims d ${where.sql}`).all(...where.values) as { id: number }[];
  return JSON.stringify(rows.map(({ id }) => id));
}

const FINER = { day: 'hour', hour: 'minute', minute: null } as const satisfies Record<Grain, Grain | null>;

function* descend(search: Search, grain: Grain, within: Span): Generator<Span> {
  for (const bucket of bucketsOf(search, grain, within)) {
    const span = { from: Math.max(bucket, within.from), to: Math.min(bucket + GRAIN_MS[grain], within.to) };
    const finer = FINER[grain];
    if (finer !== null && isHeld(finer, bucket, search.marks)) yield* descend(search, finer, span);
    else yield span;
  }
}

/** Retention takes minutes away by whole hours. */
const isHeld = (grain: Grain, from: number, marks: Marks): boolean => grain !== 'minute' || from >= marks.minutesFrom;

function bucketsOf({ db, dims, newestFirst }: Search, grain: Grain, { from, to }: Span): readonly number[] {
  const sql = `SELECT DISTINCT bucket FROM rollup_${grain} WHERE bucket >= ? AND bucket < ?
    AND dims IN (SELECT value FROM json_each(?)) ORDER BY bucket ${newestFirst ? 'DESC' : 'ASC'}`;
  return (db.prepare(sql).all(floorTo(from, grain), to, dims) as { bucket: number }[]).map(({ bucket }) => bucket);
}
