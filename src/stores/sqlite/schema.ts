import type { DatabaseSync } from 'node:sqlite';
import { HeadgateError } from '#kernel/errors.ts';

/** Columns of sums in the rollup tables, in the order in which they are written. */
export const SUM_COLUMNS = [
  'calls',
  'errors',
  'cost',
  'unknown_cost_calls',
  'estimated_cost',
  'saved_cost',
  'input_tokens',
  'cached_read_tokens',
  'cache_write_tokens',
  'output_tokens',
  'reasoning_tokens',
] as const;
export const SKETCH_COLUMNS = ['total_ms', 'first_token_ms'] as const;

const sums = [
  ...SUM_COLUMNS.map((name) => `${name} INTEGER NOT NULL`),
  ...SKETCH_COLUMNS.map((name) => `${name} BLOB`),
];

// WITHOUT ROWID: the key is the row's place, so that a range of time is a range of pages.
const rollupTables = ['minute', 'hour', 'day'].map(
  (grain) => `
  CREATE TABLE rollup_${grain} (bucket INTEGER NOT NULL, dims INTEGER NOT NULL, ${sums.join(', ')},
    PRIMARY KEY (bucket, dims)) WITHOUT ROWID;
  CREATE TABLE rollup_${grain}_label (bucket INTEGER NOT NULL, dims INTEGER NOT NULL, label INTEGER NOT NULL,
    ${sums.join(', ')}, PRIMARY KEY (bucket, dims, label)) WITHOUT ROWID;`,
);

/**
 * Money is nano-dollars, times are epoch milliseconds, durations milliseconds. `dims` and `label` intern the values
 * that rollups are keyed by: a row then costs 5 bytes of key instead of 200. `counted` is 0 for an entry that a
 * correction has replaced; `id_time` is 0 where the id's time is not `at` (corrections), so that all others are
 * found by a range of ids. No index on tenant or key: where 10,000 keys call by turns each entry changes a leaf of its
 * own, which was a third of the cost of an entry; `matching.ts` finds them by the rollups instead.
 */
const LEDGER_1 = `
  CREATE TABLE dims (id INTEGER PRIMARY KEY, json TEXT NOT NULL UNIQUE, environment TEXT NOT NULL, tenant TEXT NOT NULL,
    team TEXT, feature TEXT, key TEXT NOT NULL, kind TEXT NOT NULL, purpose TEXT, model TEXT NOT NULL, deployment TEXT,
    provider TEXT, outcome TEXT NOT NULL);
  CREATE TABLE names (id INTEGER PRIMARY KEY, json TEXT NOT NULL UNIQUE);
  CREATE TABLE labels (id INTEGER PRIMARY KEY, json TEXT NOT NULL UNIQUE, name TEXT NOT NULL, value TEXT NOT NULL);
  CREATE TABLE entries (id TEXT NOT NULL PRIMARY KEY, at INTEGER NOT NULL, dims INTEGER NOT NULL, tenant INTEGER NOT NULL,
    key INTEGER NOT NULL, session TEXT, end_user TEXT, corrects TEXT, id_time INTEGER NOT NULL, counted INTEGER NOT NULL,
    model_returned TEXT, http_status INTEGER, estimated INTEGER NOT NULL, cost INTEGER, cost_input INTEGER,
    cost_cached_read INTEGER, cost_cache_write INTEGER, cost_output INTEGER, cost_other INTEGER, saved_cost INTEGER,
    input_tokens INTEGER, cached_read_tokens INTEGER, cache_write_tokens INTEGER, output_tokens INTEGER,
    reasoning_tokens INTEGER, queued_ms REAL, first_token_ms REAL, total_ms REAL, labels TEXT,
    usage_source INTEGER NOT NULL, exact TEXT, rest TEXT NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX entries_session ON entries (session, id) WHERE session IS NOT NULL;
  CREATE INDEX entries_end_user ON entries (end_user, id) WHERE end_user IS NOT NULL;
  CREATE INDEX entries_corrects ON entries (corrects) WHERE corrects IS NOT NULL;
  CREATE INDEX entries_off_time ON entries (at) WHERE id_time = 0;
  CREATE INDEX entries_uncounted ON entries (id) WHERE counted = 0;
  CREATE TABLE marks (name TEXT NOT NULL PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
  INSERT INTO marks VALUES ('folded_until', 0), ('entries_from', 0), ('minutes_from', 0);
  ${rollupTables.join('')}`;

/** Columns of sums of streams, in the order in which they are written. */
export const STREAM_SUM_COLUMNS = [
  'streams',
  'resumes',
  'output_tokens',
  'estimated_output_tokens',
  'cost',
  'estimated_cost',
  'unknown_cost_streams',
  'total_ms',
] as const;

