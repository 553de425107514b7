import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { AnswerDigest } from './answer-digest.ts';

const SEED = 20261127;
const SECRET = 'ab'.repeat(32);

function digest(secret: string, facts: readonly unknown[], pieces: readonly Uint8Array[]): string {
  const made = new AnswerDigest(secret, facts);
  for (const piece of pieces) made.add(piece);
  return made.end();
}

test('is HMAC-SHA-256 of the facts with their length and of the bytes, under the secret', () => {
  const facts = '["headgate.answer-cache.1","ü",[1]]';
  const expected = createHmac('sha256', Buffer.from(SECRET, 'hex'))
    .update(Buffer.from(`${Buffer.byteLength(facts)}:${facts}`))
    .update('body')
    .digest('base64url');
  assert.equal(digest(SECRET, ['ü', [1]], [Buffer.from('body')]), expected);
  assert.equal(expected.length, 43);
});

test(`the same bytes in other pieces are the same; another secret, fact or byte is not (seed ${SEED})`, () => {
  const facts = fc.array(fc.oneof(fc.string(), fc.integer(), fc.array(fc.string())), { maxLength: 4 });
  const bytes = fc.uint8Array({ minLength: 1, maxLength: 64 });
  fc.assert(
    fc.property(facts, bytes, fc.nat(), fc.string(), (said, body, at, more) => {
      const whole = digest(SECRET, said, [body]);
      const cut = at % body.length;
      assert.equal(digest(SECRET, said, [body.subarray(0, cut), body.subarray(cut)]), whole);
      const other = body.slice();
      other[cut]! ^= 1;
      for (const different of [
        digest('cd'.repeat(32), said, [body]),
        digest(SECRET, [...said, more], [body]),
        digest(SECRET, said, [other]),
        digest(SECRET, said, [body, body.subarray(0, 1)]),
      ])
        assert.notEqual(different, whole);
    }),
    { seed: SEED },
  );
});
