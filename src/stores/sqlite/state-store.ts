import type { DatabaseSync } from 'node:sqlite';
import type { TenantId } from '#kernel/brand.ts';
import type { AuditEntry, AuditQuestion, KeptId, StateChange, StateSnapshot, StateStore } from '#ports/state-store.ts';
import { hashesOf, hashTaken } from '#ports/state-changes.ts';
import { GuardedFile } from './guarded-file.ts';
import { inTransaction, openToRead, openToWrite } from './open-file.ts';
import { andOwner, Where } from './where.ts';

/** Tenants, keys, budgets, prices, audit and kept ids in one SQLite file of their own, made where there is none. */
export const openSqliteState = (path: string): StateStore =>
  stateOf(new GuardedFile({ path, open: () => openToWrite(path, 'state'), use: (db) => db }));

/** The same to read, beside a running gate or without one. Writing rejects with `store_unavailable`. */
export const openSqliteStateReadOnly = (path: string): StateStore =>
  stateOf(new GuardedFile({ path, open: () => openToRead(path, 'state'), use: (db) => db }));

function stateOf(file: GuardedFile<DatabaseSync>): StateStore {
  return {
    load: () => file.with(load),
    apply: (changes, ...audit) => file.with((db) => apply(db, changes, audit)),
    audit: (question) => file.with((db) => auditOf(db, question)),
    keepId: (id) => file.with((db) => keepId(db, id)),
    keptId: (tenant, kind, id) => file.with((db) => keptId(db, tenant, kind, id)),
    close: async () => file.close(),
  };
}

// JSON has no big integers: they are decimal text in the file. Budgets alone have money, under names that end so; in
// other kinds such a name may be a caller's own word for a text.
const toJson = (value: object): string =>
  JSON.stringify(value, (_name, field: unknown) => (typeof field === 'bigint' ? field.toString() : field));
const budgetFromJson = (json: string): unknown =>
  JSON.parse(json, (name, field: unknown) =>
    name.endsWith('NanoUsd') && typeof field === 'string' ? BigInt(field) : field,
  );

type Json = { readonly json: string };

function load(db: DatabaseSync): StateSnapshot {
  const all = db.prepare('SELECT json FROM objects WHERE kind = ? ORDER BY id');
  const of = (kind: string): unknown[] =>
    (all.all(kind) as Json[]).map(
      ({ json }) => (kind === 'budget' ? budgetFromJson(json) : JSON.parse(json)) as unknown,
    );
  const snapshot = {
    tenants: of('tenant'),
    teams: of('team'),
    keys: of('key'),
    budgets: of('budget'),
    limits: of('limit'),
    layers: of('layer'),
    prices: of('price'),
    levers: of('lever'),
    tokens: of('token'),
  } as unknown as StateSnapshot;
  // Everything was read, once: its pages would stay in memory for nothing.
  db.exec('PRAGMA shrink_memory');
  return snapshot;
}

function apply(db: DatabaseSync, changes: readonly StateChange[], audit: readonly AuditEntry[]): void {
  inTransaction(db, () => {
    const insert = db.prepare(
      'INSERT INTO audit (id, at, tenant, action, json) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
    );
    for (const [i, one] of audit.entries()) {
      const added = insert.run(one.id, one.at, one.tenant, one.action, toJson(one));
      // The same first entry is the same change, sent again after an answer that was lost.
      if (i === 0 && added.changes !== 1) return;
    }
    for (const change of changes) applyOne(db, change);
    for (const change of changes) if ('put' in change && change.put === 'key') takeHashes(db, change.value);
  });
}

function applyOne(db: DatabaseSync, change: StateChange): void {
  if ('remove' in change)
    return void db.prepare('DELETE FROM objects WHERE kind = ? AND id = ?').run(change.remove, change.id);
  if (change.put === 'key') db.prepare('DELETE FROM key_hashes WHERE key = ?').run(change.value.id);
  db.prepare(
    `INSERT INTO objects (kind, id, tenant, json) VALUES (?, ?, ?, ?)
      ON CONFLICT (kind, id) DO UPDATE SET tenant = excluded.tenant, json = excluded.json`,
  ).run(change.put, change.value.id, tenantOf(change), toJson(change.value));
}

function tenantOf(change: Extract<StateChange, { put: string }>): string | null {
  if (change.put === 'tenant') return change.value.id;
  if (change.put === 'budget' || change.put === 'limit' || change.put === 'layer') return change.value.scope.tenant;
  return change.put === 'price' || change.put === 'lever' ? null : change.value.tenant;
}

/** After all changes, so that two keys of one `apply` may pass a hash from one to the other. */
function takeHashes(db: DatabaseSync, key: Extract<StateChange, { put: 'key' }>['value']): void {
  const take = db.prepare('INSERT INTO key_hashes (hash, key) VALUES (?, ?) ON CONFLICT DO NOTHING');
  const owner = db.prepare('SELECT key FROM key_hashes WHERE hash = ?');
  for (const hash of hashesOf(key)) {
    take.run(hash, key.id);
    if ((owner.get(hash) as { key: string }).key !== key.id) throw hashTaken();
  }
}

function auditOf(db: DatabaseSync, question: AuditQuestion): readonly AuditEntry[] {
  const where = andOwner(new Where(), question.whose);
  if (question.action !== undefined) where.and("json ->> '$.action' = ?", question.action);
  if (question.before !== undefined) where.and('id < ?', question.before);
  const rows = db.prepare(`SELECT json FROM audit ${where.sql} ORDER BY id DESC LIMIT ?`);
  return (rows.all(...where.values, question.limit) as Json[]).map(({ json }) => JSON.parse(json) as AuditEntry);
}

function keptId(db: DatabaseSync, tenant: TenantId, kind: string, id: string): KeptId | null {
  const own = db.prepare('SELECT json FROM kept_ids WHERE kind = ? AND id = ? AND tenant = ?');
  const row = own.get(kind, id, tenant) as Json | undefined;
  return row ? (JSON.parse(row.json) as KeptId) : null;
}

function keepId(db: DatabaseSync, id: KeptId): KeptId {
  db.prepare('INSERT INTO kept_ids (kind, id, tenant, at, json) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING').run(
    id.kind,
    id.id,
    id.tenant,
    id.at,
    toJson(id),
  );
  const owner = db
    .prepare('SELECT json FROM kept_ids WHERE kind = ? AND id = ?')
    .get(id.kind, id.id) as unknown as Json;
  return JSON.parse(owner.json) as KeptId;
}