const streamTables = ['hour', 'day'].map(
  (grain) => `
  CREATE TABLE stream_${grain} (bucket INTEGER NOT NULL, dims INTEGER NOT NULL,
    ${STREAM_SUM_COLUMNS.map((name) => `${name} INTEGER NOT NULL`).join(', ')}, PRIMARY KEY (bucket, dims)) WITHOUT ROWID;`,
);

/**
 * Streams by how they ended. Rollups of calls know neither protocol nor client, and to key them by both would make
 * each of their rows several. No minutes: an edge within an hour is counted from entries. Both marks start at what
 * is kept: entries of an older file are summed bit by bit as new ones come (`streams/fold.ts`).
 */
const LEDGER_2 = `
  CREATE TABLE stream_dims (id INTEGER PRIMARY KEY, json TEXT NOT NULL UNIQUE, environment TEXT NOT NULL,
    tenant TEXT NOT NULL, feature TEXT, model TEXT NOT NULL, deployment TEXT, protocol TEXT NOT NULL, client TEXT,
    ending TEXT NOT NULL, resumed INTEGER NOT NULL);
  ${streamTables.join('')}
  INSERT INTO marks SELECT 'streams_from', value FROM marks WHERE name = 'entries_from';
  INSERT INTO marks SELECT 'streams_until', value FROM marks WHERE name = 'entries_from';`;

/** Columns of sums of charges, in the order in which they are written. */
export const CHARGE_SUM_COLUMNS = [
  'attempts',
  'cost',
  'cache_write_cost',
  'estimated_cost',
  'unknown_cost_attempts',
  'stated_cost',
  'own_of_stated_cost',
  'input_tokens',
  'cached_read_tokens',
  'cache_write_tokens',
  'output_tokens',
] as const;
const chargeSums = CHARGE_SUM_COLUMNS.map((name) => `${name} INTEGER NOT NULL`).join(', ');

/**
 * Charges of attempts by the provider that each was sent to: a bill knows them so, and rollups of calls know the last
 * provider alone. Marks as those of streams. `charge_late` holds what came or went after its books were closed: by when
 * it came and when its call was.
 */
const LEDGER_3 = `
  CREATE TABLE charge_dims (id INTEGER PRIMARY KEY, json TEXT NOT NULL UNIQUE, environment TEXT NOT NULL,
    tenant TEXT NOT NULL, feature TEXT, kind TEXT NOT NULL, provider TEXT, deployment TEXT, use TEXT NOT NULL);
  CREATE TABLE charge_hour (bucket INTEGER NOT NULL, dims INTEGER NOT NULL, ${chargeSums},
    PRIMARY KEY (bucket, dims)) WITHOUT ROWID;
  CREATE TABLE charge_day (bucket INTEGER NOT NULL, dims INTEGER NOT NULL, ${chargeSums},
    PRIMARY KEY (bucket, dims)) WITHOUT ROWID;
  CREATE TABLE charge_late (came INTEGER NOT NULL, bucket INTEGER NOT NULL, dims INTEGER NOT NULL, ${chargeSums},
    PRIMARY KEY (came, bucket, dims)) WITHOUT ROWID;
  CREATE TABLE closed_months (month TEXT NOT NULL PRIMARY KEY, starts INTEGER NOT NULL, ends INTEGER NOT NULL,
    closed_at INTEGER NOT NULL, figures TEXT NOT NULL) WITHOUT ROWID;
  INSERT INTO marks SELECT 'charges_from', value FROM marks WHERE name = 'entries_from';
  INSERT INTO marks SELECT 'charges_until', value FROM marks WHERE name = 'entries_from';
  INSERT INTO marks VALUES ('closed_until', 0);`;

/**
 * What feeds have still to tell, in the order in which it was stored: an id alone would miss an entry that was admitted
 * before another and stored after it. AUTOINCREMENT: a number is never used again, however little is left in the log.
 */
const LEDGER_4 = `
  CREATE TABLE feeds (name TEXT NOT NULL PRIMARY KEY, seq INTEGER NOT NULL, lost INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE feed_log (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, sign INTEGER NOT NULL);`;

/**
 * Charges know the version of the prices that gave them. What was summed before has none, and whatever changes in it
 * later: else every entry would have to be summed again.
 */
const LEDGER_5 = `
  ALTER TABLE charge_dims ADD COLUMN price TEXT;
  INSERT INTO marks SELECT 'prices_from', value FROM marks WHERE name = 'charges_until';`;

