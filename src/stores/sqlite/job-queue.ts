import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import type { EpochMs, TenantId } from '#kernel/brand.ts';
import type { Whose } from '#kernel/whose.ts';
import { LONGEST_ERROR, type Job, type JobQueue, type JobState, type RunEnd } from '#ports/job-queue.ts';
import { GuardedFile } from './guarded-file.ts';
import { inTransaction, openToRead, openToWrite } from './open-file.ts';
import { andOwner, Where } from './where.ts';

/** Jobs in the file of the gate's own work, made where there is none. Two processes on one file share the jobs. */
export const openSqliteJobs = (path: string): JobQueue =>
  jobsOf(new GuardedFile({ path, open: () => openToWrite(path, 'work'), use: (db) => db }));

/** The same to read, beside a running gate or without one. */
export const openSqliteJobsReadOnly = (path: string): JobQueue =>
  jobsOf(new GuardedFile({ path, open: () => openToRead(path, 'work'), use: (db) => db }));

function jobsOf(file: GuardedFile<DatabaseSync>): JobQueue {
  return {
    enqueue: (job, now) => file.with((db) => enqueue(db, job, now)),
    lease: (ask) => file.with((db) => lease(db, ask)),
    renew: (id, owner, until) =>
      file.with((db) => changed(db, `UPDATE jobs SET lease_until = ? WHERE ${OWN}`, until, id, owner)),
    end: (id, owner, end, now) => file.with((db) => endRun(db, { id, owner, end, now })),
    abandon: (now) =>
      file.with((db) => void db.prepare(`UPDATE jobs SET lease_until = ? WHERE state = 'running'`).run(now)),
    cancel: (whose, id, now) =>
      file.with((db) => {
        const one = named(whose, id).and(`state NOT IN ('done', 'cancelled')`);
        return changed(db, `${CANCEL} ${one.sql}`, now, ...one.values);
      }),
    retry: (whose, id, now) =>
      file.with((db) => {
        const one = named(whose, id).and(`state NOT IN ('done', 'running')`);
        return changed(db, `${RETRY} ${one.sql}`, now, now, ...one.values);
      }),
    get: (whose, id) =>
      file.with((db) => {
        const one = named(whose, id);
        return jobOf(db.prepare(`SELECT * FROM jobs ${one.sql}`).get(...one.values) as Row | undefined);
      }),
    list: (question) => file.with((db) => list(db, question)),
    counts: () => file.with(counts),
    prune: (before) =>
      file.with((db) =>
        Number(
          db.prepare(`DELETE FROM jobs WHERE state IN ('done', 'cancelled') AND updated_at < ?`).run(before).changes,
        ),
      ),
    close: async () => file.close(),
  };
}

const named = (whose: Whose, id: string): Where => andOwner(new Where().and('id = ?', id), whose);

interface Row {
  readonly [column: string]: unknown;
}

function jobOf(row: Row | undefined): Job | null {
  if (!row) return null;
  return {
    id: row['id'] as string,
    kind: row['kind'] as string,
    dedupe: row['dedupe'] as string,
    tenant: row['tenant'] as TenantId | null,
    payload: row['payload'] as string,
    state: row['state'] as JobState,
    runAt: row['run_at'] as EpochMs,
    attempts: row['attempts'] as number,
    runs: row['runs'] as number,
    lease: row['owner'] === null ? null : { owner: row['owner'] as string, until: row['lease_until'] as EpochMs },
    error: row['error'] as string | null,
    createdAt: row['created_at'] as EpochMs,
    updatedAt: row['updated_at'] as EpochMs,
  };
}

const OWN = `id = ? AND owner = ? AND state = 'running'`;
const CANCEL = `UPDATE jobs SET state = 'cancelled', owner = NULL, lease_until = NULL, updated_at = ?`;
const RETRY = `UPDATE jobs SET state = 'waiting', attempts = 0, run_at = ?, updated_at = ?`;
const ENQUEUE = `INSERT INTO jobs (id, kind, dedupe, tenant, payload, state, run_at, attempts, runs, created_at, updated_at)
  VALUES (?, ?, ?, ?, ?, 'waiting', ?, 0, 0, ?, ?) ON CONFLICT DO NOTHING`;
