import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { epochMs, type CallId, type KeyId, type TenantId } from '#kernel/brand.ts';
import { seededRng } from '#kernel/rng.ts';
import type { StreamLog } from '#ports/stream-log.ts';
import { MemoryStreams, memoryStreamLog } from '#stores/memory/stream-log.ts';
import { openaiChat } from '#wire/openai-chat/index.ts';
import type { LiveStream, StreamOwner } from '../live-stream.ts';
import type { StreamEnd, StreamReader } from '../stream-reader.ts';
import { Streams } from '../streams.ts';

const LEASE_MS = 300;
const OWNER: StreamOwner = { tenant: 'ten_a' as TenantId, key: 'key_a' as KeyId };
const clock = { now: () => epochMs(Date.now()), mono: () => performance.now() };
const opened: Streams[] = [];
after(() => Promise.all(opened.map((streams) => streams.close())));

/** The way to a log: open, held up, or cut. */
class Way {
  state: 'open' | 'held' | 'cut' = 'open';
  readonly #waiting: (() => void)[] = [];

  release(): void {
    this.state = 'open';
    for (const go of this.#waiting.splice(0)) go();
  }
  to(log: StreamLog): StreamLog {
    const through =
      <A extends unknown[], R>(call: (...args: A) => Promise<R>) =>
      async (...args: A): Promise<R | 'away'> => {
        if (this.state === 'cut') return 'away';
        const answer = await call(...args);
        if (this.state === 'held') await new Promise<void>((go) => this.#waiting.push(go));
        return answer;
      };
    return {
      ...log,
      open: through(log.open),
      append: through(log.append),
      renew: through(log.renew),
      finish: through(log.finish),
      read: through(log.read),
      sweep: through(log.sweep),
    };
  }
}

let gates = 0;
function gateOn(shared: MemoryStreams, way = new Way(), maxBytes = 100_000, graceMs = 60_000): Streams {
  const bounds = () => ({ leaseMs: LEASE_MS, keepMs: 60_000, maxBytes });
  const streams = new Streams({
    ...{ clock, rng: seededRng(++gates) },
    bounds: () => ({
      keepMs: 60_000,
      graceMs: 60_000,
      streamBytes: 1e6,
      tenantBytes: 1e7,
      totalBytes: 1e7,
      orphansOfKey: 10,
    }),
    shared: {
      ...{ log: way.to(memoryStreamLog({ shared, bounds, clock })), leaseMs: LEASE_MS },
      ...{ heartbeatMs: () => 1_000, graceMs: () => graceMs, dialectOf: () => openaiChat },
    },
  });
  opened.push(streams);
  return streams;
}

let count = 0;
const open = (streams: Streams, told: string[] = []): LiveStream =>
  streams.open({
    ...{ id: `call_${++count}` as CallId, owner: OWNER, resumable: true, dialect: openaiChat },
    about: { model: 'm', feature: null, client: null, protocol: 'sse', startedAt: epochMs(0) },
    hooks: { cancel: (by) => told.push(`cancel ${by}`), abandoned: () => {}, fenced: () => told.push('fenced') },
  });

class Reader implements StreamReader {
  text = '';
  ended: StreamEnd | null = null;
  isLost = false;
  event(event: Buffer): boolean {
    this.text += event.toString();
    return true;
  }
  ping(): void {}
  end(end: StreamEnd): void {
    this.ended = end;
  }
  lost(): void {
    this.isLost = true;
  }
}

function read(stream: LiveStream): Reader {
  const reader = new Reader();
  stream.attach(reader, 0);
  return reader;
}

async function seek(streams: Streams, { id }: LiveStream): Promise<LiveStream> {
  const found = await streams.seek(id, OWNER);
  assert.ok(found !== null && typeof found === 'object', `found: ${String(found)}`);
  return found;
}

async function until(check: () => boolean): Promise<void> {
  for (let i = 0; i < 200 && !check(); i++) await sleep(10);
  assert.ok(check(), 'not within 2 s');
}

describe('streams on a shared log', () => {
  test('no reader has an event, or the end, before it is acknowledged', async () => {
    const [shared, way] = [new MemoryStreams(), new Way()];
    const stream = open(gateOn(shared, way));
    const reader = read(stream);
    stream.append(Buffer.from('a'));
    await until(() => reader.text === 'a');
    way.state = 'held';
    stream.append(Buffer.from('b'));
    stream.append(Buffer.from('c'));
    await sleep(50);
    const elsewhere = read(await seek(gateOn(shared), stream));
    assert.equal(elsewhere.text, 'abc', 'the log has them');
    assert.equal(reader.text, 'a', 'and its own reader waits for the answer');
    way.release();
    await until(() => reader.text === 'abc');
    way.state = 'held';
    stream.finish('ok');
    await sleep(50);
    assert.equal(reader.ended, null);
    way.release();
    await until(() => reader.ended !== null && elsewhere.ended !== null);
    assert.deepEqual(elsewhere.ended, reader.ended);
  });

  test('with the log away readers wait for nothing; once it is back it has all of it, in order and once', async () => {
    const [shared, way] = [new MemoryStreams(), new Way()];
    const streams = gateOn(shared, way);
    const stream = open(streams);
    const reader = read(stream);
    stream.append(Buffer.from('a'));
    await until(() => reader.text === 'a');
    way.state = 'cut';
    stream.append(Buffer.from('b'));
    await until(() => reader.text === 'ab');
    assert.equal(streams.shared!.undurable, 1);
    stream.append(Buffer.from('c'));
    assert.equal(reader.text, 'abc', 'at once');
    way.state = 'open';
    await until(() => streams.shared!.undurable === 0);
    stream.append(Buffer.from('d'));
    await until(() => reader.text === 'abcd');
    assert.equal(read(await seek(gateOn(shared), stream)).text, 'abcd');
    assert.equal(streams.shared!.faults, 1);
    stream.finish('ok');
    await until(() => reader.ended !== null);
  });

  test('a stream that began and ended with the log away is there once it is back', async () => {
    const [shared, way] = [new MemoryStreams(), new Way()];
    way.state = 'cut';
    const streams = gateOn(shared, way);
    const stream = open(streams);
    const reader = read(stream);
    for (const text of ['a', 'b', 'c']) stream.append(Buffer.from(text));
    stream.finish('ok');
    await until(() => reader.ended !== null);
    assert.equal(streams.shared!.undurable, 0, 'it lives no more');
    way.state = 'open';
    const other = gateOn(shared);
    await until(() => shared.kept.size === 1 && [...shared.kept.values()][0]!.end !== null);
    const there = read(await seek(other, stream));
    assert.equal(there.text, 'abc');
    assert.deepEqual(there.ended, reader.ended);
  });

  test('a log that lost its streams has those that live again, whole', async () => {
    const shared = new MemoryStreams();
    const stream = open(gateOn(shared));
    const reader = read(stream);
    stream.append(Buffer.from('a'));
    await until(() => reader.text === 'a');
    shared.kept.clear();
    stream.append(Buffer.from('b'));
    await until(() => reader.text === 'ab');
    await until(() => [...shared.kept.values()][0]?.events.length === 2);
    assert.equal(read(await seek(gateOn(shared), stream)).text, 'ab');
  });

  test('a producer that was cut off past its lease is fenced when it comes back: its readers have the same end', async () => {
    const [shared, way, told] = [new MemoryStreams(), new Way(), [] as string[]];
    const stream = open(gateOn(shared, way), told);
    const reader = read(stream);
    stream.append(Buffer.from('a'));
    await until(() => reader.text === 'a');
    way.state = 'held';
    await sleep(LEASE_MS * 2);
    const elsewhere = read(await seek(gateOn(shared), stream));
    assert.equal(elsewhere.ended?.status, 'interrupted');
    stream.append(Buffer.from('never'));
    way.release();
    await until(() => told.length > 0);
    assert.deepEqual(told, ['fenced']);
    assert.deepEqual(reader.ended, elsewhere.ended);
    stream.append(Buffer.from('nor this'));
    stream.finish('cancelled');
    assert.equal(reader.text, 'a');
    assert.equal(reader.ended?.status, 'interrupted');
  });

  test('a stream that outgrows the log goes on for its readers, and is said to be too large elsewhere', async () => {
    const shared = new MemoryStreams();
    const stream = open(gateOn(shared, new Way(), 10));
    const reader = read(stream);
    stream.append(Buffer.from('a'.repeat(8)));
    stream.append(Buffer.from('b'.repeat(8)));
    stream.append(Buffer.from('c'));
    stream.finish('ok');
    await until(() => reader.ended !== null);
    assert.equal(reader.text, `${'a'.repeat(8)}${'b'.repeat(8)}c`);
    assert.equal(await gateOn(shared).seek(stream.id, OWNER), 'full');
  });

  test('another key and another tenant find nothing; a call that came to nothing leaves nothing', async () => {
    const shared = new MemoryStreams();
    const streams = gateOn(shared);
    const stream = open(streams);
    stream.append(Buffer.from('a'));
    await until(() => stream.events === 1);
    const other = gateOn(shared);
    assert.equal(await other.seek(stream.id, { ...OWNER, key: 'key_b' as KeyId }), null);
    assert.equal(await other.seek(stream.id, { ...OWNER, tenant: 'ten_b' as TenantId }), null);
    streams.forget(stream.id);
    await until(() => shared.kept.size === 0);
    assert.equal(await other.seek(stream.id, OWNER), null);
  });

  test('a call that fails after its head is out: whoever waits has the error and the end, and the log has nothing', async () => {
    const shared = new MemoryStreams();
    const streams = gateOn(shared);
    const stream = open(streams);
    const reader = read(stream);
    await until(() => shared.kept.size === 1);
    stream.append(Buffer.from('error'));
    stream.finish('provider_error');
    streams.forget(stream.id);
    assert.equal(reader.text, 'error');
    assert.equal(reader.ended?.status, 'provider_error');
    await until(() => shared.kept.size === 0);
  });

  test('a reader of another gate’s stream is let go when the log stays away, and reads on when it is back', async () => {
    const [shared, way] = [new MemoryStreams(), new Way()];
    const stream = open(gateOn(shared));
    const other = gateOn(shared, way);
    const reader = read(await seek(other, stream));
    stream.append(Buffer.from('a'));
    await until(() => reader.text === 'a');
    way.state = 'cut';
    stream.append(Buffer.from('b'));
    for (let i = 0; i < 500 && !reader.isLost; i++) await sleep(10);
    assert.ok(reader.isLost);
    assert.equal(await other.seek(stream.id, OWNER), 'away');
    way.state = 'open';
    assert.equal(read(await seek(other, stream)).text, 'ab');
  });

  test('who asks while a long stream is being fetched gets all of it', async () => {
    const shared = new MemoryStreams();
    const stream = open(gateOn(shared));
    for (let i = 0; i < 3_000; i++) stream.append(Buffer.from(`${i} `));
    await until(() => stream.events === 3_000);
    const other = gateOn(shared);
    const first = seek(other, stream);
    await nextTurn();
    assert.equal((await seek(other, stream)).events, 3_000);
    assert.equal((await first).events, 3_000);
  });

  test('two readers that ask at once have one copy, and it is not among the streams of its gate', async () => {
    const shared = new MemoryStreams();
    const told: string[] = [];
    const stream = open(gateOn(shared), told);
    const other = gateOn(shared);
    const [one, two] = await Promise.all([seek(other, stream), seek(other, stream)]);
    assert.equal(one, two);
    assert.equal([...other.running()].length, 0, 'it does not run there');
    const reader = read(one);
    one.cancel('operator');
    await until(() => told.length > 0);
    assert.deepEqual(told, ['cancel operator']);
    one.detach(reader);
    assert.equal(other.orphansOf(OWNER), 0, 'nor does it count as one that was left');
  });
});

test('a log that was away for longer than lease and grace ends no stream of a gate that lives, and then that of one that does not', async () => {
  const [shared, way, gone] = [new MemoryStreams(), new Way(), new Way()];
  const told: string[] = [];
  const gates: Streams[] = [];
  // Their rounds and renewals lie apart.
  for (let i = 0; i < 8; i++) {
    gates.push(gateOn(shared, way, 100_000, 100));
    await sleep(41);
  }
  const live = gates.map((streams) => open(streams, told));
  open(gateOn(shared, gone, 100_000, 100));
  await sleep(50);
  [way.state, gone.state] = ['cut', 'cut'];
  await sleep(LEASE_MS * 3);
  way.state = 'open';
  const swept = (): number => gates.reduce((sum, streams) => sum + streams.shared!.swept, 0);
  await sleep(LEASE_MS);
  assert.equal(swept(), 0, 'not at once');
  await until(() => swept() === 1);
  await sleep(LEASE_MS * 2);
  assert.equal(swept(), 1);
  assert.deepEqual(told, [], 'none was fenced');
  for (const stream of live) assert.equal(stream.ended, null);
});
