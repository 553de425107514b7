import assert from 'node:assert/strict';
import { chmodSync, chownSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startProvider, type Provider } from '#lab/provider/provider.ts';
import { startGate, temporaryFolder, type GateProcess } from '../harness/gate-process.ts';
import { burst, tally } from './burst.ts';
import { judge, type ClientSaw } from './judge.ts';
import { readLedger } from './ledger-file.ts';
import { lockFile } from './locker.ts';
import { makeTenant, worldConfig } from './world.ts';

const SEED = 11;
const BODY = JSON.stringify({ model: 'via-chat', messages: [{ role: 'user', content: 'Hello. [[lab output=5]]' }] });

describe(`the store is away (seed ${SEED})`, () => {
  const folder = temporaryFolder('away');
  const state = join(folder, 'state');
  const clients: ClientSaw[] = [];
  let provider: Provider;
  let gate: GateProcess;
  let key: string;
  const start = (): Promise<GateProcess> => startGate({ config: worldConfig(provider.url), dataDir: folder });

  before(async () => {
    provider = await startProvider({ seed: SEED });
    gate = await start();
    key = (await makeTenant(gate, 'acme', 1))[0]!;
    await gate.admin('POST', '/budgets', { level: 'tenant', tenant: 'acme', limitUsd: '1000', mode: 'bounded' });
  });
  after(async () => {
    await gate?.kill();
    await provider?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function callsGoOn(count: number): Promise<void> {
    const seen = await burst({ url: gate.url, key, body: BODY }, count);
    clients.push(...seen);
    assert.deepEqual(tally(seen), { complete: count });
  }

  const entriesInStore = async (): Promise<number> => {
    const { rows } = await gate.admin('GET', '/spend?by=tenant');
    return rows.reduce((sum: number, row: { calls: number }) => sum + row.calls, 0);
  };
  const allArrive = (): Promise<void> =>
    gate.until(`${clients.length} entries in the store`, async () => {
      const count = await entriesInStore().catch(() => -1);
      assert.ok(count <= clients.length, `${count} entries of ${clients.length} calls`);
      return count === clients.length;
    });

  test('locked by another process: calls go on, entries follow', async () => {
    await callsGoOn(20);
    const unlock = await lockFile(join(state, 'ledger.db'));
    const unlockState = await lockFile(join(state, 'state.db'));
    await callsGoOn(50);
    await sleep(1_500);
    await callsGoOn(50);
    assert.ok((await entriesInStore()) <= 20, 'the lock holds');
    await unlock();
    await unlockState();
    await allArrive();
  });

  test('moved away: calls go on, no empty file takes its place, entries follow', async () => {
    for (const name of ['ledger.db', 'ledger.db-wal', 'ledger.db-shm']) move(name, `${name}.moved`);
    await callsGoOn(50);
    await sleep(800);
    await callsGoOn(20);
    for (const name of ['ledger.db', 'ledger.db-wal', 'ledger.db-shm']) move(`${name}.moved`, name);
    await allArrive();
  });

  function move(from: string, to: string): void {
    try {
      renameSync(join(state, from), join(state, to));
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'ENOENT');
    }
  }

  test('killed and started while the store is locked: known keys go on, nothing is lost', async (t) => {
    await sleep(800);
    const unlock = [await lockFile(join(state, 'ledger.db')), await lockFile(join(state, 'state.db'))];
    await callsGoOn(30);
    await gate.kill();
    for (const path of ['ledger.db', 'state.db']) {
      await unlock.shift()!();
      unlock.push(await lockFile(join(state, path), 'whole'));
    }
    const startedMs = performance.now();
    gate = await start();
    t.diagnostic(`started without a store in ${Math.round(performance.now() - startedMs)} ms`);
    await callsGoOn(30);
    await gate.kill();
    gate = await start();
    await callsGoOn(10);
    for (const letGo of unlock) await letGo();
    await allArrive();
  });

  test('a second process on the folder ends with 2 and says who holds it', async () => {
    const second = await start().then(
      () => assert.fail('it started'),
      (error: Error) => error.message,
    );
    assert.match(second, /the gate ended with 2\b/);
    assert.match(second, new RegExp(`process ${gate.child.pid}\\b`));
    await callsGoOn(10);
    await allArrive();
  });

  test('after all that each call has one entry, by the logs of provider and clients', async () => {
    assert.equal(await gate.stop(), 0);
    const ledger = await readLedger(join(state, 'ledger.db'));
    assert.deepEqual([ledger.rollupFaults, ledger.spendFaults], [[], []]);
    const { broken } = judge({ provider: provider.log, clients, entries: ledger.entries });
    assert.deepEqual([...broken], []);
  });
});

/** `nobody`: root may write to any folder, so that the gate must be another user to be refused. */
const NOBODY = 65_534;
const notRoot = process.getuid?.() === 0 ? false : 'needs root, to start the gate as another user';

test(
  'a folder that became read-only: calls go on, also after a death, and entries follow',
  { skip: notRoot },
  async (t) => {
    const folder = temporaryFolder('readonly');
    const state = join(folder, 'state');
    const provider = await startProvider({ seed: SEED });
    const begin = (): Promise<GateProcess> =>
      startGate({ config: worldConfig(provider.url), dataDir: folder, uid: NOBODY });
    chownSync(folder, NOBODY, NOBODY);
    let gate = await begin();
    t.after(async () => {
      await gate.kill();
      await provider.close();
      rmSync(folder, { recursive: true, force: true });
    });
    const [key] = await makeTenant(gate, 'acme', 1);
    const clients: ClientSaw[] = [];
    const callsGoOn = async (count: number): Promise<void> => {
      const seen = await burst({ url: gate.url, key: key!, body: BODY }, count);
      clients.push(...seen);
      assert.deepEqual(tally(seen), { complete: count });
    };
    await callsGoOn(20);
    await sleep(800);
    chmodSync(state, 0o500);
    await callsGoOn(20);
    await gate.kill();
    const files = readdirSync(state).filter((name) => name.includes('.db'));
    for (const name of files) chmodSync(join(state, name), 0o400);
    gate = await begin();
    await callsGoOn(20);
    await sleep(500);
    await callsGoOn(20);
    chmodSync(state, 0o700);
    for (const name of files) chmodSync(join(state, name), 0o600);
    await gate.until('the store has all', async () => {
      const { rows } = await gate.admin('GET', '/spend?by=tenant').catch(() => ({ rows: [] }));
      return rows.reduce((sum: number, row: { calls: number }) => sum + row.calls, 0) === clients.length;
    });
    assert.equal(await gate.stop(), 0);
    const ledger = await readLedger(join(state, 'ledger.db'));
    const { broken } = judge({ provider: provider.log, clients, entries: ledger.entries });
    assert.deepEqual([[...broken], ledger.rollupFaults, ledger.spendFaults], [[], [], []]);
  },
);
