import type { DatabaseSync } from 'node:sqlite';
import { GRAIN_MS, type Grain } from '#ports/rollups.ts';
import { Deltas, sumValues } from './deltas.ts';
import { countedCharges } from './charges/facts.ts';
import { ChargeDeltas, ChargeNames, chargeSumValues } from './charges/writer.ts';
import { entryOf, SELECT_ENTRIES, type EntryRow, type SqlValue } from './entry-row.ts';
import { LedgerNames } from './interned.ts';
import { readMarks, type Marks } from './marks.ts';
import { CHARGE_SUM_COLUMNS, SKETCH_COLUMNS, STREAM_SUM_COLUMNS, SUM_COLUMNS } from './schema.ts';
import { exactly } from './exactly.ts';
import { countedStreams } from './streams/facts.ts';
import { StreamDeltas, StreamNames, streamSumValues } from './streams/writer.ts';
import { andWindow, Where } from './where.ts';

const COLUMNS = [...SUM_COLUMNS, ...SKETCH_COLUMNS];

/**
 * Counts entries again and compares: each minute, hour and day that lies wholly in the window and of which all entries
 * are kept. Returns a line for each row that differs, is missing or is too many.
 */
export function verifyRollups(db: DatabaseSync, window: { from: number; to: number }): readonly string[] {
  const marks = readMarks(db);
  const grains = ['minute', 'hour', 'day'] as const;
  const ofCalls = grains.flatMap((grain) =>
    verifyGrain(db, { grain, window: wholeBuckets(grain, window, marks), marks }),
  );
  const ofStreams = (['hour', 'day'] as const).flatMap((grain) =>
    verifyStreams(db, { grain, window: wholeBuckets(grain, window, marks), marks }),
  );
  const ofCharges = (['hour', 'day'] as const).flatMap((grain) =>
    verifyCharges(db, { grain, window: wholeBuckets(grain, window, marks), marks }),
  );
  return [...ofCalls, ...ofStreams, ...ofCharges];
}

function wholeBuckets(grain: Grain, window: { from: number; to: number }, marks: Marks): { from: number; to: number } {
  const width = GRAIN_MS[grain];
  const held = grain === 'minute' ? Math.max(marks.entriesFrom, marks.minutesFrom) : marks.entriesFrom;
  const from = Math.ceil(Math.max(window.from, held) / width) * width;
  return { from, to: Math.floor(window.to / width) * width };
}

interface Check {
  readonly grain: Grain;
  readonly window: { readonly from: number; readonly to: number };
  readonly marks: Marks;
}

function verifyGrain(db: DatabaseSync, check: Check): readonly string[] {
  if (check.window.to <= check.window.from) return [];
  return differences(check.grain, storedRows(db, check), recount(db, check));
}

type Rows = ReadonlyMap<string, string>;

function differences(what: string, stored: Rows, recounted: Rows): readonly string[] {
  const differing = [...new Set([...stored.keys(), ...recounted.keys()])].filter(
    (row) => stored.get(row) !== recounted.get(row),
  );
  return differing.map(
    (row) => `${what} ${row}: stored ${stored.get(row) ?? 'nothing'}, recounted ${recounted.get(row) ?? 'nothing'}`,
  );
}

const text = (values: readonly SqlValue[]): string =>
  values
    .map((value) => (value instanceof Uint8Array ? Buffer.from(value).toString('base64url') : String(value)))
    .join(' ');

function storedRows(db: DatabaseSync, { grain, window }: Check): Map<string, string> {
  const rows = new Map<string, string>();
  for (const label of ['', ', label']) {
    const table = `rollup_${grain}${label === '' ? '' : '_label'}`;
    const sql = `SELECT bucket, dims ${label}, ${COLUMNS.join(', ')} FROM ${table} WHERE bucket >= ? AND bucket < ?`;
    const statement = exactly(db.prepare(`${sql} AND calls <> 0`));
    statement.setReturnArrays(true);
    const keys = label === '' ? 2 : 3;
    for (const row of statement.iterate(window.from, window.to)) {
      const values = row as unknown as SqlValue[];
      rows.set(text(values.slice(0, keys)), text(values.slice(keys)));
    }
  }
  return rows;
}

