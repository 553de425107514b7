import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient as createRedis } from '@redis/client';
import type { CallId, KeyId, TenantId } from '#kernel/brand.ts';
import type { StreamLog } from '#ports/stream-log.ts';
import { valkeyStreamLog } from '#stores/valkey/stream-log.ts';
import { redisSkip, startRedis, type RedisServer } from '../harness/redis-server.ts';
import { endOf } from './stream-client.ts';
import {
  at,
  call,
  chargedOf,
  died,
  entryOf,
  LEASE_MS,
  redriveWorld,
  restart,
  resume,
  revive,
  TEXT,
  textOf,
} from './redrive-world.ts';

const GRACE_MS = 1_000;
/** Rounds of a sweep are a lease apart, and it begins once the log has answered for two. */
const BOUND_MS = LEASE_MS + GRACE_MS + 3 * LEASE_MS;

describe('a dead stream that nobody reads ends by itself', { skip: redisSkip }, () => {
  const w = redriveWorld({ grace: `${GRACE_MS}ms` });
  const connected = async () => {
    const redis = createRedis({ url: w.redis.url });
    await redis.connect();
    return redis;
  };

  test('within a bounded time, by one of the gates, and it is gone on with no more', async () => {
    const [gone, plain] = [
      await call(at(w, 'a')),
      await call(at(w, 'a'), { headers: { 'x-headgate-resume': 'true' } }),
    ];
    await w.gates.a.until('both have begun', () => textOf(plain.text()).includes('wörd 2'));
    const id = await died(w, gone);
    const other = String(plain.response.headers['x-headgate-call-id']);
    const seen = w.provider.log.length;
    const at0 = performance.now();
    const redis = await connected();
    const [name] = (await redis.keys(`*${id}`)) as [string];
    const state = async (): Promise<string> => String(await redis.hGet(name, 'state'));
    assert.equal(await state(), 'live');
    await w.gates.b.until('it was swept', async () => (await state()) === 'ended');
    const tookMs = performance.now() - at0;
    assert.ok(tookMs > LEASE_MS / 2 + GRACE_MS / 2 && tookMs < BOUND_MS + 1_000, `${tookMs} ms`);
    assert.equal(await redis.hExists(name, 'request'), 0, 'and the request with it');
    await w.gates.b.until('the other, too', async () => (await redis.zCard('headgate:streams:open')) === 0);
    await revive(w);
    for (const gate of ['a', 'b'] as const) {
      const there = await resume(at(w, gate), id);
      assert.equal(await there.ended, 'broken');
      const end = endOf(there.text());
      assert.deepEqual([end.status, end.reason, end.redrivenBy], ['interrupted', 'abandoned', undefined]);
      const part = textOf(there.text());
      assert.ok(TEXT.startsWith(part) && part.startsWith(textOf(gone.text())), 'the exact beginning');
    }
    const rest = await resume(at(w, 'b'), other);
    await rest.ended;
    assert.deepEqual([endOf(rest.text()).status, endOf(rest.text()).reason], ['interrupted', undefined]);
    assert.equal(w.provider.log.length, seen, 'nothing was asked for again');
    assert.equal((await entryOf(w.gates.a, id)).status, 'interrupted');
    assert.equal((await chargedOf(w, id)).errorCode, 'charged_by_log', 'and its entry is by what the log had');
    await redis.close();
  });

  test('a stream that somebody reads, or whose gate lives, is left alone', async () => {
    const long = `${TEXT} `.repeat(4);
    const live = await call(at(w, 'a'), { text: long });
    const read = await call(at(w, 'a'), { text: long });
    await w.gates.a.until('both have begun', () => textOf(read.text()).includes('wörd 2'));
    await sleep(BOUND_MS);
    assert.equal(endOf(live.text()), null, 'its gate lives');
    const there = await resume(at(w, 'b'), String(read.response.headers['x-headgate-call-id']));
    await w.gates.a.kill();
    assert.equal(await there.ended, 'clean', 'gone on with');
    assert.equal(textOf(there.text()), long);
  });

  test('Valkey that was away for longer than that ends nothing: producers renew their leases first', async () => {
    const live = await call(at(w, 'a'), { text: TEXT.repeat(8) });
    await w.gates.a.until('it has begun', () => textOf(live.text()).includes('wörd 2'));
    w.redis.child.kill('SIGSTOP');
    await sleep(LEASE_MS + GRACE_MS + 2_500);
    w.redis.child.kill('SIGCONT');
    await sleep(4 * LEASE_MS);
    const there = await resume(at(w, 'b'), String(live.response.headers['x-headgate-call-id']));
    assert.equal(await there.ended, 'clean', there.text().slice(-300));
    assert.equal(await live.ended, 'clean');
    assert.equal(textOf(live.text()), TEXT.repeat(8));
  });

  test('kill -9 of the gate that sweeps changes nothing: the other one does', async () => {
    const id = await died(w, await call(at(w, 'a')));
    await w.gates.b.kill();
    const b = await restart(w, 'b');
    const redis = await connected();
    const [name] = (await redis.keys(`*${id}`)) as [string];
    await b.until('it was swept', async () => (await redis.hGet(name, 'state')) === 'ended');
    await redis.close();
  });
});

