import type { DatabaseSync, StatementSync } from 'node:sqlite';
import {
  addChargeSums,
  CHARGE_DIMENSIONS,
  emptyChargeSums,
  LATE_GRAIN_MS,
  type ChargeFacts,
  type ChargeSums,
} from '#ports/charges.ts';
import type { LedgerEntry } from '#ports/entry.ts';
import { floorTo } from '#ports/rollups.ts';
import type { SqlValue } from '../entry-row.ts';
import { Interned } from '../interned.ts';
import type { Marks } from '../marks.ts';
import { CHARGE_SUM_COLUMNS } from '../schema.ts';
import { chargesSince, type BucketCharge } from './facts.ts';

/** Numbers of what rows of charges are keyed by. Used inside a transaction alone. */
export class ChargeNames {
  readonly #dims: Interned;

  constructor(db: DatabaseSync) {
    this.#dims = new Interned(db, { name: 'charge_dims', columns: CHARGE_DIMENSIONS });
  }

  /** Without a version of prices as before there were any: those rows keep their numbers. */
  number(facts: ChargeFacts): number {
    return this.#dims.number(JSON.stringify(facts.at(-1) === null ? facts.slice(0, -1) : facts), facts);
  }

  /** After a rollback: numbers that it took back must not be used. */
  forget(): void {
    this.#dims.forget();
  }
}

interface Row {
  readonly bucket: number;
  readonly dims: number;
  readonly sums: ChargeSums;
}

/** Sums by bucket and what charges are keyed by, to be written with a few statements. */
export class ChargeDeltas {
  readonly #rows = new Map<string, Row>();
  readonly #names: ChargeNames;

  constructor(names: ChargeNames) {
    this.#names = names;
  }

  add({ bucket, facts, sums }: BucketCharge, sign: 1 | -1 = 1): void {
    const dims = this.#names.number(facts);
    const name = `${bucket}/${dims}`;
    let row = this.#rows.get(name);
    if (!row) this.#rows.set(name, (row = { bucket, dims, sums: emptyChargeSums() }));
    addChargeSums(row.sums, sums, sign);
  }

  rows(): Iterable<Row> {
    return this.#rows.values();
  }
}

/** Values of CHARGE_SUM_COLUMNS. */
export const chargeSumValues = (sums: ChargeSums): SqlValue[] => [
  sums.attempts,
  sums.costNanoUsd,
  sums.cacheWriteNanoUsd,
  sums.estimatedNanoUsd,
  sums.unknownCostAttempts,
  sums.statedNanoUsd,
  sums.ownOfStatedNanoUsd,
  sums.inputTokens,
  sums.cachedReadTokens,
  sums.cacheWriteTokens,
  sums.outputTokens,
];

function addSql(table: string, keys: readonly string[]): string {
  const columns = [...keys, ...CHARGE_SUM_COLUMNS];
  return `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})
    ON CONFLICT (${keys.join(', ')}) DO UPDATE SET ${CHARGE_SUM_COLUMNS.map((name) => `${name} = ${name} + excluded.${name}`).join(', ')}`;
}

/** Where rows of charges are written. What is taken back is added as less than nothing. */
export class ChargeTables {
  readonly names: ChargeNames;
  readonly #hour: StatementSync;
  readonly #day: StatementSync;
  readonly #late: StatementSync;

  constructor(db: DatabaseSync) {
    this.names = new ChargeNames(db);
    this.#hour = db.prepare(addSql('charge_hour', ['bucket', 'dims']));
    this.#day = db.prepare(addSql('charge_day', ['bucket', 'dims']));
    this.#late = db.prepare(addSql('charge_late', ['came', 'bucket', 'dims']));
  }

  /** Deltas by the hour. */
  write(deltas: ChargeDeltas): void {
    for (const { bucket, dims, sums } of deltas.rows()) {
      const values = chargeSumValues(sums);
      this.#hour.run(bucket, dims, ...values);
      this.#day.run(floorTo(bucket, 'day'), dims, ...values);
    }
  }

  /** Deltas by the quarter of an hour, of a time whose books are closed. */
  writeLate(deltas: ChargeDeltas, came: number): void {
    for (const { bucket, dims, sums } of deltas.rows())
      this.#late.run(floorTo(came, 'minute'), bucket, dims, ...chargeSumValues(sums));
  }
}

type ChargeMarks = Pick<Marks, 'chargesUntil' | 'closedUntil' | 'pricesFrom'>;

/** What one batch changes in the rows of charges. */
export class ChargeChanges {
  readonly #hours: ChargeDeltas;
  readonly #late: ChargeDeltas;
  readonly #tables: ChargeTables;
  readonly #marks: ChargeMarks;

  constructor(tables: ChargeTables, marks: ChargeMarks) {
    this.#tables = tables;
    this.#marks = marks;
    this.#hours = new ChargeDeltas(tables.names);
    this.#late = new ChargeDeltas(tables.names);
  }

  /** What is not folded yet is counted by the fold, unless its books are closed. */
  concerns(at: number): boolean {
    return at < this.#marks.chargesUntil || at < this.#marks.closedUntil;
  }

  add(entry: LedgerEntry, sign: 1 | -1): void {
    const { at } = entry;
    for (const charge of chargesSince(this.#marks.pricesFrom, entry)) {
      if (at < this.#marks.chargesUntil) this.#hours.add({ ...charge, bucket: floorTo(at, 'hour') }, sign);
      if (at < this.#marks.closedUntil) this.#late.add({ ...charge, bucket: at - (at % LATE_GRAIN_MS) }, sign);
    }
  }

  /** `came`: the newest time among the ids of the batch. Closed books take nothing, so it counts after them. */
  write(came: number): void {
    this.#tables.write(this.#hours);
    this.#tables.writeLate(this.#late, Math.max(came, this.#marks.closedUntil));
  }
}