/** Rows hold what was folded: entries before the mark. */
function recount(db: DatabaseSync, { grain, window, marks }: Check): Map<string, string> {
  const to = Math.min(window.to, marks.foldedUntil);
  const deltas = new Deltas(new LedgerNames(db), grain);
  for (const idTime of [true, false]) {
    const where = andWindow(new Where(), { from: window.from, to }, idTime).and('e.counted = 1');
    for (const row of exactly(db.prepare(`${SELECT_ENTRIES} ${where.sql}`)).iterate(...where.values))
      deltas.add(entryOf(row as unknown as EntryRow), Number((row as unknown as EntryRow).dims));
  }
  return new Map(
    [...deltas.groups()].map(({ bucket, dims, label, sums }) => [
      text(label === null ? [bucket, dims] : [bucket, dims, label]),
      text(sumValues(sums)),
    ]),
  );
}

/** The same of streams: rows hold what was admitted before their own mark. */
function verifyStreams(db: DatabaseSync, { grain, window, marks }: Check & { grain: 'hour' | 'day' }) {
  const { from } = window;
  const to = Math.min(window.to, marks.streamsUntil);
  if (to <= from) return [];
  const rows = exactly(
    db.prepare(
      `SELECT bucket, dims, ${STREAM_SUM_COLUMNS.join(', ')} FROM stream_${grain}
        WHERE bucket >= ? AND bucket < ? AND streams <> 0`,
    ),
  );
  rows.setReturnArrays(true);
  const stored = (rows.all(from, to) as unknown as SqlValue[][]).map((row): [string, string] => [
    text(row.slice(0, 2)),
    text(row.slice(2)),
  ]);
  const deltas = new StreamDeltas(new StreamNames(db));
  for (const idTime of [true, false]) {
    const where = andWindow(new Where(), { from, to }, idTime).and('e.counted = 1');
    for (const group of countedStreams(db, { where, bucketMs: GRAIN_MS[grain] })) deltas.add(group);
  }
  const recounted = [...deltas.rows()].map(({ bucket, dims, sums }): [string, string] => [
    text([bucket, dims]),
    text(streamSumValues(sums)),
  ]);
  return differences(`streams by the ${grain}`, new Map(stored), new Map(recounted));
}

/** The same of charges. Rows of which nothing is left are no difference. */
function verifyCharges(db: DatabaseSync, { grain, window, marks }: Check & { grain: 'hour' | 'day' }) {
  const { from } = window;
  const to = Math.min(window.to, marks.chargesUntil);
  if (to <= from) return [];
  const something = CHARGE_SUM_COLUMNS.map((name) => `${name} <> 0`).join(' OR ');
  const rows = exactly(
    db.prepare(
      `SELECT bucket, dims, ${CHARGE_SUM_COLUMNS.join(', ')} FROM charge_${grain}
        WHERE bucket >= ? AND bucket < ? AND (${something})`,
    ),
  );
  rows.setReturnArrays(true);
  const stored = (rows.all(from, to) as unknown as SqlValue[][]).map((row): [string, string] => [
    text(row.slice(0, 2)),
    text(row.slice(2)),
  ]);
  const deltas = new ChargeDeltas(new ChargeNames(db));
  for (const idTime of [true, false]) {
    const where = (): Where => andWindow(new Where(), { from, to }, idTime).and('e.counted = 1');
    for (const charge of countedCharges(db, { where, bucketMs: GRAIN_MS[grain], pricesFrom: marks.pricesFrom }))
      deltas.add(charge);
  }
  const recounted = [...deltas.rows()]
    .map(({ bucket, dims, sums }): [string, string] => [text([bucket, dims]), text(chargeSumValues(sums))])
    .filter(([, values]) => /[1-9]/.test(values));
  return differences(`charges by the ${grain}`, new Map(stored), new Map(recounted));
}