describe('ten thousand streams in Valkey', { skip: redisSkip }, () => {
  const STREAMS = 10_000;
  const DEAD = 50;
  const bounds = { leaseMs: 60_000, keepMs: 60_000, maxBytes: 100_000 };
  const world = {} as { redis: RedisServer; log: StreamLog };
  before(async () => {
    world.redis = await startRedis();
    world.log = valkeyStreamLog({ url: world.redis.url, bounds: () => bounds });
    while (!world.log.up) await sleep(10);
  });
  after(async () => {
    await world.log?.close();
    await world.redis?.kill();
  });

  test('a round of the sweep asks for what is due, and looks at nothing else', async (t) => {
    const { log } = world;
    const open = (i: number, leaseMs: number) => {
      bounds.leaseMs = leaseMs;
      return log.open(
        { tenant: `ten_${i % 100}` as TenantId, id: `call_${i}` as CallId },
        { key: 'key_1' as KeyId, epoch: '0123456789', about: '{}', producer: 'gone' },
      );
    };
    for (let i = 0; i < STREAMS; i += 500)
      await Promise.all(Array.from({ length: 500 }, (_, j) => open(i + j, 60_000)));
    await Promise.all(Array.from({ length: DEAD }, (_, j) => open(STREAMS + j, 1)));
    await sleep(50);
    const redis = createRedis({ url: world.redis.url });
    await redis.connect();
    const callsOf = async (): Promise<Map<string, number>> => {
      const text = String(await redis.sendCommand(['INFO', 'commandstats']));
      return new Map([...text.matchAll(/cmdstat_([\w|]+):calls=(\d+)/g)].map(([, name, n]) => [name!, Number(n)]));
    };
    const usOf = async (): Promise<number> => {
      const text = String(await redis.sendCommand(['INFO', 'commandstats']));
      return Number(/cmdstat_evalsha:calls=\d+,usec=(\d+)/.exec(text)![1]);
    };
    assert.deepEqual(await log.sweep(0, 200), { ended: DEAD, more: false });
    const [before, us] = [await callsOf(), await usOf()];
    const ROUNDS = 200;
    for (let i = 0; i < ROUNDS; i++) assert.deepEqual(await log.sweep(0, 200), { ended: 0, more: false });
    const [now, usNow] = [await callsOf(), await usOf()];
    const more = (name: string): number => (now.get(name) ?? 0) - (before.get(name) ?? 0);
    assert.equal(more('evalsha'), ROUNDS, 'one script a round');
    assert.equal(more('zrangebyscore'), ROUNDS);
    for (const name of ['keys', 'scan', 'hmget', 'hgetall', 'zrange', 'hset', 'zadd'])
      assert.equal(more(name), 0, name);
    const each = (usNow - us) / ROUNDS;
    t.diagnostic(`${STREAMS} live streams: ${each.toFixed(1)} µs of Valkey a round`);
    assert.ok(each < 1_000, `${each} µs`);
    await redis.close();
  });
});
