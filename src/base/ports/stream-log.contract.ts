import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CallId, KeyId, TenantId } from '#kernel/brand.ts';
import type { StoredPart, StreamHead, StreamLease, StreamLog, StreamLogBounds, StreamRef } from './stream-log.ts';

export interface StreamLogContractOptions {
  readonly name: string;
  /** Two gates on one store. */
  readonly open: (bounds: StreamLogBounds) => Promise<readonly [StreamLog, StreamLog]>;
  readonly skip?: string | false;
}

const LEASE_MS = 400;
const BOUNDS: StreamLogBounds = { leaseMs: LEASE_MS, keepMs: 5_000, maxBytes: 10_000 };
/** Bytes that are no text, and two ends of events in one. */
const EVENTS = ['data: {"a":"日本"}\n\n', 'data: b\n\ndata: c\n\n', '\0\u0001'].map((text) => Buffer.from(text));
const RAW = Buffer.from([0x80, 0xff, 0x0a, 0x00]);

let made = 0;
const refOf = (tenant = 'ten_a'): StreamRef => ({
  tenant: tenant as TenantId,
  id: `call_${Date.now()}${process.pid}${++made}` as CallId,
});
const HEAD: StreamHead = {
  key: 'key_1' as KeyId,
  epoch: '0123456789',
  about: '{"é":1}',
  producer: `gate-${process.pid}`,
};

/** What every log of streams does, whoever keeps it. */
export function streamLogContract({ name, open, skip = false }: StreamLogContractOptions): void {
  describe(`stream log: ${name}`, { skip }, () => {
    const opened: StreamLog[] = [];
    after(() => Promise.all(opened.map((log) => log.close())));
    const gates = async (bounds: Partial<StreamLogBounds> = {}): Promise<readonly [StreamLog, StreamLog]> => {
      const both = await open({ ...BOUNDS, ...bounds });
      opened.push(...both);
      return both;
    };
    writing(gates);
    leases(gates);
    redrives(gates);
    sweeps(gates);
    orders(gates);
  });
}

type Gates = (bounds?: Partial<StreamLogBounds>) => Promise<readonly [StreamLog, StreamLog]>;

async function begin(log: StreamLog, ref = refOf()): Promise<StreamLease> {
  const lease = await log.open(ref, HEAD);
  assert.ok(typeof lease === 'object', `opened: ${String(lease)}`);
  return lease;
}

async function partOf(log: StreamLog, ref: StreamRef, from = 0, most = 100): Promise<StoredPart> {
  const part = await log.read(ref, from, most);
  assert.ok(part !== null && part !== 'away', `read: ${String(part)}`);
  return part;
}

