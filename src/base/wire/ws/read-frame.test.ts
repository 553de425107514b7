import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { readFrame } from './read-frame.ts';

const reference = readFileSync(join(import.meta.dirname, '../../../../docs/reference/stream-protocol.md'), 'utf8');
const examples = [...reference.matchAll(/```json client\n(.+)\n```/g)].map((match) => match[1]!);

test('every client frame of the reference is read, and every type is shown', () => {
  const types = examples.map((example) => {
    const read = readFrame(Buffer.from(example));
    assert.ok(read.ok, example);
    return read.value.type;
  });
  assert.deepEqual([...new Set(types)], ['start', 'resume', 'cancel', 'ack', 'ping', 'pong']);
});

test('the bytes of a body are its own, whatever stands in them', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.constantFrom(null, 1), (value, indent) => {
      const body = JSON.stringify(value, null, indent ?? undefined);
      const frame = `{"type":"start", "body" : ${body} ,"stream":"a","path":"/v1/messages"}`;
      const read = readFrame(Buffer.from(frame));
      assert.ok(read.ok && read.value.type === 'start');
      assert.equal(read.value.body.toString(), body);
    }),
  );
});

test('any bytes are a frame or a fault that names a field, and never throw', () => {
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.json().map(Buffer.from), cut()), (bytes) => {
      const read = readFrame(Buffer.from(bytes));
      assert.ok(read.ok || read.error.field !== '');
    }),
  );
});

/** A good frame that was cut, or in which one byte is another. */
function cut(): fc.Arbitrary<Buffer> {
  return fc.tuple(fc.constantFrom(...examples), fc.nat(), fc.nat(255), fc.boolean()).map(([text, at, byte, short]) => {
    const bytes = Buffer.from(text);
    if (short) return bytes.subarray(0, at % bytes.length);
    bytes[at % bytes.length] = byte;
    return bytes;
  });
}
