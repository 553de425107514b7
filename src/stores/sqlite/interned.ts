import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { RowNumbers } from './entry-row.ts';

// The tuples of 10,000 keys fit, in a few megabytes. Full: it starts anew.
const CACHE_SIZE = 20_000;

/** Numbers for texts that come again and again, in one table. */
export class Interned {
  readonly #cache = new Map<string, number>();
  readonly #find: StatementSync;
  readonly #insert: StatementSync;

  constructor(db: DatabaseSync, table: { name: string; columns: readonly string[] }) {
    const columns = ['json', ...table.columns];
    this.#find = db.prepare(`SELECT id FROM ${table.name} WHERE json = ?`);
    this.#insert = db.prepare(
      `INSERT INTO ${table.name} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')}) RETURNING id`,
    );
  }

  number(json: string, values: readonly (string | number | null)[]): number {
    const cached = this.#cache.get(json);
    if (cached !== undefined) return cached;
    const row = (this.#find.get(json) ?? this.#insert.get(json, ...values)) as { id: number };
    if (this.#cache.size >= CACHE_SIZE) this.#cache.clear();
    this.#cache.set(json, row.id);
    return row.id;
  }

  /** After a rollback: numbers that it took back must not be used. */
  forget(): void {
    this.#cache.clear();
  }
}

const DIMS_COLUMNS = [
  'environment',
  'tenant',
  'team',
  'feature',
  'key',
  'kind',
  'purpose',
  'model',
  'deployment',
  'provider',
  'outcome',
] as const;

const [TENANT, KEY] = [DIMS_COLUMNS.indexOf('tenant'), DIMS_COLUMNS.indexOf('key')];

/** Numbers of what entries and rollups are keyed by. Used inside a transaction alone. */
export class LedgerNames {
  readonly #dims: Interned;
  readonly #names: Interned;
  readonly #labels: Interned;
  readonly #rows = new Map<string, RowNumbers>();

  constructor(db: DatabaseSync) {
    this.#dims = new Interned(db, { name: 'dims', columns: DIMS_COLUMNS });
    this.#names = new Interned(db, { name: 'names', columns: [] });
    this.#labels = new Interned(db, { name: 'labels', columns: ['name', 'value'] });
  }

  /** By the JSON text of the rollup key: no value that a caller chooses can be taken for two. */
  of(dims: string): RowNumbers {
    const known = this.#rows.get(dims);
    if (known) return known;
    const key = JSON.parse(dims) as (string | null)[];
    const numbers = {
      dims: this.#dims.number(dims, key),
      tenant: this.#names.number(key[TENANT]!, []),
      key: this.#names.number(key[KEY]!, []),
    };
    if (this.#rows.size >= CACHE_SIZE) this.#rows.clear();
    this.#rows.set(dims, numbers);
    return numbers;
  }

  /** Gives each label its number: the fold joins on it. */
  ofLabels(labels: Readonly<Record<string, string>> | null): void {
    for (const name in labels) this.label(name, labels[name]!);
  }

  label(name: string, value: string): number {
    return this.#labels.number(JSON.stringify([name, value]), [name, value]);
  }

  forget(): void {
    this.#rows.clear();
    for (const interned of [this.#dims, this.#names, this.#labels]) interned.forget();
  }
}
