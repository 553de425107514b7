import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { epochMs, type CallId, type KeyId, type TenantId } from '#kernel/brand.ts';
import { seededRng } from '#kernel/rng.ts';
import { openaiChat } from '#wire/openai-chat/index.ts';
import type { LiveStream, StreamOwner } from './live-stream.ts';
import type { StreamEnd, StreamReader } from './stream-reader.ts';
import { positionOf, startOf, Streams, type StreamBounds } from './streams.ts';

const KB = 1024;
const BOUNDS: StreamBounds = {
  keepMs: 60_000,
  graceMs: 40,
  streamBytes: 64 * KB,
  tenantBytes: 96 * KB,
  totalBytes: 160 * KB,
  orphansOfKey: 2,
};
const opened: Streams[] = [];
after(() => opened.forEach((streams) => streams.close()));

function streamsOf(bounds: Partial<StreamBounds> = {}): Streams {
  const clock = { now: () => 1_790_000_000_000, mono: () => performance.now() };
  const streams = new Streams({ bounds: () => ({ ...BOUNDS, ...bounds }), clock: clock as never, rng: seededRng(5) });
  opened.push(streams);
  return streams;
}

const ownerOf = (tenant: string, key = `${tenant}-key`): StreamOwner => ({
  tenant: tenant as TenantId,
  key: key as KeyId,
});
let count = 0;
function open(streams: Streams, owner: StreamOwner, ended?: string[]): LiveStream {
  const id = `call_${++count}` as CallId;
  const end = (why: string) => () => void ended?.push(`${id} ${why}`);
  return streams.open({
    ...{ id, owner, resumable: true, dialect: openaiChat },
    about: { model: 'm', feature: null, client: null, protocol: 'sse', startedAt: epochMs(0) },
    hooks: { cancel: end('cancel'), abandoned: end('abandoned') },
  });
}

const rng = seededRng(11);
/** Events of no form, so that each takes its bytes. */
const noise = (bytes: number): Buffer =>
  Buffer.from(Array.from({ length: bytes }, () => 33 + Math.floor(rng.next() * 90)));
const fill = (stream: LiveStream, bytes: number): void => {
  for (let left = bytes; left > 0; left -= KB) stream.append(noise(KB));
};

