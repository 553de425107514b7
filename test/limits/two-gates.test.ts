import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startProvider, type Provider } from '#lab/provider/provider.ts';
import { redisSkip, startRedis, type RedisServer } from '../harness/redis-server.ts';
import type { GateProcess } from '../harness/gate-process.ts';
import { startTwoGates, type TwoGates } from '../streams/two-gates.ts';

const TEXT = 'hi [[lab output=3]]';

describe('two gates hold one limit together', { skip: redisSkip }, () => {
  let redis: RedisServer;
  let provider: Provider;
  let gates: TwoGates;
  let setUp = 0;
  /** The first gate, or its successor once it was killed. */
  let first: GateProcess;
  before(async () => {
    [redis, provider] = await Promise.all([startRedis(), startProvider({ seed: 20261127 })]);
    gates = await startTwoGates(`
providers: { lab: { kind: lab, baseUrl: "${provider.url}/v1" } }
models: { m: { deployments: [{ provider: lab, model: lab-small }] } }
limitCounters: { kind: valkey, url: "${redis.url}" }
`);
    first = gates.a;
  });
  after(async () => {
    await gates?.stop();
    await provider?.close();
    await redis?.kill();
  });

  /** The same limit at both, each under an id of its own, for a tenant that no other test uses. */
  async function tenantWith(limits: readonly object[], both = [gates.a, gates.b]): Promise<string[]> {
    const id = `t${++setUp}`;
    const keys: string[] = [];
    for (const gate of both) {
      await gate.admin('POST', '/tenants', { id });
      keys.push((await gate.admin('POST', '/keys', { tenant: id, name: 'k' })).key);
      for (const limit of limits) await gate.admin('POST', '/limits', { level: 'tenant', tenant: id, ...limit });
    }
    return keys;
  }

  const call = (gate: GateProcess, key: string, text = TEXT, stream = false): Promise<Response> =>
    fetch(`${gate.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'm', stream, messages: [{ role: 'user', content: text }] }),
    });
  const status = async (gate: GateProcess, key: string): Promise<number> => {
    const response = await call(gate, key);
    await response.arrayBuffer();
    return response.status;
  };

  test('of many calls at once at both, exactly the limit is admitted, and the provider saw no more', async () => {
    const [one, two] = await tenantWith([{ window: 'day', limit: 25 }]);
    const before = provider.log.length;
    const all = await Promise.all(
      Array.from({ length: 60 }, (_, i) => (i % 2 === 0 ? status(gates.a, one!) : status(gates.b, two!))),
    );
    assert.equal(all.filter((code) => code === 200).length, 25);
    assert.equal(all.filter((code) => code === 429).length, 35);
    assert.equal(provider.log.length - before, 25);
  });

  test('all or none over levels: what the second limit refuses takes nothing of the first', async () => {
    const [one, two] = await tenantWith([
      { window: 'day', limit: 10 },
      { window: 'minute', limit: 3 },
    ]);
    const codes: number[] = [];
    for (let i = 0; i < 6; i++) codes.push(await status(i % 2 === 0 ? gates.a : gates.b, i % 2 === 0 ? one! : two!));
    assert.deepEqual(codes, [200, 200, 200, 429, 429, 429]);
    const { limits } = await gates.b.admin('GET', `/limits?tenant=t${setUp}`);
    assert.deepEqual(
      limits.map(({ used, reserved }: any) => used + reserved),
      [3, 3],
    );
    const me = await fetch(`${gates.a.url}/v1/headgate/me`, { headers: { authorization: `Bearer ${one!}` } });
    assert.deepEqual(
      ((await me.json()) as any).limits.map(({ used }: any) => used),
      [3, 3],
    );
  });

  test('calls in flight are counted together; those of a gate that was killed are let go, and a day goes on', async () => {
    const [one, two] = await tenantWith([
      { unit: 'concurrency', limit: 2 },
      { window: 'day', limit: 100 },
    ]);
    const stalled = 'hi [[lab output=50 fault=stall@3]]';
    assert.equal((await call(gates.a, one!, stalled, true)).status, 200);
    assert.equal((await call(gates.a, one!, stalled, true)).status, 200);
    assert.equal(await status(gates.b, two!), 429);
    await gates.a.kill();
    await gates.b.until('what it held is let go', async () => (await status(gates.b, two!)) === 200);
    const { limits } = await gates.b.admin('GET', `/limits?tenant=t${setUp}`);
    const day = limits.find(({ window }: any) => window === 'day');
    assert.equal(day.used + day.reserved, 3);
    first = await gates.restartA();
    const again = (await first.admin('GET', `/limits?tenant=t${setUp}`)).limits;
    const there = again.find(({ window }: any) => window === 'day');
    assert.deepEqual([there.used, there.reserved], [day.used, day.reserved]);
  });

  test('while the counters are away each goes on with its share, and together again when they are back', async () => {
    const [one, two] = await tenantWith([{ window: 'day', limit: 10 }], [first, gates.b]);
    // Gates count each other every two seconds; one that has just come would take itself for alone.
    await sleep(3_000);
    await redis.kill();
    const codes: number[] = [];
    for (let i = 0; i < 16; i++) codes.push(await status(i % 2 === 0 ? first : gates.b, i % 2 === 0 ? one! : two!));
    const admitted = codes.filter((code) => code === 200).length;
    assert.ok(admitted > 0 && admitted <= 10, `${admitted} of a limit of 10`);
    assert.ok(
      codes.every((code) => code === 200 || code === 429),
      String(codes),
    );
    redis = await redis.restart();
    await gates.b.until('they are counted together again', async () => {
      const { limits } = await gates.b.admin('GET', `/limits?tenant=t${setUp}`);
      return (await status(first, one!)) === 200 && limits[0].used > 0;
    });
  });
});
