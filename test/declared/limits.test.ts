import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { adminAnswer, auditOf, callWith, commandLine, declare, sha256, startWorld } from './declared-world.ts';
import { restart, type DeclaredWorld } from './declared-world.ts';

const WEB = 'hg_web_secret_0123456789abcdefghij';

const declared = (limits: string): string => `
tenants: { acme: {}, globex: {} }
keys: { web: { tenant: acme, sha256: ${sha256(WEB)} } }
usageLimits: {${limits}}
`;
const DAY = 'acme-day: { level: tenant, tenant: acme, window: day, limit: 2, contact: ops@example.com }';
const KEY = 'web-flight: { level: key, tenant: acme, id: web, unit: concurrency, limit: 5 }';

describe('limits that the file declares', () => {
  let world: DeclaredWorld;
  const list = async (): Promise<any[]> => (await world.gate.admin('GET', '/limits')).limits;
  const named = async (path: string): Promise<any> => (await list()).find((row) => row.declared?.path === path);

  before(async () => {
    world = await startWorld(declared(`${DAY}, ${KEY}`));
  });
  after(async () => {
    await world?.gate.stop();
    await world?.provider.close();
    if (world) rmSync(world.folder, { recursive: true, force: true });
  });

  test('they hold from the first call, and a change in the file keeps what was counted', async () => {
    assert.deepEqual([await callWith(world, WEB), await callWith(world, WEB)], ['200', '200']);
    assert.equal(await callWith(world, WEB), '429 limit_exceeded');
    const { id } = await named('usageLimits.acme-day');
    await declare(world, declared(`${DAY.replace('limit: 2', 'limit: 3')}, ${KEY}`));
    const changed = await named('usageLimits.acme-day');
    assert.deepEqual([changed.id, changed.limit, changed.used], [id, 3, 2]);
    assert.deepEqual([await callWith(world, WEB), await callWith(world, WEB)], ['200', '429 limit_exceeded']);
  });

  test('API and command line refuse to change them, and say where they stand', async () => {
    const { id } = await named('usageLimits.acme-day');
    const before = (await auditOf(world)).length;
    const same = { level: 'tenant', tenant: 'acme', window: 'day', limit: 9 };
    for (const [method, path, body] of [
      ['PATCH', `/limits/${id}`, { limit: 9 }],
      ['POST', `/limits/${id}/raise`, { by: 9, for: '1h', reason: 'x' }],
      ['DELETE', `/limits/${id}`, {}],
      ['POST', '/limits', same],
    ] as const) {
      const answer = await adminAnswer(world, method, path, body);
      assert.deepEqual([answer.status, answer.body.error.code], [409, 'declared_in_file'], `${method} ${path}`);
      assert.match(answer.body.error.message, /headgate\.yaml under `usageLimits\.acme-day`/);
    }
    assert.equal((await auditOf(world)).length, before);
    const state = join(world.folder, 'state');
    const refused = await commandLine(state, ['limits', 'set', '--tenant', 'acme', '--window', 'day', '--limit', '9']);
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /^error declared_in_file: /);
    assert.match((await commandLine(state, ['limits', 'list'])).stdout, /file: acme-day/);
  });

  test('a bad file changes nothing, and a limit that counts the same twice is one', async () => {
    const before = await auditOf(world);
    const bad =
      'a: { level: tenant, tenant: acmee, limit: 1 }, b: { level: key, tenant: acme, unit: concurrency, window: day, limit: 1 }';
    const log = await declare(world, declared(bad));
    assert.match(log, /usageLimits\.a: there is no tenant `acmee`/);
    assert.match(log, /usageLimits\.b: A limit of calls in flight has no window/);
    const twice = await declare(
      world,
      declared(`${DAY}, again: { level: tenant, tenant: acme, window: day, limit: 7 }`),
    );
    assert.match(twice, /usageLimits\.again: usageLimits\.acme-day limits the same already/);
    assert.deepEqual(await auditOf(world), before);
  });

  test('what is gone from the file is removed, and one of the API that counts the same is taken over', async () => {
    await declare(world, declared(''));
    assert.deepEqual(await list(), []);
    assert.equal(await callWith(world, WEB), '200');
    const body = { level: 'tenant', tenant: 'acme', unit: 'concurrency', limit: 4 };
    const made = await world.gate.admin('POST', '/limits', body);
    const log = await declare(world, declared('flight: { level: tenant, tenant: acme, unit: concurrency, limit: 6 }'));
    assert.match(log, new RegExp(`"path":"usageLimits.flight","id":"${made.id}","msg":"a row that the API had made`));
    const [row] = await list();
    assert.deepEqual([row.id, row.limit], [made.id, 6]);
  });

  test('after a kill they are there before the first call', async () => {
    await world.gate.kill();
    const gate = await restart(world, declared('none: { level: key, tenant: acme, id: web, limit: 0 }'));
    world = { ...world, gate };
    assert.equal(await callWith(world, WEB), '429 limit_exceeded');
    assert.equal((await list()).length, 1);
  });
});
