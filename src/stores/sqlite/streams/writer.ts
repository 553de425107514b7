import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { floorTo } from '#ports/rollups.ts';
import {
  addStreamSums,
  emptyStreamSums,
  OTHER_CLIENTS,
  STREAM_DIMENSIONS,
  type StreamSums,
} from '#ports/stream-sums.ts';
import type { SqlValue } from '../entry-row.ts';
import { Interned } from '../interned.ts';
import { STREAM_SUM_COLUMNS } from '../schema.ts';
import type { StreamFacts, StreamGroup } from './facts.ts';

/** Names of clients come from outside: further ones are one. */
const MOST_CLIENTS = 200;
const CLIENT = STREAM_DIMENSIONS.indexOf('client');

/** Numbers of what rows of streams are keyed by. Used inside a transaction alone. */
export class StreamNames {
  readonly #dims: Interned;
  readonly #clientsOf: StatementSync;
  #clients: Set<string> | null = null;

  constructor(db: DatabaseSync) {
    this.#dims = new Interned(db, { name: 'stream_dims', columns: [...STREAM_DIMENSIONS, 'ending', 'resumed'] });
    this.#clientsOf = db.prepare('SELECT DISTINCT client FROM stream_dims WHERE client IS NOT NULL');
  }

  number({ values, ending, resumed }: StreamFacts): number {
    const bounded = values.with(CLIENT, this.#client(values[CLIENT] ?? null));
    const flag = resumed ? 1 : 0;
    return this.#dims.number(JSON.stringify([...bounded, ending, flag]), [...bounded, ending, flag]);
  }

  /** After a rollback: numbers that it took back must not be used. */
  forget(): void {
    this.#dims.forget();
    this.#clients = null;
  }

  #client(name: string | null): string | null {
    if (name === null) return null;
    this.#clients ??= new Set((this.#clientsOf.all() as { client: string }[]).map(({ client }) => client));
    if (this.#clients.has(name)) return name;
    if (this.#clients.size >= MOST_CLIENTS) return OTHER_CLIENTS;
    this.#clients.add(name);
    return name;
  }
}

interface Row {
  readonly bucket: number;
  readonly dims: number;
  readonly sums: StreamSums;
}

/** Sums by hour and what streams are keyed by, to be written with a few statements. */
export class StreamDeltas {
  readonly #rows = new Map<string, Row>();
  readonly #names: StreamNames;

  constructor(names: StreamNames) {
    this.#names = names;
  }

  add({ bucket, facts, sums }: StreamGroup, sign: 1 | -1 = 1): void {
    const dims = this.#names.number(facts);
    const name = `${bucket}/${dims}`;
    let row = this.#rows.get(name);
    if (!row) this.#rows.set(name, (row = { bucket, dims, sums: emptyStreamSums() }));
    addStreamSums(row.sums, sums, sign);
  }

  rows(): Iterable<Row> {
    return this.#rows.values();
  }
}

/** Values of STREAM_SUM_COLUMNS. */
export const streamSumValues = (sums: StreamSums): SqlValue[] => [
  sums.streams,
  sums.resumes,
  sums.outputTokens,
  sums.estimatedOutputTokens,
  sums.costNanoUsd,
  sums.estimatedNanoUsd,
  sums.unknownCostStreams,
  sums.totalMs,
];

const addSql = (grain: 'hour' | 'day'): string =>
  `INSERT INTO stream_${grain} (bucket, dims, ${STREAM_SUM_COLUMNS.join(', ')})
    VALUES (?, ?, ${STREAM_SUM_COLUMNS.map(() => '?').join(', ')})
    ON CONFLICT (bucket, dims) DO UPDATE SET ${STREAM_SUM_COLUMNS.map((name) => `${name} = ${name} + excluded.${name}`).join(', ')}`;

/** Writes deltas into the tables of streams. What is taken back is added as less than nothing. */
export class StreamWriter {
  readonly #hour: StatementSync;
  readonly #day: StatementSync;

  constructor(db: DatabaseSync) {
    this.#hour = db.prepare(addSql('hour'));
    this.#day = db.prepare(addSql('day'));
  }

  write(deltas: StreamDeltas): void {
    for (const { bucket, dims, sums } of deltas.rows()) {
      const values = streamSumValues(sums);
      this.#hour.run(bucket, dims, ...values);
      this.#day.run(floorTo(bucket, 'day'), dims, ...values);
    }
  }
}

/** Where rows of streams are written. */
export interface StreamTables {
  readonly names: StreamNames;
  readonly writer: StreamWriter;
}

export const streamTables = (db: DatabaseSync): StreamTables => ({
  names: new StreamNames(db),
  writer: new StreamWriter(db),
});
