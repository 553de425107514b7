import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { lockFile } from '../conservation/locker.ts';
import { auditOf, callWith, declare, restart, sha256, startWorld, type DeclaredWorld } from './declared-world.ts';

const ONE = 'hg_one_secret_0123456789abcdefghij';
const TWO = 'hg_two_secret_0123456789abcdefghij';
const THREE = 'hg_three_secret_0123456789abcdefgh';

const keys = (secrets: readonly string[], more = ''): string =>
  `tenants: { acme: {} }\nkeys:\n${secrets.map((raw) => `  ${raw.split('_')[1]}: { tenant: acme, sha256: ${sha256(raw)} }`).join('\n')}\n${more}`;
const environment = (name: string): string => `environment: ${name}`;

/** What missed the store is made up for every 15 s. */
async function soon(what: string, check: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 120; i++) {
    if (await check()) return;
    await sleep(250);
  }
  assert.fail(`${what}: not within 30 s`);
}

describe('declarations while the store is away', () => {
  let world: DeclaredWorld;
  const state = (): string => join(world.folder, 'state', 'state.db');
  before(async () => {
    world = await startWorld(keys([ONE]));
  });
  after(async () => {
    await world?.gate.kill();
    await world?.provider.close();
    if (world) rmSync(world.folder, { recursive: true, force: true });
  });

  test('the rest of a changed file serves at once, and what the latest declares follows the store', async () => {
    const unlock = await lockFile(state());
    await declare(world, keys([ONE, THREE]));
    const log = await declare(world, keys([ONE, TWO], environment('changed')));
    assert.match(log, /the store is away: what the file declares waits for it/);
    assert.match(log, /configuration reloaded/);
    assert.equal(await callWith(world, ONE), '200');
    assert.equal(await callWith(world, TWO), '401 invalid_api_key');
    await unlock();
    await soon('the key works', async () => (await callWith(world, TWO)) === '200');
    assert.equal(await callWith(world, THREE), '401 invalid_api_key', 'a file that was replaced before');
    const actions = (await auditOf(world)).map(({ action, actor }) => `${action} ${actor.split(':')[0]}`);
    assert.deepEqual(actions, ['key.create configuration', 'key.create configuration', 'tenant.create configuration']);
  });

  test('a start with the store away serves the last state, and the file follows', async () => {
    // The node's snapshot is written soon after a change.
    await sleep(1_000);
    await world.gate.kill();
    const unlock = await lockFile(state(), 'whole');
    world = { ...world, gate: await restart(world, keys([ONE, THREE])) };
    assert.equal(await callWith(world, ONE), '200');
    assert.equal(await callWith(world, TWO), '200', 'known from the snapshot');
    assert.equal(await callWith(world, THREE), '401 invalid_api_key');
    await unlock();
    await soon('the file is taken up', async () => (await callWith(world, THREE)) === '200');
    assert.equal(await callWith(world, TWO), '401 key_revoked');
  });
});
