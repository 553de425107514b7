import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { epochMs, type CallId, type FeatureName, type KeyId, type TenantId } from '#kernel/brand.ts';
import { everyTenant, tenantKey } from '#kernel/whose.ts';
import { answerKey } from '#ports/answer-cache.ts';
import type { StreamLog } from '#ports/stream-log.ts';
import { startRedisCluster, type RedisCluster } from '../../../test/harness/redis-cluster.ts';
import { redisSkip } from '../../../test/harness/redis-server.ts';
import { ValkeyAnswerCache } from './answer-cache.ts';
import { clusterAt } from './connection.ts';
import { valkeyNames, type ValkeyNames } from './names.ts';
import { slotOf } from './slot.ts';
import { keysOf, valkeyStreamLog } from './stream-log.ts';

let cluster: RedisCluster;
const closing: (() => unknown)[] = [];

before(async () => {
  if (!redisSkip) cluster = await startRedisCluster();
});
after(async () => {
  for (const close of closing) await close();
  await cluster?.stop();
});

const until = async (what: string, is: () => boolean | Promise<boolean>): Promise<void> => {
  for (let i = 0; i < 1_000; i++) {
    if (await is()) return;
    await sleep(10);
  }
  throw new Error(`never: ${what}`);
};
const address = () => ({ url: cluster.urls[0]!, nodes: cluster.urls.slice(1), cluster: true });

async function openLog(leaseMs = 5_000): Promise<StreamLog> {
  const log = valkeyStreamLog({
    ...address(),
    bounds: () => ({ leaseMs, keepMs: 60_000, maxBytes: 1_000_000 }),
  });
  closing.push(() => log.close());
  await until('the log is there', () => log.up);
  return log;
}
async function openNames(): Promise<ValkeyNames> {
  const names = valkeyNames({
    ...{ ...address(), gate: randomUUID(), leaseMs: 1_000, now: () => epochMs(Date.now()) },
    bounds: () => ({ rememberMs: 60_000, ofOwner: 100, keepMs: 5_000 }),
  });
  closing.push(() => names.close());
  await until('the names are there', () => names.up);
  return names;
}

/** A tenant whose keys are at a node. */
const tenantAt = (node: number, from = 0): TenantId => {
  for (let i = from; ; i++) if (cluster.nodeOf(`{t${i}}`) === node) return `t${i}` as TenantId;
};
const refOf = (tenant: TenantId) => ({ tenant, id: `call_${randomUUID()}` as CallId });
const HEAD = { key: 'key_1' as KeyId, epoch: 'e', producer: 'p', about: '{}' };
const claimOf = (tenant: TenantId) => ({
  name: tenantKey(tenant, 'idempotency', randomUUID()),
  owner: 'key_1' as KeyId,
  use: { request: 'r', call: `call_${randomUUID()}` as CallId, at: epochMs(Date.now()) },
});
const ticket = { stream: 'call_1' as CallId, key: 'key_1' as KeyId };

async function writeAndRead(a: StreamLog, b: StreamLog, tenant: TenantId): Promise<void> {
  const ref = refOf(tenant);
  const lease = await a.open(ref, HEAD);
  assert.ok(typeof lease === 'object', String(lease));
  const written = Array.from({ length: 50 }, (_, i) => a.append(lease, i, [Buffer.from(`event ${i}`)]));
  assert.ok((await Promise.all(written)).every((each) => each === 'ok'));
  const part = await b.read(ref, 0, 100);
  assert.ok(typeof part === 'object' && part !== null, String(part));
  assert.deepEqual(
    part.events.map(String),
    written.map((_, i) => `event ${i}`),
  );
}

