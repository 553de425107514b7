import type { DatabaseSync } from 'node:sqlite';
import type { Dimension, LedgerFilter, SpendQuestion, SpendRow } from '#ports/ledger-store.ts';
import { addSums, GRAIN_MS, labelOf, mostGroups, SpendGroups, type RollupSums } from '#ports/rollups.ts';
import { DdSketch } from '#math/ddsketch.ts';
import { tilesOf, type Tile } from '#ports/window-tiles.ts';
import type { SqlValue } from './entry-row.ts';
import { readMarks } from './marks.ts';
import { SKETCH_COLUMNS, SUM_COLUMNS } from './schema.ts';
import { exactly } from './exactly.ts';
import { ENTRY_SUMS } from './sums.ts';
import { andDims, andEntry, andWindow, Where } from './where.ts';

type Question = Omit<SpendQuestion, 'from' | 'to'> & LedgerFilter;

/** Sums by group from the coarsest rows that fit the window; from entries at its edges and where no row can answer. */
export function spend(db: DatabaseSync, question: SpendQuestion): readonly SpendRow[] {
  const groups = new SpendGroups(mostGroups(question));
  for (const tile of tilesFor(db, question)) {
    if (tile.source === 'entries') fromEntries(db, { question, tile, groups });
    else fromRollups(db, { question, tile, groups });
  }
  return groups.rows(question.bucket !== undefined);
}

/** Session, end user and a second label are in no rollup: such a question reads entries, as far as they are kept. */
function tilesFor(db: DatabaseSync, question: SpendQuestion): readonly Tile[] {
  const marks = readMarks(db);
  const { from, to } = question;
  if (question.session !== undefined || question.endUser !== undefined || labelsOf(question).size > 1)
    return [{ source: 'entries', from: Math.max(from, marks.entriesFrom), to }];
  return tilesOf({ from, to, finest: question.bucket ?? 'day' }, marks);
}

function labelsOf(question: SpendQuestion): Set<string> {
  const names = question.by.map(labelOf).filter((name) => name !== null);
  return new Set(question.label ? [...names, question.label.name] : names);
}

interface Part {
  readonly question: Question;
  readonly tile: Tile;
  readonly groups: SpendGroups;
}

interface Select {
  /** Expression and values of each column of `by`. */
  readonly columns: readonly string[];
  readonly columnValues: readonly SqlValue[];
  readonly sums: readonly string[];
  /** Cuts groups further where their sketches would make too long a text. */
  readonly alsoBy?: string;
  readonly from: string;
  readonly where: Where;
}

function collect(db: DatabaseSync, select: Select, groups: SpendGroups): void {
  const { columns, sums, from, where, alsoBy } = select;
  const cuts = [...columns.map((_, i) => String(i + 1)), ...(alsoBy === undefined ? [] : [alsoBy])];
  const groupBy = cuts.length === 0 ? '' : `GROUP BY ${cuts.join(', ')}`;
  const sql = `SELECT ${[...columns, ...sums].join(', ')} FROM ${from} ${where.sql} ${groupBy}`;
  const statement = exactly(db.prepare(sql));
  statement.setReturnArrays(true);
  for (const row of statement.iterate(...select.columnValues, ...where.values)) {
    const values = row as unknown as SqlValue[];
    const by = values.slice(0, columns.length).map((value) => (value === null ? null : String(value)));
    const found = sumsOf(values.slice(columns.length));
    if (found.calls > 0) addSums(groups.of(by), found);
  }
}

function sumsOf(values: readonly SqlValue[]): RollupSums {
  const count = (i: number): number => Number(values[i] ?? 0);
  const money = (i: number): bigint => (values[i] ?? 0n) as bigint;
  const sketch = (i: number): DdSketch => sketchOf(values[i] ?? null);
  return {
    calls: count(0),
    errors: count(1),
    costNanoUsd: money(2),
    unknownCostCalls: count(3),
    estimatedNanoUsd: money(4),
    savedNanoUsd: money(5),
    inputTokens: count(6),
    cachedReadTokens: count(7),
    cacheWriteTokens: count(8),
    outputTokens: count(9),
    reasoningTokens: count(10),
    totalMs: sketch(11),
    firstTokenMs: sketch(12),
  };
}

function sketchOf(value: SqlValue): DdSketch {
  if (typeof value !== 'string') return DdSketch.fromBytes(value as Uint8Array | null);
  const sketch = new DdSketch();
  sketch.mergeHexList(value);
  return sketch;
}

