import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { startProvider, type Provider } from '#lab/provider/provider.ts';
import { startGate, temporaryFolder, type GateProcess } from '../harness/gate-process.ts';
import { makeKey } from '../hostile/world.ts';

describe('limits of a gate that was killed', () => {
  const dataDir = temporaryFolder('limits');
  let provider: Provider;
  let gate: GateProcess;
  const start = (): Promise<GateProcess> =>
    startGate({
      dataDir,
      config: `providers: { lab: { kind: lab, baseUrl: "${provider.url}/v1" } }
models: { m: { deployments: [{ provider: lab, model: lab-small }] } }`,
    });
  before(async () => {
    provider = await startProvider({ seed: 20261126 });
    gate = await start();
  });
  after(async () => {
    await gate?.stop();
    await provider?.close();
    rmSync(dataDir, { recursive: true, force: true });
  });

  const status = async (key: string): Promise<number> => {
    const response = await fetch(`${gate.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'hi [[lab output=3]]' }] }),
    });
    await response.arrayBuffer();
    return response.status;
  };

  test('a day goes on where it was, a minute begins anew, and nothing is in flight for good', async () => {
    const key = await makeKey({ gate } as never, 'killed');
    const limit = (body: object) => gate.admin('POST', '/limits', { level: 'tenant', tenant: 'killed', ...body });
    await limit({ window: 'day', limit: 3 });
    await limit({ window: 'minute', limit: 100 });
    await limit({ unit: 'concurrency', limit: 1 });
    assert.deepEqual([await status(key), await status(key)], [200, 200]);
    // Dies with a call in flight.
    const stalled = fetch(`${gate.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        ...{ model: 'm', stream: true },
        messages: [{ role: 'user', content: 'hi [[lab output=50 fault=stall@3]]' }],
      }),
    });
    assert.equal((await stalled).status, 200);
    await gate.kill();
    gate = await start();
    const { limits } = await gate.admin('GET', '/limits?tenant=killed');
    const used = Object.fromEntries(limits.map((one: any) => [`${one.unit} ${one.window}`, [one.used, one.reserved]]));
    assert.deepEqual(used['requests day'], [3, 0]);
    assert.deepEqual(used['concurrency null'], [0, 0]);
    assert.equal(await status(key), 429);
    await gate.admin('POST', `/limits/${limits.find((one: any) => one.window === 'day').id}/raise`, {
      ...{ by: 1, for: '1h', reason: 'after the kill' },
    });
    assert.equal(await status(key), 200);
  });

  test('each end user goes on where its day was, also one whose last call was in flight', async () => {
    await gate.admin('POST', '/tenants', { id: 'users' });
    const rights = { endUser: true };
    const { key } = await gate.admin('POST', '/keys', { tenant: 'users', name: 'k', rights });
    await gate.admin('POST', '/limits', { level: 'end_user', tenant: 'users', window: 'day', limit: 4 });
    const ask = async (user: string, text = 'hi [[lab output=3]]', stream = false): Promise<Response> =>
      fetch(`${gate.url}/v1/chat/completions`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${key}`,
          'content-type': 'application/json',
          'x-headgate-end-user': user,
        },
        body: JSON.stringify({ model: 'm', stream, messages: [{ role: 'user', content: text }] }),
      });
    const admitted = async (user: string, most: number): Promise<number> => {
      for (let n = 0; n <= most; n++) {
        const response = await ask(user);
        await response.arrayBuffer();
        if (response.status === 429) return n;
      }
      return most + 1;
    };
    const call = async (user: string): Promise<void> => {
      const response = await ask(user);
      assert.equal(response.status, 200);
      await response.arrayBuffer();
    };
    for (const user of ['ann', 'ann', 'ann', 'bob', 'cleo', 'cleo']) await call(user);
    await gate.until('the store has them', async () => {
      const { calls } = await gate.admin('GET', '/calls?tenant=users&limit=50');
      return calls.length === 6;
    });
    // Two that the store has not yet, and one in flight, when it dies.
    await call('cleo');
    assert.equal((await ask('bob', 'hi [[lab output=50 fault=stall@3]]', true)).status, 200);
    await gate.kill();
    gate = await start();
    // Those of the spool are being shipped meanwhile: nothing counts twice.
    const left = await Promise.all(['ann', 'bob', 'cleo', 'dora'].map((user) => admitted(user, 4)));
    assert.deepEqual(left, [1, 2, 1, 4]);
    await gate.kill();
    gate = await start();
    assert.deepEqual(await Promise.all(['ann', 'bob', 'cleo', 'dora'].map((user) => admitted(user, 4))), [0, 0, 0, 0]);
  });
});