describe('a cluster of three nodes and a replica', { skip: redisSkip }, () => {
  test('slots are those of the cluster, and it is known to be one', async () => {
    for (let i = 0; i < 50; i++) {
      const [key] = keysOf({ tenant: `t{}${i}é` as TenantId, id: 'call_1' as CallId });
      for (const each of [key, `a{${i}}b`, `{}${i}`, `${i}`])
        assert.equal(slotOf(each), Number(cluster.cli(0, 'CLUSTER', 'KEYSLOT', each)), each);
    }
    assert.equal(await clusterAt({ url: cluster.urls[1]! }, 2_000), true);
  });

  test('streams, keys, tickets, chats and answers work wherever their slots are', async () => {
    const [a, b] = [await openLog(), await openLog()];
    const [n, m] = [await openNames(), await openNames()];
    for (const node of [0, 1, 2]) {
      const tenant = tenantAt(node);
      await writeAndRead(a, b, tenant);
      const ref = refOf(tenant);
      const lease = await a.open(ref, HEAD);
      let [told, heard] = [0, 0];
      b.follow(ref, () => told++);
      await until('it follows', () => told > 0);
      heard = told;
      assert.equal(await a.append(lease as never, 0, [Buffer.from('x')]), 'ok');
      await until('it is told, through another node', () => told > heard);
      const claim = claimOf(tenant);
      assert.ok((await n.keys.claim(claim)).ok);
      assert.deepEqual(await m.keys.claim({ ...claim, use: { ...claim.use, call: 'call_x' as CallId } }), {
        ok: false,
        error: { earlier: claim.use },
      });
      const state = await m.keys.state(claim.name);
      assert.ok(typeof state === 'object' && (await m.keys.lives(state.gate)) === true);
      await n.keys.release(claim.name, claim.use.call);
      assert.ok((await m.keys.claim(claim)).ok);
      const chat = { tenant, key: 'key_1' as KeyId, chat: 'c' };
      await n.streams.nameChat(chat, 'call_1' as CallId);
      assert.equal(await m.streams.streamOf(chat), 'call_1');
    }
    for (let i = 0; i < 20; i++) {
      assert.ok(await n.streams.putTicket(`d${i}`, ticket, 60_000));
      assert.deepEqual(await m.streams.takeTicket(`d${i}`), ticket);
      assert.equal(await n.streams.takeTicket(`d${i}`), null);
    }
    const stored = [0, 1, 2].map((node) => Number(cluster.cli(node, 'DBSIZE')));
    assert.ok(
      stored.every((keys) => keys > 0),
      `keys of the nodes: ${stored.join(', ')}`,
    );
  });

  test('streams of a gate that died are swept at every node, once; one that is renewed goes on', async () => {
    const [a, b, c] = [await openLog(400), await openLog(400), await openLog(400)];
    const refs = [0, 1, 2].map((node) => refOf(tenantAt(node, 100)));
    for (const ref of refs) assert.ok(typeof (await a.open(ref, HEAD)) === 'object');
    const lease = await b.open(refOf(refs[0]!.tenant), HEAD);
    assert.ok(typeof lease === 'object');
    const beat = setInterval(() => void b.renew(lease), 100);
    assert.deepEqual(await c.sweep(300, 100), { ended: 0, more: false }, 'none is due');
    await sleep(900);
    assert.deepEqual(await c.sweep(300, 2), { ended: 2, more: true }, 'no more than are asked for');
    const swept = await Promise.all([b.sweep(300, 100), c.sweep(300, 100)]);
    assert.equal(
      swept.reduce((sum, one) => sum + (one === 'away' ? 0 : one.ended), 0),
      1,
    );
    for (const ref of refs) {
      const part = await c.read(ref, 0, 10);
      assert.ok(typeof part === 'object' && part?.end?.status === 'interrupted');
    }
    clearInterval(beat);
    const live = await c.read(lease, 0, 10);
    assert.ok(typeof live === 'object' && live?.end === null);
  });

  test('answers are kept, counted, found and cleared', async () => {
    const open = (): ValkeyAnswerCache => {
      const cache = new ValkeyAnswerCache({
        ...{ ...address(), secret: 'x'.repeat(32), waitMs: 1_000 },
        bounds: () => ({ totalBytes: 1_000_000, tenantBytes: 1_000_000 }),
      });
      closing.push(() => cache.close());
      return cache;
    };
    const [a, b] = [open(), open()];
    await until('they are there', () => a.up && b.up);
    const at = epochMs(Date.now());
    const of = (tenant: string) => answerKey(tenant as TenantId, 'f' as FeatureName, 'd');
    for (const tenant of ['t1', 't2', 't3'])
      assert.ok(await a.put(of(tenant), { at, about: '{}', body: Buffer.from(tenant) }, { now: at, ttlMs: 60_000 }));
    for (const tenant of ['t1', 't2', 't3']) assert.equal(String((await b.get(of(tenant), at))?.body), tenant);
    assert.equal((await b.shares(everyTenant('a test'))).length, 3);
    assert.equal(await b.clear({ whose: 't1' as TenantId, feature: null }), 1);
  });

  test('a slot that moves to another node is followed', async () => {
    const [a, b] = [await openLog(), await openLog()];
    const [n, m] = [await openNames(), await openNames()];
    const tenant = tenantAt(1);
    const slot = cluster.cli(0, 'CLUSTER', 'KEYSLOT', `{${tenant}}`).trim();
    await writeAndRead(a, b, tenant);
    const id = (node: number): string => cluster.cli(node, 'CLUSTER', 'MYID').trim();
    cluster.cli(2, 'CLUSTER', 'SETSLOT', slot, 'IMPORTING', id(1));
    cluster.cli(1, 'CLUSTER', 'SETSLOT', slot, 'MIGRATING', id(2));
    // What is new goes to the node that the slot moves to, by ASK. Several keys at once are refused until they are there.
    const chat = { tenant, key: 'key_1' as KeyId, chat: 'while it moves' };
    await n.streams.nameChat(chat, 'call_1' as CallId);
    assert.equal(await m.streams.streamOf(chat), 'call_1');
    assert.equal(await a.open(refOf(tenant), HEAD), 'away');
    for (const key of cluster.cli(1, 'CLUSTER', 'GETKEYSINSLOT', slot, '1000').trim().split('\n'))
      cluster.cli(1, 'MIGRATE', '127.0.0.1', new URL(cluster.urls[2]!).port, key, '0', '5000');
    for (const node of [2, 1, 0]) cluster.cli(node, 'CLUSTER', 'SETSLOT', slot, 'NODE', id(2));
    // By MOVED, and then straight.
    await writeAndRead(a, b, tenant);
    await writeAndRead(b, a, tenant);
  });

  test('a node that dies takes its own slots alone, and its replica goes on with them; one without a replica is away', async () => {
    const [a, b] = [await openLog(), await openLog()];
    const names = await openNames();
    const [first, second, third] = [tenantAt(0, 50), tenantAt(1, 50), tenantAt(2, 50)];
    const ref = refOf(first);
    const lease = await a.open(ref, HEAD);
    assert.ok(typeof lease === 'object');
    assert.equal(await a.append(lease, 0, [Buffer.from('before')]), 'ok');
    await until('the replica has it', () => cluster.cli(3, 'DBSIZE') === cluster.cli(0, 'DBSIZE'));
    await sleep(200);
    await cluster.kill(0);
    const at = performance.now();
    assert.equal(await b.read(ref, 0, 10), 'away');
    assert.equal(((await names.keys.claim(claimOf(first))) as { error: unknown }).error, 'away');
    assert.ok(performance.now() - at < 2_500, 'the wait has a bound');
    await writeAndRead(a, b, second);
    await writeAndRead(a, b, third);
    assert.ok((await names.keys.claim(claimOf(second))).ok);
    await until('the replica has its slots', async () => typeof (await b.read(ref, 0, 10)) === 'object');
    const part = await b.read(ref, 0, 10);
    assert.ok(typeof part === 'object' && part !== null);
    assert.deepEqual(part.events.map(String), ['before']);
    await until('and is written to', async () => (await a.append(lease, 1, [Buffer.from('after')])) !== 'away');
    await writeAndRead(a, b, first);
    await until('all of it is there again', () => a.up && names.up);
    assert.ok((await names.keys.claim(claimOf(first))).ok);

    await cluster.kill(1);
    await until('it is away', async () => (await b.read(refOf(second), 0, 10)) === 'away');
    assert.equal(a.up && b.up, false);
    await writeAndRead(a, b, third);
    await writeAndRead(a, b, first);
  });
});