const andAmong = (where: Where, { among }: Question): Where =>
  among ? where.and(`d.${among.dimension} IN (SELECT value FROM json_each(?))`, JSON.stringify(among.values)) : where;

const bucketColumn = (question: Question, time: string): string[] =>
  question.bucket ? [`${time} - ${time} % ${GRAIN_MS[question.bucket]}`] : [];

const ROLLUP_SUMS = SUM_COLUMNS.map((name) => `sum(r.${name})`);
const ROLLUP_SKETCHES = SKETCH_COLUMNS.map((name) => `group_concat(nullif(hex(r.${name}), ''), ',')`);

const wanted = ({ sketches }: Question): boolean => sketches !== false;

function fromRollups(db: DatabaseSync, part: Part): void {
  const label = [...labelsOf(part.question as SpendQuestion)][0];
  if (label === undefined) return collect(db, rollupSelect(part, null), part.groups);
  const labelled = new SpendGroups(mostGroups(part.question));
  collect(db, rollupSelect(part, label), labelled);
  for (const { by, sums } of labelled.each()) addSums(part.groups.of(by), sums);
  if (!part.question.label) withoutLabel(db, { ...part, label, labelled });
}

function rollupSelect({ question, tile }: Part, label: string | null): Select {
  const where = new Where().and('r.bucket >= ? AND r.bucket < ?', tile.from, tile.to);
  if (label !== null) where.and('l.name = ?', label);
  if (question.label) where.and('l.value = ?', question.label.value);
  const table = `rollup_${tile.source}`;
  const labelled = `${table}_label r JOIN labels l ON l.id = r.label`;
  return {
    columns: [
      // The column itself where a row is a bucket: rows lie in its order, and nothing is sorted.
      ...(question.bucket === tile.source ? ['r.bucket'] : bucketColumn(question, 'r.bucket')),
      ...question.by.map((by) => (labelOf(by) === null ? `d.${by}` : 'l.value')),
    ],
    columnValues: [],
    sums: wanted(question) ? [...ROLLUP_SUMS, ...ROLLUP_SKETCHES] : ROLLUP_SUMS,
    // One bucket's sketches are a text of megabytes at most, whatever the window.
    ...(wanted(question) && question.bucket !== tile.source && { alsoBy: 'r.bucket' }),
    from: `${label === null ? `${table} r` : labelled} JOIN dims d ON d.id = r.dims`,
    where: andAmong(andDims(where, question), question),
  };
}

interface Unlabelled extends Part {
  readonly label: string;
  /** Groups of the calls that have it. */
  readonly labelled: SpendGroups;
}

/** Calls without the label: all of a group but those that have one. Sums are exact, so what is left is. */
function withoutLabel(db: DatabaseSync, { label, labelled, ...part }: Unlabelled): void {
  const { question, groups } = part;
  const isLabel = (by: Dimension): boolean => labelOf(by) === label;
  const places = [...(question.bucket ? [false] : []), ...question.by.map(isLabel)];
  const all = new SpendGroups();
  collect(
    db,
    rollupSelect({ ...part, question: { ...question, by: question.by.filter((by) => !isLabel(by)) } }, null),
    all,
  );
  for (const { by, sums } of labelled.each()) addSums(all.of(by.filter((_, i) => !places[i])), sums, -1);
  for (const { by, sums } of all.each()) {
    const rest = [...by];
    if (sums.calls > 0) addSums(groups.of(places.map((isNull) => (isNull ? null : (rest.shift() ?? null)))), sums);
  }
}

function fromEntries(db: DatabaseSync, { question, tile, groups }: Part): void {
  for (const idTime of [true, false]) {
    const where = andWindow(new Where(), tile, idTime).and('e.counted = 1');
    collect(db, { ...entrySelect(question), where: andAmong(andEntry(where, question), question) }, groups);
  }
}

function entrySelect(question: Question): Omit<Select, 'where'> {
  const labels = question.by.map(labelOf).filter((name) => name !== null);
  const column = (by: Dimension): string =>
    labelOf(by) === null ? `d.${by}` : '(SELECT value FROM json_each(e.labels) WHERE key = ?)';
  return {
    columns: [...bucketColumn(question, 'e.at'), ...question.by.map(column)],
    columnValues: labels,
    sums: wanted(question) ? ENTRY_SUMS : ENTRY_SUMS.slice(0, SUM_COLUMNS.length),
    from: 'entries e JOIN dims d ON d.id = e.dims',
  };
}