class Kept implements StreamReader {
  readonly events: number[] = [];
  ended: StreamEnd | null = null;
  isLost = false;
  event(_: Buffer, seq: number): boolean {
    this.events.push(seq);
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

describe('bounds of logs', () => {
  test('the sum is kept, and is that of the logs', () => {
    const streams = streamsOf();
    const all = ['a', 'b'].map((tenant) => open(streams, ownerOf(tenant)));
    const sum = (): number => all.reduce((bytes, stream) => bytes + stream.bytes, 0);
    for (let i = 0; i < 20; i++) {
      all.forEach((stream) => stream.append(noise(KB)));
      assert.equal(streams.bytes(), sum());
    }
    all[0]!.finish('ok');
    assert.equal(streams.bytes(), sum(), 'a log that ends gives room back');
    all.forEach(({ id }) => streams.forget(id));
    assert.equal(streams.bytes(), 0);
  });

  test('over the bound of one stream its log is let go, and whoever reads goes on to the end', () => {
    const streams = streamsOf();
    const stream = open(streams, ownerOf('a'));
    const reader = new Kept();
    stream.attach(reader, 0);
    fill(stream, 80 * KB);
    assert.ok(stream.overflowed);
    assert.ok(streams.bytes() < KB, 'its memory is free');
    stream.finish('ok');
    assert.equal(reader.events.length, 80);
    assert.equal(reader.ended?.events, 80);
  });

  test('over a tenant’s bound its oldest finished logs go, and nobody else’s', () => {
    const streams = streamsOf({ totalBytes: 1024 * KB });
    const other = open(streams, ownerOf('b'));
    fill(other, 30 * KB);
    other.finish('ok');
    const own = Array.from({ length: 5 }, () => {
      const stream = open(streams, ownerOf('a'));
      fill(stream, 30 * KB);
      stream.finish('ok');
      return stream;
    });
    const kept = own.map(({ id, owner }) => streams.find(id, owner) !== null);
    assert.deepEqual(kept, kept.toSorted(), 'the oldest first');
    assert.ok(kept.at(-1) && kept.at(-2) && !kept[0]);
    assert.ok(streams.find(other.id, other.owner));
    assert.equal(streams.dropped, kept.filter((is) => !is).length);
  });

  test('over the bound of the process the oldest finished go, whoever’s they are; a live one never', () => {
    const streams = streamsOf();
    const live = open(streams, ownerOf('live'));
    fill(live, 40 * KB);
    const finished = ['a', 'b', 'c', 'd', 'e'].map((tenant) => {
      const stream = open(streams, ownerOf(tenant));
      fill(stream, 30 * KB);
      stream.finish('ok');
      return stream;
    });
    assert.ok(streams.bytes() <= BOUNDS.totalBytes);
    assert.ok(streams.find(live.id, live.owner));
    assert.equal(live.overflowed, false);
    const kept = finished.map(({ id, owner }) => streams.find(id, owner) !== null);
    assert.deepEqual(kept, kept.toSorted(), 'the oldest first');
    assert.ok(kept.at(-1));
  });

  test('a live log that grows drops finished ones at once, not when it ends', () => {
    const streams = streamsOf({ totalBytes: 100 * KB });
    const old = open(streams, ownerOf('a'));
    fill(old, 60 * KB);
    old.finish('ok');
    const live = open(streams, ownerOf('b'));
    fill(live, 50 * KB);
    assert.equal(streams.find(old.id, old.owner), null);
    assert.ok(streams.bytes() <= 100 * KB);
  });

  test('where live logs alone fill the room, a further stream is read as it comes and has no log', () => {
    const streams = streamsOf({ tenantBytes: 40 * KB });
    const first = open(streams, ownerOf('a'));
    fill(first, 40 * KB);
    const second = open(streams, ownerOf('a'));
    const reader = new Kept();
    second.attach(reader, 0);
    fill(second, 4 * KB);
    assert.equal(reader.events.length, 4);
    assert.ok(second.overflowed);
    assert.equal(streams.unkept, 1);
    assert.equal(first.overflowed, false);
    assert.equal(open(streams, ownerOf('b')).overflowed, false, 'another tenant has its own room');
  });
});

describe('streams that nobody reads', () => {
  test('of one key so many; a further one ends with its reader', async () => {
    const ended: string[] = [];
    const streams = streamsOf({ graceMs: 400 });
    const three = Array.from({ length: 3 }, () => open(streams, ownerOf('a'), ended));
    const readers = three.map((stream) => {
      const reader = new Kept();
      stream.attach(reader, 0);
      return reader;
    });
    assert.equal(streams.orphansOf(ownerOf('a')), 0);
    three.forEach((stream, i) => stream.detach(readers[i]!));
    assert.equal(streams.orphansOf(ownerOf('a')), 3);
    await sleep(50);
    assert.deepEqual(ended, [`${three[2]!.id} abandoned`]);
    three[0]!.attach(readers[0]!, 0);
    assert.equal(streams.orphansOf(ownerOf('a')), 2);
    three.forEach((stream) => stream.finish('cancelled'));
    assert.equal(streams.orphansOf(ownerOf('a')), 0);
    assert.equal(streams.orphansOf(ownerOf('b')), 0);
  });

  test('nobody is waited for who could not go on: its log is gone', async () => {
    const ended: string[] = [];
    const stream = open(streamsOf({ graceMs: 60_000 }), ownerOf('a'), ended);
    const reader = new Kept();
    stream.attach(reader, 0);
    fill(stream, 80 * KB);
    stream.detach(reader);
    await sleep(30);
    assert.equal(ended.length, 1);
  });
});

describe('a reader that is behind', () => {
  /** Has room for so many events at a time. */
  class Slow extends Kept {
    room = 0;
    ready: () => void = () => {};
    hasRoom(ready: () => void): boolean {
      this.ready = ready;
      return this.room-- > 0;
    }
    take(events: number): void {
      this.room = events;
      this.ready();
    }
  }
  const numbers = (to: number, from = 0): number[] => Array.from({ length: to - from }, (_, i) => from + i);

  test('takes the log piece by piece, while the stream goes on, and then what comes', () => {
    const stream = open(streamsOf(), ownerOf('a'));
    fill(stream, 10 * KB);
    const reader = new Slow();
    stream.attach(reader, 2);
    assert.deepEqual(reader.events, []);
    reader.take(3);
    assert.deepEqual(reader.events, numbers(5, 2));
    fill(stream, 5 * KB);
    assert.deepEqual(reader.events, numbers(5, 2), 'nothing is pushed at it');
    reader.take(100);
    assert.deepEqual(reader.events, numbers(15, 2));
    fill(stream, KB);
    stream.finish('ok');
    assert.deepEqual(reader.events, numbers(16, 2));
    assert.equal(reader.ended?.events, 16);
  });

  test('reads to the end of a stream that has ended meanwhile, and that was let go of', () => {
    const streams = streamsOf();
    const stream = open(streams, ownerOf('a'));
    fill(stream, 10 * KB);
    const reader = new Slow();
    stream.attach(reader, 0);
    stream.finish('ok');
    streams.forget(stream.id);
    assert.equal(reader.ended, null);
    reader.take(100);
    assert.deepEqual(reader.events, numbers(10));
    assert.equal(reader.ended!.status, 'ok');
  });

  test('is told when the log was let go before it had it all', () => {
    const stream = open(streamsOf(), ownerOf('a'));
    fill(stream, 10 * KB);
    const reader = new Slow();
    stream.attach(reader, 0);
    reader.take(1);
    fill(stream, 80 * KB);
    reader.take(100);
    assert.ok(reader.isLost);
    assert.equal(stream.readers, 0);
  });
});

test('a position is checked against the log: another epoch is gone, the future is no position, the end has a number', () => {
  const stream = open(streamsOf(), ownerOf('a'));
  fill(stream, 3 * KB);
  const at = (seq: number, epoch = stream.epoch) => startOf(stream, { epoch, seq });
  assert.deepEqual(startOf(stream, null), { ok: true, value: 0 });
  assert.deepEqual(at(2), { ok: true, value: 3 });
  const codeOf = (result: ReturnType<typeof at>): string => (result.ok ? 'ok' : result.error.code);
  assert.equal(codeOf(at(3)), 'invalid_request');
  assert.equal(codeOf(at(1, '0000000000')), 'stream_gone');
  stream.finish('ok');
  assert.deepEqual(at(3), { ok: true, value: 4 });
  assert.equal(codeOf(at(4)), 'invalid_request');
  assert.equal(positionOf('nonsense'), null);
});