const DUE = `SELECT id FROM jobs WHERE (state = 'waiting' AND run_at <= ?) OR (state = 'running' AND lease_until <= ?)
  ORDER BY run_at, id LIMIT ?`;
const LEASE = `UPDATE jobs SET attempts = attempts + (state = 'running'), state = 'running', runs = runs + 1, owner = ?,
  lease_until = ?, updated_at = ? WHERE id = ? RETURNING *`;

const changed = (db: DatabaseSync, sql: string, ...values: SQLInputValue[]): boolean =>
  db.prepare(sql).run(...values).changes === 1;

function enqueue(db: DatabaseSync, ...[job, now]: Parameters<JobQueue['enqueue']>) {
  return inTransaction(db, () => {
    const { id, kind, dedupe, tenant, payload, runAt } = job;
    const added = changed(db, ENQUEUE, id, kind, dedupe, tenant, payload, runAt, now, now);
    const row = db.prepare('SELECT * FROM jobs WHERE kind = ? AND dedupe = ?').get(kind, dedupe) as Row;
    return { job: jobOf(row)!, added };
  });
}

/** In one transaction that has the write lock from its start, so that no two leases see the same job. */
function lease(db: DatabaseSync, { owner, now, until, limit }: Parameters<JobQueue['lease']>[0]): readonly Job[] {
  const due = db.prepare(DUE);
  // Nothing is due nearly always: then nothing is locked.
  if (due.get(now, now, 1) === undefined) return [];
  return inTransaction(db, () => {
    const take = db.prepare(LEASE);
    return (due.all(now, now, limit) as { id: string }[]).map(({ id }) =>
      jobOf(take.get(owner, until, now, id) as Row)!,
    );
  });
}

interface Ending {
  readonly id: string;
  readonly owner: string;
  readonly end: RunEnd;
  readonly now: EpochMs;
}

function endRun(db: DatabaseSync, { id, owner, end, now }: Ending): boolean {
  const over = (sets: string, ...values: SQLInputValue[]): boolean =>
    changed(
      db,
      `UPDATE jobs SET ${sets}, owner = NULL, lease_until = NULL, updated_at = ? WHERE ${OWN}`,
      ...values,
      now,
      id,
      owner,
    );
  if (end.state === 'done') return over(`state = 'done', error = NULL`);
  if (end.state === 'again') {
    const sets = `state = 'waiting', attempts = 0, error = NULL, run_at = ?, payload = coalesce(?, payload)`;
    return over(sets, end.runAt, end.payload ?? null);
  }
  const error = end.error.slice(0, LONGEST_ERROR);
  if (end.state === 'failed') return over(`state = 'failed', attempts = attempts + 1, error = ?`, error);
  return over(`state = 'waiting', attempts = attempts + 1, error = ?, run_at = ?`, error, end.runAt);
}

function list(db: DatabaseSync, question: Parameters<JobQueue['list']>[0]): readonly Job[] {
  const where = andOwner(new Where(), question.whose);
  if (question.state !== undefined) where.and('state = ?', question.state);
  if (question.kind !== undefined) where.and('kind = ?', question.kind);
  if (question.before !== undefined) where.and('id < ?', question.before);
  const rows = db.prepare(`SELECT * FROM jobs ${where.sql} ORDER BY id DESC LIMIT ?`);
  return (rows.all(...where.values, question.limit) as Row[]).map((row) => jobOf(row)!);
}

function counts(db: DatabaseSync) {
  const rows = db
    .prepare(
      `SELECT state, count(*) AS jobs, min(run_at) AS next FROM jobs WHERE state IN ('waiting', 'running', 'failed')
      GROUP BY state`,
    )
    .all() as { state: string; jobs: number; next: number }[];
  const of = (state: JobState) => rows.find((row) => row.state === state);
  return {
    waiting: of('waiting')?.jobs ?? 0,
    running: of('running')?.jobs ?? 0,
    failed: of('failed')?.jobs ?? 0,
    nextRunAt: (of('waiting')?.next ?? null) as EpochMs | null,
  };
}
