import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from '@redis/client';
import { epochMs, type FeatureName, type TenantId } from '#kernel/brand.ts';
import { everyTenant } from '#kernel/whose.ts';
import { answerCacheContract } from '#ports/answer-cache.contract.ts';
import { answerKey } from '#ports/answer-cache.ts';
import { redisSkip, startRedis, type RedisServer } from '../../../test/harness/redis-server.ts';
import { ValkeyAnswerCache, type ValkeyAnswersOptions } from './answer-cache.ts';

const EVERY = everyTenant('a test');
const SECRET = 'a secret of the operator, 32 characters or more';
const ROOMY = { totalBytes: 1_000_000, tenantBytes: 1_000_000 };
let server: RedisServer | null = null;
before(async () => {
  if (!redisSkip) server = await startRedis();
});
after(() => server?.kill());

async function opened(more: Partial<ValkeyAnswersOptions> = {}): Promise<ValkeyAnswerCache> {
  const prefix = `headgate:{test ${randomUUID()}}:`;
  const cache = new ValkeyAnswerCache({
    ...{ url: server!.url, secret: SECRET, waitMs: 500, prefix, bounds: () => ROOMY },
    ...more,
  });
  for (let i = 0; i < 200 && !cache.up; i++) await sleep(10);
  return cache;
}

answerCacheContract({
  name: 'valkey',
  skip: redisSkip,
  open: (bounds) => opened({ time: 'given', bounds: () => bounds }),
});

describe('answers in Valkey', { skip: redisSkip }, () => {
  const key = answerKey('acme' as TenantId, 'search' as FeatureName, 'digest');
  const now = epochMs(Date.now());
  const reply = { at: now, about: '{"of":"acme"}', body: Buffer.from('the answer, in the clear') };
  const options = { now, ttlMs: 60_000 };

  test('another gate reads what one has kept, by the server’s clock', async () => {
    const prefix = `headgate:{test ${randomUUID()}}:`;
    const [a, b] = [await opened({ prefix }), await opened({ prefix })];
    await a.put(key, reply, options);
    await sleep(30);
    // Its own clock is an hour ahead: the age is the server's all the same.
    const hour = epochMs(now + 3_600_000);
    const { at, body } = (await b.get(key, hour))!;
    assert.deepEqual(body, reply.body);
    assert.ok(hour - at >= 25 && hour - at < 5_000, String(hour - at));
    assert.equal(await b.clear({ whose: 'acme' as TenantId, feature: null }), 1);
    assert.equal(await a.get(key, now), null);
    for (const cache of [a, b]) cache.close();
  });

  test('the server lets it go by itself, and its bytes are counted no more', async () => {
    const cache = await opened();
    await cache.put(key, reply, { now, ttlMs: 60 });
    assert.equal((await cache.shares(EVERY)).length, 1);
    await sleep(120);
    assert.deepEqual([await cache.shares(EVERY), cache.bytes, cache.size], [[], 0, 0]);
    cache.close();
  });

  test('nothing of an answer is there in the clear; under another secret, or another name, it is none', async () => {
    const prefix = `headgate:{test ${randomUUID()}}:`;
    const cache = await opened({ prefix });
    await cache.put(key, reply, options);
    const client = createClient({ url: server!.url });
    await client.connect();
    const name = `${prefix}a:${JSON.stringify(['acme', 'search', 'digest'])}`;
    const raw = await client.dump(name);
    assert.ok(raw && !String(raw).includes('answer'), String(raw));
    const other = await opened({ prefix, secret: `${SECRET}!` });
    assert.equal(await other.get(key, now), null);
    const foreign = answerKey('globex' as TenantId, 'search' as FeatureName, 'digest');
    await cache.put(foreign, { ...reply, body: Buffer.from('of globex') }, options);
    await client.copy(`${prefix}a:${JSON.stringify(['globex', 'search', 'digest'])}`, name, { REPLACE: true });
    assert.equal(await cache.get(key, now), null, 'another tenant’s value under this name is none');
    client.destroy();
    for (const one of [cache, other]) one.close();
  });

  test('a server that stands still is a miss within the bound, and one that is gone is one at once', async () => {
    const own = await startRedis();
    const cache = await opened({ url: own.url, waitMs: 5 });
    await cache.put(key, reply, options);
    assert.ok(await cache.get(key, now));
    own.child.kill('SIGSTOP');
    const waits: number[] = [];
    for (let i = 0; i < 20; i++) {
      const started = performance.now();
      assert.equal(await cache.get(key, now), null);
      waits.push(performance.now() - started);
    }
    const [median, worst] = [waits.toSorted((x, y) => x - y)[10]!, Math.max(...waits)];
    assert.ok(median < 12 && worst < 100, `${median} ${worst}`);
    assert.equal(cache.unanswered, 20);
    // What it does not take is not kept for it without bound.
    const large = { ...reply, body: Buffer.alloc(4 * 1024 * 1024) };
    const kept = Array.from({ length: 8 }, () => cache.put(key, large, options));
    own.child.kill('SIGCONT');
    await own.kill();
    assert.deepEqual(new Set(await Promise.all(kept)), new Set([false]));
    for (let i = 0; i < 100 && cache.up; i++) await sleep(10);
    const started = performance.now();
    assert.deepEqual([await cache.get(key, now), await cache.put(key, reply, options)], [null, false]);
    assert.ok(performance.now() - started < 5);
    await assert.rejects(cache.clear({ whose: EVERY, feature: null }), /does not answer/);
    assert.deepEqual(await cache.shares(EVERY), []);
    const again = await own.restart();
    for (let i = 0; i < 400 && !cache.up; i++) await sleep(10);
    assert.equal(await cache.put(key, reply, options), true);
    cache.close();
    await again.kill();
  });
});