function writing(gates: Gates): void {
  test('another gate reads the bytes as they were appended, from any number on', async () => {
    const [a, b] = await gates();
    const lease = await begin(a);
    assert.equal(await a.append(lease, 0, EVENTS), 'ok');
    assert.equal(await a.append(lease, EVENTS.length, [RAW]), 'ok');
    const all = [...EVENTS, RAW];
    const part = await partOf(b, lease);
    assert.deepEqual(part.events, all);
    assert.deepEqual(part.head, HEAD);
    assert.equal(part.count, all.length);
    assert.equal(part.end, null);
    assert.ok(part.leaseLeftMs > 0 && part.leaseLeftMs <= LEASE_MS);
    assert.deepEqual((await partOf(b, lease, 2, 1)).events, [all[2]]);
    assert.deepEqual((await partOf(b, lease, all.length)).events, []);
  });

  test('an end is read by all, and takes no event after it', async () => {
    const [a, b] = await gates();
    const lease = await begin(a);
    await a.append(lease, 0, EVENTS);
    assert.equal(await a.finish(lease, { status: 'ok', facts: '{"finish":"stop"}' }), 'ok');
    const part = await partOf(b, lease);
    assert.deepEqual(part.end, { status: 'ok', facts: '{"finish":"stop"}' });
    assert.equal(part.leaseLeftMs, 0);
    assert.equal(await a.append(lease, EVENTS.length, [RAW]), 'fenced');
    assert.deepEqual((await partOf(b, lease)).events, EVENTS);
  });

  test('no event twice and no gap: a number that is not the next one is refused', async () => {
    const [a] = await gates();
    const lease = await begin(a);
    await a.append(lease, 0, EVENTS);
    assert.equal(await a.append(lease, 0, EVENTS), 'gone');
    assert.equal(await a.append(lease, EVENTS.length + 1, [RAW]), 'gone');
    assert.deepEqual((await partOf(a, lease)).events, EVENTS);
  });

  test('a name is opened once, is its tenant’s alone, and is free again when the call came to nothing', async () => {
    const [a, b] = await gates();
    const lease = await begin(a);
    assert.equal(await b.open(lease, { ...HEAD, epoch: 'another' }), 'gone');
    assert.deepEqual(await a.open(lease, HEAD), lease, 'whoever did not hear the answer asks again');
    assert.equal(await b.read({ ...lease, tenant: 'ten_b' as TenantId }, 0, 1), null);
    assert.equal(await b.read(refOf(), 0, 1), null);
    await a.discard(lease);
    assert.equal(await b.read(lease, 0, 1), null);
    assert.equal(await a.append(lease, 0, EVENTS), 'gone');
    assert.ok(typeof (await b.open(lease, HEAD)) === 'object');
  });

  test('a stream that grows too large keeps nothing, and says so', async () => {
    const [a, b] = await gates({ maxBytes: 100 });
    const lease = await begin(a);
    assert.equal(await a.append(lease, 0, [Buffer.alloc(60)]), 'ok');
    assert.equal(await a.append(lease, 1, [Buffer.alloc(60)]), 'full');
    assert.notEqual(await a.append(lease, 1, [RAW]), 'ok');
    const part = await partOf(b, lease);
    assert.equal(part.full, true);
    assert.deepEqual(part.events, []);
  });

  test('a finished stream goes after its time', async () => {
    const [a] = await gates({ keepMs: 200 });
    const lease = await begin(a);
    await a.append(lease, 0, EVENTS);
    await a.finish(lease, { status: 'ok', facts: null });
    assert.ok(await a.read(lease, 0, 1));
    await sleep(400);
    assert.equal(await a.read(lease, 0, 1), null);
  });
}

function leases(gates: Gates): void {
  test('a lease that ran out: who reads first ends it as interrupted, once, and its producer is fenced', async () => {
    const [a, b] = await gates();
    const lease = await begin(a);
    await a.append(lease, 0, EVENTS);
    await sleep(LEASE_MS + 100);
    const [one, two] = await Promise.all([partOf(a, lease), partOf(b, lease)]);
    for (const part of [one, two]) {
      assert.deepEqual(part.end, { status: 'interrupted', facts: null });
      assert.deepEqual(part.events, EVENTS);
      assert.equal(part.head.epoch, HEAD.epoch);
    }
    assert.equal(await a.append(lease, EVENTS.length, [RAW]), 'fenced');
    assert.equal(await a.renew(lease), 'fenced');
    assert.equal(await a.finish(lease, { status: 'ok', facts: null }), 'fenced');
    assert.deepEqual((await partOf(b, lease)).end, { status: 'interrupted', facts: null });
  });

  test('a lease holds while it is renewed, by a renewal or by an event', async () => {
    const [a, b] = await gates();
    const lease = await begin(a);
    for (let i = 0; i < 6; i++) {
      await sleep(LEASE_MS / 4);
      if (i % 2 === 0) assert.deepEqual(await a.renew(lease), { count: i / 2, order: null });
      else assert.equal(await a.append(lease, (i - 1) / 2, [RAW]), 'ok');
    }
    assert.equal((await partOf(b, lease)).end, null);
  });

  test('a lease that ran out and that nobody noticed is renewed', async () => {
    const [a, b] = await gates();
    const lease = await begin(a);
    await sleep(LEASE_MS + 100);
    assert.equal(await a.append(lease, 0, EVENTS), 'ok');
    assert.equal((await partOf(b, lease)).end, null);
  });
}

