import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { LedgerEntry } from '#ports/entry.ts';
import { addEntry, emptySums, floorTo, type Grain, type RollupSums } from '#ports/rollups.ts';
import type { SqlValue } from './entry-row.ts';
import type { LedgerNames } from './interned.ts';
import type { Marks } from './marks.ts';
import { SKETCH_COLUMNS, SUM_COLUMNS } from './schema.ts';

interface Group {
  readonly bucket: number;
  readonly dims: number;
  /** Null: the row of all calls, of whatever label. */
  readonly label: number | null;
  readonly sums: RollupSums;
}

/** Sums of entries by bucket, dims and label, to be written with a few statements. */
export class Deltas {
  readonly #groups = new Map<string, Group>();
  readonly #names: LedgerNames;
  readonly #grain: Grain;

  constructor(names: LedgerNames, grain: Grain = 'minute') {
    this.#names = names;
    this.#grain = grain;
  }

  add(entry: LedgerEntry, dims: number): void {
    const bucket = floorTo(entry.at, this.#grain);
    addEntry(this.#sums(bucket, dims, null), entry);
    for (const name in entry.labels)
      addEntry(this.#sums(bucket, dims, this.#names.label(name, entry.labels[name]!)), entry);
  }

  groups(): Iterable<Group> {
    return this.#groups.values();
  }

  #sums(bucket: number, dims: number, label: number | null): RollupSums {
    const name = `${bucket}/${dims}/${label}`;
    let group = this.#groups.get(name);
    if (!group) this.#groups.set(name, (group = { bucket, dims, label, sums: emptySums() }));
    return group.sums;
  }
}

/** Values of SUM_COLUMNS and SKETCH_COLUMNS. */
export const sumValues = (sums: RollupSums): SqlValue[] => [
  sums.calls,
  sums.errors,
  sums.costNanoUsd,
  sums.unknownCostCalls,
  sums.estimatedNanoUsd,
  sums.savedNanoUsd,
  sums.inputTokens,
  sums.cachedReadTokens,
  sums.cacheWriteTokens,
  sums.outputTokens,
  sums.reasoningTokens,
  sums.totalMs.toBytes(),
  sums.firstTokenMs.toBytes(),
];

const VALUE_COLUMNS = [...SUM_COLUMNS, ...SKETCH_COLUMNS];

/** What an upsert does with the row that is there. */
export const UPSERT_CHANGES = [
  ...SUM_COLUMNS.map((name) => `${name} = ${name} + excluded.${name}`),
  ...SKETCH_COLUMNS.map((name) => `${name} = sketch_add(${name}, excluded.${name})`),
].join(', ');
const TAKE_BACK = [
  ...SUM_COLUMNS.map((name) => `${name} = ${name} - ?`),
  ...SKETCH_COLUMNS.map((name) => `${name} = sketch_subtract(${name}, ?)`),
].join(', ');

const KEY_COLUMNS = { plain: ['bucket', 'dims'], label: ['bucket', 'dims', 'label'] } as const;

function upsertSql(table: string, keys: readonly string[]): string {
  const columns = [...keys, ...VALUE_COLUMNS];
  return `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})
    ON CONFLICT (${keys.join(', ')}) DO UPDATE SET ${UPSERT_CHANGES}`;
}

const takeBackSql = (table: string, keys: readonly string[]): string =>
  `UPDATE ${table} SET ${TAKE_BACK} WHERE ${keys.map((name) => `${name} = ?`).join(' AND ')}`;

interface TableWriter {
  readonly add: StatementSync;
  readonly takeBack: StatementSync;
}

/** Writes deltas into the rollup tables. Used inside a transaction alone. */
export class DeltaWriter {
  readonly #tables: Readonly<Record<Grain, { readonly plain: TableWriter; readonly label: TableWriter }>>;

  constructor(db: DatabaseSync) {
    const writer = (table: string, keys: readonly string[]): TableWriter => ({
      add: db.prepare(upsertSql(table, keys)),
      takeBack: db.prepare(takeBackSql(table, keys)),
    });
    const grain = (name: Grain) => ({
      plain: writer(`rollup_${name}`, KEY_COLUMNS.plain),
      label: writer(`rollup_${name}_label`, KEY_COLUMNS.label),
    });
    this.#tables = { minute: grain('minute'), hour: grain('hour'), day: grain('day') };
  }

  write(deltas: Deltas, marks: Marks, sign: 1 | -1): void {
    for (const group of deltas.groups())
      for (const grain of grainsOf(group.bucket, marks)) this.#writeTo(grain, group, sign);
  }

  #writeTo(grain: Grain, group: Group, sign: 1 | -1): void {
    const { label } = group;
    const table = this.#tables[grain][label === null ? 'plain' : 'label'];
    const key = [floorTo(group.bucket, grain), group.dims, ...(label === null ? [] : [label])];
    const values = sumValues(group.sums);
    if (sign === 1) table.add.run(...key, ...values);
    else table.takeBack.run(...values, ...key);
  }
}

/**
 * Tables that a minute's deltas go to: none until the minute is folded, which counts its entries; what comes later than
 * that goes to all at once. Minutes beyond retention have no rows, and get none.
 */
function grainsOf(minute: number, marks: Marks): readonly Grain[] {
  if (minute >= marks.foldedUntil) return [];
  return minute >= marks.minutesFrom ? ['minute', 'hour', 'day'] : ['hour', 'day'];
}
