import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, afterEach, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { epochMs, type CallId, type KeyId, type TenantId } from '#kernel/brand.ts';
import { tenantKey } from '#kernel/whose.ts';
import { idempotencyContract } from '#ports/idempotency.contract.ts';
import type { KeyClaim } from '#ports/idempotency.ts';
import { redisSkip, startRedis, type RedisServer } from '../../../test/harness/redis-server.ts';
import { valkeyNames, type ValkeyNames } from './names.ts';

const LEASE_MS = 600;
let server: RedisServer | null = null;
const opened: ValkeyNames[] = [];

before(async () => {
  if (!redisSkip) server = await startRedis();
});
afterEach(async () => {
  for (const names of opened.splice(0)) await names.close();
});
after(() => server?.kill());

async function open(bounds: { rememberMs?: number; ofOwner?: number; keepMs?: number } = {}): Promise<ValkeyNames> {
  const names = valkeyNames({
    ...{ url: server!.url, gate: randomUUID(), leaseMs: LEASE_MS },
    now: () => epochMs(Date.now()),
    bounds: () => ({ rememberMs: 60_000, ofOwner: 100, keepMs: 5_000, ...bounds }),
  });
  opened.push(names);
  for (let i = 0; i < 300 && !names.up; i++) await sleep(10);
  return names;
}

/** Each contract test has keys of its own: tenants of another name. */
let round = 0;
idempotencyContract({
  name: 'valkey',
  skip: redisSkip,
  open: async (bounds) => {
    const own = `${++round}-`;
    const renamed = (name: KeyClaim['name']): KeyClaim['name'] => name.replace('|', `|${own}`) as KeyClaim['name'];
    const view = ({ keys }: ValkeyNames) => ({
      claim: ({ name, owner, use }: KeyClaim) =>
        keys.claim({ name: renamed(name), owner: (own + owner) as KeyId, use }),
      release: (name: KeyClaim['name'], call: CallId) => keys.release(renamed(name), call),
    });
    const [a, b] = await Promise.all([open(bounds), open(bounds)]);
    return [view(a), view(b)];
  },
});

const claimOf = (hash: string): KeyClaim => ({
  name: tenantKey('acme' as TenantId, 'idempotency', hash),
  owner: 'key_1' as KeyId,
  use: { request: 'r', call: `call_${hash}` as CallId, at: epochMs(Date.now()) },
});
const until = async (what: string, is: () => boolean | Promise<boolean>): Promise<void> => {
  for (let i = 0; i < 500; i++) {
    if (await is()) return;
    await sleep(10);
  }
  throw new Error(`never: ${what}`);
};

describe('what gates share about streams, in Valkey', { skip: redisSkip }, () => {
  test('another gate finds who makes an answer, hears of it, and has its bytes; a later call of the name changes nothing', async () => {
    const [a, b] = [await open(), await open()];
    const { name, use } = claimOf('answer');
    await a.keys.claim(claimOf('answer'));
    let heard = 0;
    b.keys.follow(name, () => heard++);
    await until('it follows', () => heard > 0);
    const live = await b.keys.state(name);
    assert.ok(typeof live === 'object');
    assert.deepEqual([live.call, live.begun, live.status, live.answer], [use.call, null, null, null]);
    assert.equal(await b.keys.lives(live.gate), true);
    const before = heard;
    const answer = { status: 200, headers: { 'content-type': 'a/b' }, body: Buffer.from('with\na line\0and more') };
    await a.keys.begun(name, use.call, answer);
    await a.keys.ended(name, use.call, 'ok');
    await a.keys.begun(name, 'call_other' as CallId, 'stream');
    await until('it heard', () => heard > before);
    assert.deepEqual(await b.keys.state(name), { ...live, begun: 'whole', status: 'ok', answer });
  });

  test('a gate that says nothing for its lease lives no more', async () => {
    const [a, b] = [await open(), await open()];
    await a.keys.claim(claimOf('lease'));
    const state = await b.keys.state(claimOf('lease').name);
    assert.ok(typeof state === 'object');
    await sleep(2 * LEASE_MS);
    assert.equal(await b.keys.lives(state.gate), true, 'it says so again and again');
    await a.close();
    await until('it is dead', async () => (await b.keys.lives(state.gate)) === false);
  });

  test('who makes an answer is told that somebody waits for it elsewhere', async () => {
    const [a, b] = [await open(), await open()];
    const wanted: string[] = [];
    a.keys.serve((call) => wanted.push(call));
    const { name, use } = claimOf('wanted');
    await a.keys.claim(claimOf('wanted'));
    const state = await b.keys.state(name);
    assert.ok(typeof state === 'object');
    await until('it is told', async () => {
      await b.keys.want(name, state.gate, use.call);
      return wanted.includes(use.call);
    });
  });

  test('a ticket that one gate made opens once over both, of many tries at once; then and after its time nobody’s', async () => {
    const [a, b] = [await open(), await open()];
    const ticket = { stream: 'call_1' as CallId, key: 'key_1' as KeyId };
    assert.ok(await a.streams.putTicket('digest', ticket, 60_000));
    const tries = Array.from({ length: 40 }, (_, i) => (i % 2 ? a : b).streams.takeTicket('digest'));
    assert.deepEqual(
      (await Promise.all(tries)).filter((each) => each !== null),
      [ticket],
    );
    await a.streams.putTicket('short', ticket, 50);
    await sleep(100);
    assert.equal(await b.streams.takeTicket('short'), null);
  });

  test('a chat’s newest stream is found at either gate; what was read to its end is dropped, a newer one is not', async () => {
    const [a, b] = [await open(), await open()];
    const chat = { tenant: 'acme' as TenantId, key: 'key_1' as KeyId, chat: 'x'.repeat(10_000) };
    assert.equal(await b.streams.streamOf(chat), null);
    await a.streams.nameChat(chat, 'call_1' as CallId);
    await b.streams.nameChat(chat, 'call_2' as CallId);
    await a.streams.dropChat(chat, 'call_1' as CallId);
    assert.equal(await a.streams.streamOf(chat), 'call_2');
    assert.equal(await a.streams.streamOf({ ...chat, key: 'key_2' as KeyId }), null);
    assert.equal(await a.streams.streamOf({ ...chat, tenant: 'other' as TenantId }), null);
    await a.streams.dropChat(chat, 'call_2' as CallId);
    assert.equal(await b.streams.streamOf(chat), null);
  });

  test('while the server is away all say so, and it is told what it missed once it is back', async () => {
    const a = await open();
    const [back, ended] = [claimOf('missed'), claimOf('ended')];
    await a.keys.claim(back);
    await server!.kill();
    await until('away', async () => (await a.keys.state(back.name)) === 'away');
    assert.deepEqual(await a.keys.claim(claimOf('new')), { ok: false, error: 'away' });
    assert.equal(await a.streams.takeTicket('digest'), 'away');
    a.keys.onBack(() => void a.keys.claim(ended));
    await a.keys.ended(ended.name, ended.use.call, 'ok');
    server = await server!.restart();
    await until('it knows', async () => {
      const state = await a.keys.state(ended.name);
      return typeof state === 'object' && state.status === 'ok';
    });
    assert.equal(await a.keys.state(back.name), 'lost');
  });
});