const STATE_1 = `
  CREATE TABLE objects (kind TEXT NOT NULL, id TEXT NOT NULL, tenant TEXT, json TEXT NOT NULL,
    PRIMARY KEY (kind, id)) WITHOUT ROWID;
  CREATE INDEX objects_tenant ON objects (tenant, kind) WHERE tenant IS NOT NULL;
  CREATE TABLE key_hashes (hash TEXT NOT NULL PRIMARY KEY, key TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE audit (id TEXT NOT NULL PRIMARY KEY, at INTEGER NOT NULL, tenant TEXT, action TEXT NOT NULL,
    json TEXT NOT NULL) WITHOUT ROWID;
  CREATE INDEX audit_tenant ON audit (tenant, id) WHERE tenant IS NOT NULL;
  CREATE TABLE kept_ids (kind TEXT NOT NULL, id TEXT NOT NULL, tenant TEXT NOT NULL, at INTEGER NOT NULL,
    json TEXT NOT NULL, PRIMARY KEY (kind, id)) WITHOUT ROWID;`;

/**
 * `work.db`: jobs, and what the gate knows of things that providers keep. A file of its own, so that the polls of jobs
 * never wait for the ledger's transactions.
 */
const WORK_1 = `
  CREATE TABLE jobs (id TEXT NOT NULL PRIMARY KEY, kind TEXT NOT NULL, dedupe TEXT NOT NULL, tenant TEXT,
    payload TEXT NOT NULL, state TEXT NOT NULL, run_at INTEGER NOT NULL, attempts INTEGER NOT NULL, runs INTEGER NOT NULL,
    owner TEXT, lease_until INTEGER, error TEXT, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
    UNIQUE (kind, dedupe));
  CREATE INDEX jobs_due ON jobs (state, run_at) WHERE state IN ('waiting', 'running', 'failed');
  CREATE TABLE things (kind TEXT NOT NULL, id TEXT NOT NULL, tenant TEXT NOT NULL, key TEXT NOT NULL,
    deployment TEXT NOT NULL, family TEXT NOT NULL, at INTEGER NOT NULL, shown TEXT NOT NULL, facts TEXT,
    PRIMARY KEY (kind, id));
  CREATE INDEX things_list ON things (tenant, kind, family, at, id);`;

/** A score's place is the order in which it came: tests that follow scores read them in that order. */
const WORK_2 = `
  CREATE TABLE scores (n INTEGER PRIMARY KEY AUTOINCREMENT, tenant TEXT NOT NULL, call TEXT NOT NULL, name TEXT NOT NULL,
    value REAL NOT NULL, feature TEXT, at INTEGER NOT NULL, source TEXT NOT NULL, basis TEXT NOT NULL, comment TEXT,
    UNIQUE (call, name));
  CREATE INDEX scores_at ON scores (at);`;

/**
 * A thing's name is inside its tenant: two providers may give one id to two tenants, and the second took the first's
 * place. SQLite changes no primary key, so the rows move.
 */
const WORK_3 = `
  DROP INDEX things_list;
  ALTER TABLE things RENAME TO things_2;
  CREATE TABLE things (kind TEXT NOT NULL, id TEXT NOT NULL, tenant TEXT NOT NULL, key TEXT NOT NULL,
    deployment TEXT NOT NULL, family TEXT NOT NULL, at INTEGER NOT NULL, shown TEXT NOT NULL, facts TEXT,
    PRIMARY KEY (tenant, kind, id));
  INSERT INTO things SELECT kind, id, tenant, key, deployment, family, at, shown, facts FROM things_2;
  DROP TABLE things_2;
  CREATE INDEX things_list ON things (tenant, kind, family, at, id);`;

/** Steps of each file's schema, oldest first; a step that was released never changes. */
export const MIGRATIONS = {
  ledger: [LEDGER_1, LEDGER_2, LEDGER_3, LEDGER_4, LEDGER_5],
  state: [STATE_1],
  work: [WORK_1, WORK_2, WORK_3],
} as const satisfies Record<string, readonly string[]>;
export type SchemaName = keyof typeof MIGRATIONS;

const versionOf = (db: DatabaseSync): number =>
  Number((db.prepare('PRAGMA user_version').get() as { user_version: number }).user_version);

/** Brings a file to the newest schema, each step in its own transaction. A file of a newer Headgate is refused. */
export function migrate(db: DatabaseSync, name: SchemaName): void {
  const steps = MIGRATIONS[name];
  requireKnownVersion(db, name);
  for (let version = versionOf(db); version < steps.length; version++) {
    db.exec(`BEGIN IMMEDIATE;`);
    // Another process may have taken the step while we waited for the lock.
    if (versionOf(db) === version) db.exec(`${steps[version]!}; PRAGMA user_version = ${version + 1};`);
    db.exec('COMMIT');
  }
}

/** Refuses a file whose schema this Headgate does not know. */
export function requireKnownVersion(db: DatabaseSync, name: SchemaName): void {
  const version = versionOf(db);
  if (version > MIGRATIONS[name].length)
    throw new HeadgateError('store_unavailable', {
      message: `The ${name} file has schema ${version}, and this Headgate knows up to ${MIGRATIONS[name].length}: run the newer version.`,
    });
}
