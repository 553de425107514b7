import type { DatabaseSync } from 'node:sqlite';
import type { EpochMs, KeyId, TenantId } from '#kernel/brand.ts';
import type { ListedThing, StoredThing, StoredThings, ThingKind, ThingsQuestion } from '#ports/stored-things.ts';
import { GuardedFile } from './guarded-file.ts';
import { openToWrite } from './open-file.ts';

/** Things in the file of the gate's own work, made where there is none. */
export function openSqliteThings(path: string): StoredThings {
  const file = new GuardedFile({ path, open: () => openToWrite(path, 'work'), use: (db) => db });
  return {
    put: (thing) => file.with((db) => put(db, thing)),
    show: (tenant, kind, id, shown) =>
      file.with(
        (db) => db.prepare(`UPDATE things SET shown = ? WHERE ${ONE}`).run(shown, tenant, kind, id).changes === 1,
      ),
    get: (tenant, kind, id) => file.with((db) => get(db, tenant, kind, id)),
    list: (question) => file.with((db) => list(db, question)),
    remove: (tenant, kind, id) =>
      file.with((db) => db.prepare(`DELETE FROM things WHERE ${ONE}`).run(tenant, kind, id).changes === 1),
    close: async () => file.close(),
  };
}

const ONE = 'tenant = ? AND kind = ? AND id = ?';
const LISTED = 'kind, id, tenant, key, deployment, family, at, shown';

function put(db: DatabaseSync, { kind, id, tenant, key, deployment, family, at, shown, facts }: StoredThing): void {
  db.prepare(`INSERT OR REPLACE INTO things (${LISTED}, facts) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`).run(
    ...[kind, id, tenant, key, deployment, family, at, shown, facts],
  );
}

interface Row {
  readonly [column: string]: unknown;
}

const listedOf = (row: Row): ListedThing => ({
  kind: row['kind'] as ThingKind,
  id: row['id'] as string,
  tenant: row['tenant'] as TenantId,
  key: row['key'] as KeyId,
  deployment: row['deployment'] as string,
  family: row['family'] as StoredThing['family'],
  at: row['at'] as EpochMs,
  shown: row['shown'] as string,
});

function get(db: DatabaseSync, tenant: TenantId, kind: ThingKind, id: string): StoredThing | null {
  const row = db.prepare(`SELECT * FROM things WHERE ${ONE}`).get(tenant, kind, id) as Row | undefined;
  return row ? { ...listedOf(row), facts: row['facts'] as string | null } : null;
}

function list(db: DatabaseSync, { tenant, kind, family, limit, order, after }: ThingsQuestion): ListedThing[] {
  const last =
    after === undefined ? undefined : db.prepare(`SELECT at FROM things WHERE ${ONE}`).get(tenant, kind, after);
  const at = (last as { at: number } | undefined)?.at;
  const beyond = at === undefined ? '' : `AND (at, id) ${order === 'asc' ? '>' : '<'} (?, ?)`;
  const rows = db.prepare(
    `SELECT ${LISTED} FROM things WHERE tenant = ? AND kind = ? AND family = ? ${beyond}
      ORDER BY at ${order}, id ${order} LIMIT ?`,
  );
  const bounds = at === undefined ? [] : [at, after!];
  return (rows.all(tenant, kind, family, ...bounds, limit) as Row[]).map(listedOf);
}
