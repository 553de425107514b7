import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  chunkEvents,
  chunkFrame,
  eventFrame,
  exceptionFrame,
  frameEvents,
  frameSplitter,
  writeFrame,
} from './index.ts';

const folder = new URL('../../../../test/platforms/package.json', import.meta.url);
const skip = existsSync(new URL('node_modules/@smithy/eventstream-codec', folder))
  ? false
  : 'the cloud platforms’ libraries are not installed (npm run test:platforms:install)';

/** Cuts bytes at any places. */
const split = (bytes: Buffer, cuts: readonly number[]): Buffer[] => {
  const at = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...at].map((start, i) => bytes.subarray(start, at[i] ?? bytes.length));
};
const names = fc.string({ minLength: 1, maxLength: 20 }).filter((name) => name !== '__proto__');
const messages = fc.array(
  fc.record({ headers: fc.dictionary(names, fc.string({ maxLength: 60 }), { maxKeys: 4 }), payload: fc.uint8Array() }),
  { minLength: 1, maxLength: 6 },
);

test('any split of the bytes gives the same frames, and nothing is left over', () => {
  fc.assert(
    fc.property(messages, fc.array(fc.nat(5_000), { maxLength: 12 }), (sent, cuts) => {
      const bytes = Buffer.concat(sent.map(({ headers, payload }) => writeFrame(headers, payload)));
      const splitter = frameSplitter();
      const frames = split(bytes, cuts).flatMap((piece) => splitter.push(piece));
      assert.deepEqual(
        frames.map(({ headers, payload }) => [Object.fromEntries(headers), Buffer.from(payload)]),
        sent.map(({ headers, payload }) => [{ ...headers }, Buffer.from(payload)]),
      );
      assert.deepEqual(Buffer.concat(frames.map(({ raw }) => raw)), bytes);
      assert.equal(splitter.rest().length, 0);
    }),
  );
});

test('AWS’s own codec writes what is read here, and reads what is written', { skip }, () => {
  const { EventStreamCodec } = createRequire(folder)('@smithy/eventstream-codec') as {
    EventStreamCodec: new (to: (bytes: Uint8Array) => string, from: (text: string) => Uint8Array) => any;
  };
  const utf8 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');
  const codec = new EventStreamCodec(utf8, (text) => Buffer.from(text));
  const others = {
    ':yes': { type: 'boolean', value: true },
    ':no': { type: 'boolean', value: false },
    ':byte': { type: 'byte', value: -3 },
    ':short': { type: 'short', value: 1_000 },
    ':int': { type: 'integer', value: 70_000 },
    ':bytes': { type: 'binary', value: Buffer.from([1, 2, 3]) },
    ':at': { type: 'timestamp', value: new Date(1_700_000_000_000) },
    ':id': { type: 'uuid', value: 'f1c3a8c0-5a9b-4f0e-9d1d-000102030405' },
  };
  fc.assert(
    fc.property(messages, (sent) => {
      for (const { headers, payload } of sent) {
        const typed = Object.fromEntries(
          Object.entries(headers).map(([name, value]) => [name, { type: 'string', value }]),
        );
        const theirs = Buffer.from(codec.encode({ headers: { ...others, ...typed }, body: payload }));
        const [frame] = frameSplitter().push(theirs);
        for (const [name, value] of Object.entries(headers)) assert.equal(frame!.headers.get(name), value);
        if (!Object.hasOwn(headers, ':yes')) assert.equal(frame!.headers.get(':yes'), true);
        assert.deepEqual(Buffer.from(frame!.payload), Buffer.from(payload));
        const read = codec.decode(writeFrame(headers, payload));
        assert.deepEqual(Buffer.from(read.body), Buffer.from(payload));
        for (const [name, value] of Object.entries(headers)) assert.equal(read.headers[name].value, value);
      }
    }),
  );
});

test('a flipped bit anywhere is refused, and a length without end is not waited for', () => {
  const frame = eventFrame('chunk', Buffer.from('{"a":1}'));
  for (let bit = 0; bit < frame.length * 8; bit++) {
    const broken = Buffer.from(frame);
    broken[bit >> 3]! ^= 1 << (bit & 7);
    assert.throws(() => frameSplitter().push(broken), RangeError, `bit ${bit}`);
  }
  assert.throws(() => frameSplitter(frame.length - 1).push(frame), /a frame of/);
});

test('a chunk is the event of its API, whatever its text holds', () => {
  const events = [
    { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'line\nbreak é 世' } },
    { index: 0, type: 'content_block_stop' },
  ];
  const pretty = JSON.stringify({ type: 'ping' }, null, 2);
  const bytes = Buffer.concat([...events.map((event) => chunkFrame(JSON.stringify(event))), chunkFrame(pretty)]);
  const read = chunkEvents().push(bytes);
  assert.deepEqual(
    read.map(({ name, raw }) => [name, raw.toString()]),
    [
      ...events.map((event) => [event.type, `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`]),
      ['ping', 'event: ping\ndata: {"type":"ping"}\n\n'],
    ],
  );
});

test('exceptions are events that say what happened', () => {
  const [slow] = chunkEvents().push(exceptionFrame('throttlingException', 'Too many tokens'));
  assert.equal(slow!.name, 'error');
  assert.deepEqual(JSON.parse(slow!.data!), {
    type: 'error',
    error: {
      type: 'rate_limit_error',
      message: 'Too many tokens',
      details: { error_code: 'throttlingException' },
    },
  });
  const unmodelled = { ':message-type': 'error', ':error-code': 'InternalError', ':error-message': 'went wrong' };
  const [error] = frameEvents().push(writeFrame(unmodelled, Buffer.alloc(0)));
  assert.deepEqual(
    [error!.name, JSON.parse(error!.data!)],
    ['exception', { __type: 'InternalError', message: 'went wrong' }],
  );
});