const REQUEST = Buffer.from([0, 1, 0xff, 0x0a]);
const claimantOf = (epoch: string, key = HEAD.key) => ({ key, epoch, producer: `gate-${epoch}` });
async function beginRedrivable(log: StreamLog, times = 1): Promise<StreamLease> {
  const lease = await log.open(refOf(), HEAD, { redrive: { request: REQUEST, times } });
  assert.ok(typeof lease === 'object');
  await log.append(lease, 0, EVENTS);
  return lease;
}

function redrives(gates: Gates): void {
  test('of gates that read a stream whose producer is gone one has it, with the request, and the next epoch', async () => {
    const [a, b] = await gates();
    const lease = await beginRedrivable(a);
    const alive = await b.read(lease, 0, 9, claimantOf('b'));
    assert.ok(alive !== null && alive !== 'away' && alive.claim === null && alive.end === null);
    await sleep(LEASE_MS + 100);
    const other = await b.read(lease, 0, 9, claimantOf('x', 'key_2' as KeyId));
    assert.ok(other !== null && other !== 'away' && other.claim === null && other.end === null, 'not another key’s');
    const many = await Promise.all(
      Array.from({ length: 12 }, (_, i) => (i % 2 === 0 ? a : b).read(lease, 0, 9, claimantOf(`gate${i}`))),
    );
    const parts = many.filter((part) => part !== null && part !== 'away');
    assert.equal(parts.length, 12);
    const [won, ...more] = parts.filter(({ claim }) => claim !== null);
    assert.deepEqual(more, [], 'one alone');
    const { claim, epochs, head } = won!;
    assert.deepEqual(claim!.request, REQUEST);
    assert.equal(claim!.left, 0);
    assert.deepEqual(epochs, [
      { epoch: HEAD.epoch, from: 0 },
      { epoch: head.epoch, from: EVENTS.length },
    ]);
    for (const part of parts) assert.equal(part.end, null, 'it goes on for whoever reads');
    assert.equal(await a.append(lease, EVENTS.length, [RAW]), 'fenced');
    assert.equal(await b.append(claim!.lease, EVENTS.length, [RAW]), 'ok');
    assert.equal(await b.finish(claim!.lease, { status: 'ok', facts: '{}' }), 'ok');
    const whole = await partOf(a, lease);
    assert.deepEqual(whole.events, [...EVENTS, RAW]);
    assert.deepEqual(whole.epochs, epochs);
  });

  test('it is gone on with as often as was said, and not after a cancel or an end', async () => {
    const [a, b] = await gates();
    const lease = await beginRedrivable(a, 2);
    for (const left of [1, 0]) {
      await sleep(LEASE_MS + 100);
      const part = await b.read(lease, 0, 9, claimantOf(`left${left}`));
      assert.ok(part !== null && part !== 'away');
      assert.equal(part.claim?.left, left);
    }
    await sleep(LEASE_MS + 100);
    const last = await b.read(lease, 0, 9, claimantOf('c'));
    assert.ok(last !== null && last !== 'away' && last.claim === null);
    assert.deepEqual(last.end, { status: 'interrupted', facts: null });

    const asked = await beginRedrivable(a);
    await b.order(asked, 'cancel');
    await sleep(LEASE_MS + 100);
    const cancelled = await b.read(asked, 0, 9, claimantOf('c'));
    assert.ok(cancelled !== null && cancelled !== 'away' && cancelled.claim === null);
    assert.equal(cancelled.end?.status, 'interrupted');
  });
}

const GRACE_MS = 300;
/** All that is due, by several gates at once; how many were ended. */
async function sweepAll(logs: readonly StreamLog[]): Promise<number> {
  let ended = 0;
  for (let more = true; more;) {
    const said = await Promise.all(logs.map((log) => log.sweep(GRACE_MS, 3)));
    const parts = said.filter((one) => one !== 'away');
    assert.equal(parts.length, logs.length);
    ended += parts.reduce((sum, one) => sum + one.ended, 0);
    more = parts.some((one) => one.more);
  }
  return ended;
}

