import type { DatabaseSync } from 'node:sqlite';
import { epochMs } from '#kernel/brand.ts';
import {
  addChargeSums,
  CHARGE_DIMENSIONS,
  wantedCharge,
  ChargeGroups,
  chargeMatches,
  type ChargeDimension,
  type ChargesAnswer,
  type ChargesQuestion,
  type ChargeSums,
} from '#ports/charges.ts';
import { GRAIN_MS } from '#ports/rollups.ts';
import { heldEdge, tilesOf, type Tile } from '#ports/window-tiles.ts';
import type { SqlValue } from '../entry-row.ts';
import { exactly } from '../exactly.ts';
import { readMarks, type Marks } from '../marks.ts';
import { CHARGE_SUM_COLUMNS } from '../schema.ts';
import { andWindow, Where } from '../where.ts';
import { countedCharges } from './facts.ts';

/** Charges by group: from days and hours where they fit the window, from entries at its edges. */
export function charges(db: DatabaseSync, question: ChargesQuestion): ChargesAnswer {
  const groups = new ChargeGroups();
  const marks = readMarks(db);
  // A file of before, open to read alone, has closed nothing.
  const isClosed = marks.closedUntil > 0;
  if (question.basis === 'late') {
    if (isClosed) fromRows(db, { question, groups, table: 'charge_late', time: 'came', window: question });
    return { from: question.from, rows: groups.rows() };
  }
  const from = heldEdge(Math.max(question.from, marks.chargesFrom), heldOf(marks));
  for (const tile of tilesOf({ from, to: question.to, finest: question.bucket ?? 'day' }, heldOf(marks))) {
    if (tile.source === 'entries') fromEntries(db, { question, groups, tile, pricesFrom: marks.pricesFrom });
    else fromRows(db, { question, groups, table: `charge_${tile.source}`, time: 'bucket', window: tile });
  }
  if (question.basis === 'closed' && isClosed) {
    const window = { from, to: heldEdge(question.to, heldOf(marks)) };
    fromRows(db, { question, groups, table: 'charge_late', time: 'bucket', window, sign: -1 });
  }
  return { from: epochMs(from), rows: groups.rows() };
}

/** Of charges there are hours and days, and no minutes. */
const heldOf = ({ entriesFrom, chargesUntil }: Marks) => ({
  foldedUntil: chargesUntil,
  entriesFrom,
  minutesFrom: Infinity,
});

/** A file of before, open to read alone, has no versions of prices. */
const knowsPrices = (db: DatabaseSync): boolean =>
  db.prepare(`SELECT 1 FROM pragma_table_info('charge_dims') WHERE name = 'price'`).get() !== undefined;

interface Part {
  readonly question: ChargesQuestion;
  readonly groups: ChargeGroups;
}

interface Rows extends Part {
  readonly table: string;
  readonly time: 'bucket' | 'came';
  readonly window: { readonly from: number; readonly to: number };
  readonly sign?: 1 | -1;
}

/** Rows are summed by the number of their dims before the dims are looked at (`streams/question.ts`). */
function fromRows(db: DatabaseSync, { question, groups, table, time, window, sign = 1 }: Rows): void {
  const where = new Where();
  const hasPrice = knowsPrices(db);
  const columnOf = (name: ChargeDimension): string => (name === 'price' && !hasPrice ? 'NULL' : `d.${name}`);
  for (const name of CHARGE_DIMENSIONS) {
    const wanted = wantedCharge(question, name);
    if (wanted !== undefined) where.and(`${columnOf(name)} = ?`, wanted);
  }
  const at = question.bucket === undefined ? 'NULL' : `r.${time} - r.${time} % ${GRAIN_MS[question.bucket]}`;
  const sums = CHARGE_SUM_COLUMNS.map((name) => `sum(r.${name}) AS ${name}`).join(', ');
  const columns = ['r.hour', ...question.by.map(columnOf)];
  const sql = `SELECT ${columns.join(', ')}, ${sums}
    FROM (SELECT ${at} AS hour, r.dims, ${sums} FROM ${table} r WHERE r.${time} >= ? AND r.${time} < ? GROUP BY 1, r.dims) r
    JOIN charge_dims d ON d.id = r.dims ${where.sql} GROUP BY ${columns.map((_, i) => i + 1).join(', ')}`;
  const statement = exactly(db.prepare(sql));
  statement.setReturnArrays(true);
  for (const row of statement.iterate(window.from, window.to, ...where.values)) {
    const [hour, ...values] = row as unknown as SqlValue[];
    const by = values.slice(0, question.by.length) as (string | null)[];
    const found = sumsIn(values.slice(question.by.length));
    addChargeSums(groups.of({ at: hour === null ? null : Number(hour), by }), found, sign);
  }
}

/** Sums in the order of CHARGE_SUM_COLUMNS. */
export const sumsIn = (values: readonly SqlValue[]): ChargeSums => ({
  attempts: Number(values[0]),
  costNanoUsd: values[1] as bigint,
  cacheWriteNanoUsd: values[2] as bigint,
  estimatedNanoUsd: values[3] as bigint,
  unknownCostAttempts: Number(values[4]),
  statedNanoUsd: values[5] as bigint,
  ownOfStatedNanoUsd: values[6] as bigint,
  inputTokens: Number(values[7]),
  cachedReadTokens: Number(values[8]),
  cacheWriteTokens: Number(values[9]),
  outputTokens: Number(values[10]),
});

interface Entries extends Part {
  readonly tile: Tile;
  readonly pricesFrom: number;
}

function fromEntries(db: DatabaseSync, { question, groups, tile, pricesFrom }: Entries): void {
  const bucketMs = question.bucket && { bucketMs: GRAIN_MS[question.bucket] };
  for (const idTime of [true, false]) {
    const where = (): Where => andWindow(new Where(), tile, idTime).and('e.counted = 1');
    for (const { bucket, ...charge } of countedCharges(db, { where, pricesFrom, ...bucketMs }))
      if (chargeMatches(charge.facts, question))
        groups.add(question, { ...charge, at: question.bucket ? bucket : null });
  }
}
