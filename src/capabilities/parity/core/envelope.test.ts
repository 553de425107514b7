import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { captureKey, KEY_BYTES, NONCE_BYTES, seal, unseal } from './envelope.ts';
import { fileKeyOf, keyIdOf, openRecord, placeAt, preamble, PREAMBLE_BYTES, recordBytes } from './segment.ts';

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const any = fc.uint8Array({ maxLength: 400 });

test('what was sealed comes back, and nothing else does', () => {
  fc.assert(
    fc.property(
      bytes(KEY_BYTES),
      bytes(NONCE_BYTES),
      any,
      any,
      fc.nat(),
      fc.nat(7),
      (key, nonce, text, about, at, bit) => {
        const sealed = seal(key, nonce, { text, about });
        const opened = unseal(key, sealed, about);
        assert.ok(opened.ok && opened.value.equals(text));
        const changed = Buffer.from(sealed);
        changed[at % changed.length]! ^= 1 << bit;
        assert.equal(unseal(key, changed, about).ok, false, 'a flipped bit');
        assert.equal(unseal(key, sealed, Buffer.concat([about, Buffer.from('x')])).ok, false, 'another tenant or call');
        const other = Uint8Array.from(key, (byte, i) => (i === 0 ? byte ^ 1 : byte));
        assert.equal(unseal(other, sealed, about).ok, false, 'another key');
        assert.equal(unseal(key, sealed.subarray(0, sealed.length - 1), about).ok, false, 'cut');
      },
    ),
  );
});

test('a key is 32 bytes in hex or base64, and its id says nothing of it', () => {
  const hex = 'ab'.repeat(32);
  const base64 = Buffer.from(hex, 'hex').toString('base64');
  assert.deepEqual(captureKey(hex), captureKey(base64));
  assert.match(captureKey(hex)!.id, /^[0-9a-f]{12}$/);
  for (const wrong of ['', 'secret', 'ab'.repeat(31), `${hex}00`]) assert.equal(captureKey(wrong), null, wrong);
});

test('records of a file: found one by one, opened by its key alone, moved to no other call', () => {
  const key = captureKey('cd'.repeat(32))!;
  const fileKey = Buffer.alloc(32, 5);
  const nonce = Buffer.alloc(12, 9);
  const start = preamble({ name: 'one', key, fileKey, nonce });
  assert.equal(start.length, PREAMBLE_BYTES);
  assert.equal(keyIdOf(start), key.id);
  assert.ok(fileKeyOf(start, 'one', key)!.equals(fileKey));
  assert.equal(fileKeyOf(start, 'two', key), null, 'renamed');
  const head = { call: 'call_1', tenant: 'acme', at: 1, expiresAt: 9 };
  const record = recordBytes(head, { fileKey, nonce, text: Buffer.from('the text') });
  assert.deepEqual(placeAt(record, 0, record.length), { head, at: 0, length: record.length });
  assert.equal(openRecord(record, fileKey)!.toString(), 'the text');
  const foreign = Buffer.from(record.toString('latin1').replace('acme', 'acm2'), 'latin1');
  assert.equal(openRecord(foreign, fileKey), null, 'another tenant in its head');
  for (let length = 0; length < record.length; length++)
    assert.equal(placeAt(record.subarray(0, length), 0, length), null, 'a cut record is the end of the file');
  assert.equal(placeAt(Buffer.alloc(64, 255), 0, 64), null);
});