function sweeps(gates: Gates): void {
  test('a stream whose producer is gone, and that nobody reads, is ended behind the grace: once, whoever sweeps', async () => {
    const [a, b] = await gates();
    // What other tests have left is due as well.
    await sleep(LEASE_MS + GRACE_MS + 100);
    await sweepAll([a, b]);
    const dead = [await begin(a), await beginRedrivable(a), await beginRedrivable(a, 2)];
    const [lives, ended, discarded, taken] = [await begin(a), await begin(a), await begin(a), await beginRedrivable(a)];
    await a.finish(ended, { status: 'ok', facts: '{}' });
    await a.discard(discarded);
    const alive = [lives];
    const beat = setInterval(() => alive.forEach((lease) => void a.renew(lease)), LEASE_MS / 4);
    try {
      await sleep(LEASE_MS + 50);
      assert.equal(await sweepAll([a, b]), 0, 'within the grace');
      const part = await b.read(taken, 0, 9, claimantOf('b'));
      assert.ok(part !== null && part !== 'away' && part.claim !== null);
      alive.push(part.claim.lease);
      await sleep(GRACE_MS + 50);
      assert.equal(await sweepAll([a, b, a, b]), dead.length);
      assert.equal(await sweepAll([a, b]), 0);
      for (const [i, lease] of dead.entries()) {
        assert.equal(await a.append(lease, 0, [RAW]), 'fenced');
        assert.deepEqual((await partOf(b, lease)).end, {
          ...{ status: 'interrupted', facts: null, ...(i > 0 && { unread: true }) },
        });
        const claimed = await b.read(lease, 0, 9, claimantOf('late'));
        assert.ok(claimed !== null && claimed !== 'away' && claimed.claim === null, 'nobody goes on with it');
      }
      for (const lease of alive) assert.equal((await partOf(b, lease)).end, null);
      assert.equal((await partOf(b, ended)).end?.status, 'ok');
      alive.pop();
      await sleep(LEASE_MS + GRACE_MS + 50);
      assert.equal(await sweepAll([a, b]), 1, 'the one that was taken over, and its gate as well is gone');
      assert.equal((await partOf(b, taken)).end?.unread, undefined, 'nobody could have gone on');
    } finally {
      clearInterval(beat);
    }
  });
}

function orders(gates: Gates): void {
  test('who follows is told of events and of the end, and no more once it stopped', async () => {
    const [a, b] = await gates();
    const lease = await begin(a);
    let told = 0;
    const stop = b.follow(lease, () => told++);
    await sleep(100);
    const before = told;
    await a.append(lease, 0, EVENTS);
    await until(() => told === before + 1);
    await a.finish(lease, { status: 'ok', facts: null });
    await until(() => told === before + 2);
    stop();
    const other = await begin(a);
    b.follow(other, () => told++)();
    await a.append(other, 0, EVENTS);
    await sleep(100);
    assert.equal(told, before + 2);
  });

  test('a cancel from another gate reaches the producer, and its renewal where it did not hear', async () => {
    const [a, b] = await gates();
    const lease = await begin(a);
    const heard: string[] = [];
    a.serve(HEAD.producer, (id, order) => heard.push(`${order} ${id}`));
    await sleep(100);
    assert.equal(await b.order(lease, 'read'), true);
    assert.equal(await b.order(lease, 'cancel'), true);
    await until(() => heard.length === 2);
    assert.deepEqual(heard, [`read ${lease.id}`, `cancel ${lease.id}`]);
    assert.deepEqual(await a.renew(lease), { count: 0, order: 'cancel' });
    await a.finish(lease, { status: 'cancelled', facts: null });
    assert.equal(await b.order(lease, 'cancel'), false);
    assert.equal(await b.order(refOf(), 'cancel'), false);
  });
}

async function until(check: () => boolean): Promise<void> {
  for (let i = 0; i < 100 && !check(); i++) await sleep(20);
  assert.ok(check(), 'not within 2 s');
}
