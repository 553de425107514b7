import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { startUpstream } from '../clients-rules/scripted-upstream.ts';
import { startGate, temporaryFolder, type GateProcess } from '../harness/gate-process.ts';
import { redisSkip, startRedis, type RedisServer } from '../harness/redis-server.ts';
import { headgate } from '../harness/cli.ts';
import { ask, cacheConfig, chat, entryOf, keyFor, numbered, type CacheWorld } from './cache-world.ts';

describe('kept answers of several gates', { skip: redisSkip }, () => {
  const worlds = {} as { a: CacheWorld; b: CacheWorld };
  const keys = {} as { a: string; b: string; foreign: string };
  const folders = [temporaryFolder('cache-a'), temporaryFolder('cache-b')];
  let redis: RedisServer;
  const start = (url: string, dataDir: string): Promise<GateProcess> =>
    startGate({
      config: cacheConfig(
        url,
        `cache: { store: { kind: valkey, url: "${redis.url}", secret: "\${env:CACHE_TEST_SECRET}", wait: 200ms } }`,
      ),
      ...{ dataDir, env: { CACHE_TEST_SECRET: 'of all gates, 32 characters at the least' } },
    });

  before(async () => {
    redis = await startRedis();
    const upstream = await startUpstream();
    numbered(upstream);
    // Each has a folder, tenants and keys of its own: only the file is the same.
    const [a, b] = await Promise.all(folders.map((folder) => start(upstream.url, folder)));
    Object.assign(worlds, { a: { gate: a, upstream }, b: { gate: b, upstream } });
    const [ofA, ofB] = [await keyFor(worlds.a, 'acme'), await keyFor(worlds.b, 'acme')];
    Object.assign(keys, { a: ofA, b: ofB, foreign: await keyFor(worlds.b, 'globex') });
  });
  after(async () => {
    for (const { gate } of Object.values(worlds)) await gate.stop();
    await worlds.a?.upstream.close();
    await redis?.kill();
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  });

  /** What is kept is written after the answer is given. */
  const kept = (world: CacheWorld, answers: number): Promise<void> =>
    world.gate.until(`${answers} answers`, async () => (await world.gate.admin('GET', '/cache')).answers === answers);

  test('a start without a secret, or with a short one, is refused by the name of the field', async () => {
    const config = (more: string): string =>
      cacheConfig(worlds.a.upstream.url, `cache: { store: { kind: valkey, url: "${redis.url}"${more} } }`);
    await assert.rejects(startGate({ config: config('') }), /cache\.store\.secret/);
    const short = { config: config(', secret: "${env:CACHE_TEST_SECRET}"'), env: { CACHE_TEST_SECRET: 'short' } };
    await assert.rejects(startGate(short), /cache\.store\.secret: it has 5 characters; at least 32 are needed/);
  });

  test('one gate’s answer is a hit at the other, whole and streamed, and not for another tenant', async () => {
    for (const [i, body] of [chat('shared'), chat('shared', { stream: true })].entries()) {
      const first = await ask(worlds.a, keys.a, body);
      await kept(worlds.a, 2 * i + 1);
      const second = await ask(worlds.b, keys.b, body);
      assert.deepEqual([first.cache, second.cache, second.asked], ['miss', 'hit', 0]);
      assert.equal(second.text, first.text);
      const { cacheHit, savedCostUsd } = await entryOf(worlds.b, second.callId);
      assert.deepEqual([cacheHit.call, savedCostUsd], [first.callId, '0.025']);
      const foreign = await ask(worlds.b, keys.foreign, body);
      assert.deepEqual([foreign.cache, foreign.asked], ['miss', 1]);
      await kept(worlds.a, 2 * i + 2);
    }
  });

  test('it is one after a restart', async () => {
    const first = await ask(worlds.a, keys.a, chat('restart'));
    await kept(worlds.a, 5);
    await worlds.a.gate.kill();
    const gate = await start(worlds.a.upstream.url, folders[0]!);
    worlds.a = { ...worlds.a, gate };
    const again = await ask(worlds.a, keys.a, chat('restart'));
    assert.deepEqual([again.cache, again.text], ['hit', first.text]);
  });

  test('what one gate clears is gone for all, by tenant and feature, at the word of operator or tenant', async () => {
    const token = (await worlds.b.gate.admin('POST', '/tokens', { name: 'own', scope: 'tenant', tenant: 'acme' }))
      .token as string;
    await ask(worlds.a, keys.a, chat('feature'), { feature: 'support' });
    await kept(worlds.a, 6);
    const clear = (as: string, body: object): Promise<Response> =>
      fetch(`${worlds.b.gate.url}/admin/cache/clear`, {
        method: 'POST',
        headers: { authorization: `Bearer ${as}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    assert.equal((await clear(token, { tenant: 'globex' })).status, 404);
    assert.equal((await clear(token, { all: true })).status, 400);
    const own = (await (await clear(token, { feature: 'support' })).json()) as any;
    assert.deepEqual([own.tenant, own.answers], ['acme', 1]);
    assert.equal((await ask(worlds.a, keys.a, chat('feature'), { feature: 'support' })).cache, 'miss');
    await kept(worlds.a, 6);
    const view = (await (
      await fetch(`${worlds.b.gate.url}/admin/cache`, { headers: { authorization: `Bearer ${token}` } })
    ).json()) as any;
    assert.deepEqual([...new Set(view.tenants.map(({ tenant }: any) => tenant))], ['acme']);
    assert.doesNotMatch(JSON.stringify(view), /globex/);
    const { code, out, err } = await headgate(['cache', 'status', '--by', 'tenant'], worlds.a.gate);
    assert.equal(code, 0, err);
    assert.match(out, /^acme +support +/m);
    assert.match(out, /in Valkey; a tenant may have/);
    const cleared = await headgate(['cache', 'clear', '--tenant', 'acme'], worlds.b.gate);
    assert.match(cleared.out, /4 answers are gone/, cleared.err);
    assert.equal((await ask(worlds.a, keys.a, chat('restart'))).cache, 'miss');
    assert.equal((await ask(worlds.b, keys.foreign, chat('shared'))).cache, 'hit', 'another tenant’s are there');
  });

  test('a store that stands still or is gone is a miss, and no error; hits come back with it', async () => {
    await ask(worlds.a, keys.a, chat('away'));
    assert.equal((await ask(worlds.a, keys.a, chat('away'))).cache, 'hit');
    redis.child.kill('SIGSTOP');
    const still = await ask(worlds.a, keys.a, chat('away'));
    assert.deepEqual([still.status, still.cache, still.asked], [200, 'miss', 1]);
    redis.child.kill('SIGCONT');
    await redis.kill();
    await worlds.a.gate.until('that it is noticed', async () => !(await worlds.a.gate.admin('GET', '/cache')).up);
    const started = performance.now();
    for (let i = 0; i < 5; i++) {
      const away = await ask(worlds.a, keys.a, chat('away'));
      assert.deepEqual([away.status, away.cache], [200, 'miss']);
    }
    assert.ok(performance.now() - started < 1_000);
    await assert.rejects(worlds.a.gate.admin('POST', '/cache/clear', { all: true }), / 503 /);
    redis = await redis.restart();
    await worlds.a.gate.until('that it is back', async () => (await worlds.a.gate.admin('GET', '/cache')).up);
    const { unanswered } = await worlds.a.gate.admin('GET', '/cache');
    assert.ok(unanswered >= 6, String(unanswered));
    await ask(worlds.a, keys.a, chat('away'));
    await kept(worlds.a, 1);
    assert.equal((await ask(worlds.b, keys.b, chat('away'))).cache, 'hit');
  });
});
