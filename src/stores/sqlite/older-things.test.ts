import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { epochMs, type KeyId, type TenantId } from '#kernel/brand.ts';
import type { StoredThing } from '#ports/stored-things.ts';
import { MIGRATIONS } from './schema.ts';
import { openSqliteThings } from './stored-things.ts';

const folder = mkdtempSync(join(tmpdir(), 'headgate-things-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const thing = (tenant: string, id: string): StoredThing => ({
  ...{ kind: 'file', id, tenant: tenant as TenantId, key: 'key_1' as KeyId, deployment: 'openai/-' },
  ...{ family: 'openai', at: epochMs(7), shown: '{"ü":1}', facts: tenant === 'acme' ? '{"lines":"a"}' : null },
});

test('things of a file that knew them by their id alone are their tenants’ still', async () => {
  const path = join(folder, 'work.db');
  const db = new DatabaseSync(path);
  db.exec(`${MIGRATIONS.work.slice(0, 2).join(';')}; PRAGMA user_version = 2;`);
  const [mine, theirs] = [thing('acme', 'file-1'), thing('other', 'file-2')];
  const row = db.prepare(
    `INSERT INTO things (kind, id, tenant, key, deployment, family, at, shown, facts) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  for (const one of [mine, theirs])
    row.run(...[one.kind, one.id, one.tenant, one.key, one.deployment, one.family, one.at, one.shown, one.facts]);
  db.exec(
    `INSERT INTO scores (tenant, call, name, value, at, source, basis) VALUES ('acme', 'c', 'n', 1, 1, 'api', 'b')`,
  );
  db.close();
  for (const opening of ['first', 'second']) {
    const store = openSqliteThings(path);
    assert.deepEqual(await store.get(mine.tenant, 'file', 'file-1'), mine, opening);
    assert.deepEqual(await store.get(theirs.tenant, 'file', 'file-2'), theirs, opening);
    assert.equal(await store.get(theirs.tenant, 'file', 'file-1'), null, opening);
    assert.deepEqual(
      (await store.list({ tenant: mine.tenant, kind: 'file', family: 'openai', limit: 9, order: 'asc' })).map(
        ({ id }) => id,
      ),
      ['file-1'],
    );
    await store.close();
  }
  const after = new DatabaseSync(path);
  assert.equal((after.prepare('SELECT COUNT(*) AS n FROM scores').get() as { n: number }).n, 1);
  assert.equal((after.prepare('PRAGMA user_version').get() as { user_version: number }).user_version, 3);
  after.close();
});
