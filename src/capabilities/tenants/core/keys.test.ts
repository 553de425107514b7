import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { epochMs } from '#kernel/brand.ts';
import type { ApiKey } from '#ports/state-store.ts';
import { readCredential } from './credentials.ts';
import { hashKey, importedMaterial, keyHint, keyRefusal, keyText, rotated } from './keys.ts';
import { allowedModels, modelAllowed, modelNotFound } from './models.ts';

const RAW = keyText(new Uint8Array(32).fill(7));

describe('keys', () => {
  test('a key is hg_ and 43 characters, and its hint tells little', () => {
    assert.match(RAW, /^hg_[A-Za-z0-9_-]{43}$/);
    assert.equal(keyHint(RAW), 'hg_BwcH…');
    // SHA-256 of "abc", FIPS 180-2 appendix B.1.
    assert.equal(hashKey('abc'), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  });

  test('a raw key and its SHA-256 import alike, but a hash has no hint', () => {
    const raw = importedMaterial({ raw: 'sk-1234567890abcdef' });
    const hash = importedMaterial({ sha256: hashKey('sk-1234567890abcdef').toUpperCase() });
    assert.ok(raw.ok && hash.ok);
    assert.equal(raw.value.hash, hash.value.hash);
    assert.equal(hash.value.hint, '');
  });

  test('what cannot be a key is refused with its field', () => {
    for (const wrong of [{ raw: 'short' }, { raw: 'with a space in the middle' }, { sha256: 'abc' }]) {
      const result = importedMaterial(wrong as { raw: string });
      assert.ok(!result.ok);
      assert.equal(result.error.details.field, Object.keys(wrong)[0]);
    }
  });

  test('rotation keeps the old secret until its time, and at most four', () => {
    let key = { hash: 'h0', hint: '', previous: [], expiresAt: null, revokedAt: null } as unknown as ApiKey;
    for (let i = 1; i <= 6; i++) key = rotated(key, { hash: `h${i}`, hint: '' }, epochMs(i), 1_000);
    assert.equal(key.hash, 'h6');
    assert.deepEqual(
      key.previous.map(({ hash }) => hash),
      ['h2', 'h3', 'h4', 'h5'],
    );
    assert.deepEqual(rotated(key, { hash: 'h7', hint: '' }, epochMs(5_000), 0).previous, []);
  });

  test('expiry begins at its instant', () => {
    const key = { expiresAt: 100, revokedAt: null } as unknown as ApiKey;
    assert.equal(keyRefusal(key, epochMs(99)), null);
    assert.equal(keyRefusal(key, epochMs(100)), 'key_expired');
    assert.equal(keyRefusal({ ...key, revokedAt: epochMs(50) }, epochMs(100)), 'key_revoked');
  });
});

describe('credentials', () => {
  test('Bearer, x-api-key and api-key; one key in several is fine', () => {
    for (const headers of [
      { authorization: `Bearer ${RAW}` },
      { 'x-api-key': RAW },
      { 'api-key': RAW },
      { authorization: `bearer  ${RAW}`, 'x-api-key': RAW },
    ]) {
      assert.deepEqual(readCredential(headers), { ok: true, value: RAW });
    }
  });

  test('two different keys are a conflict, none and an endless one are no key', () => {
    const code = (headers: Record<string, string>) => {
      const read = readCredential(headers);
      return read.ok ? null : read.error.code;
    };
    assert.equal(code({ authorization: `Bearer ${RAW}`, 'x-api-key': 'other' }), 'credentials_conflict');
    assert.equal(code({}), 'invalid_api_key');
    assert.equal(code({ 'x-api-key': 'a'.repeat(513) }), 'invalid_api_key');
  });
});

describe('models', () => {
  test('exact names and prefixes', () => {
    assert.ok(modelAllowed(null, 'anything'));
    assert.ok(modelAllowed(['gpt-5', 'claude-*'], 'claude-opus'));
    assert.ok(!modelAllowed(['gpt-5'], 'gpt-5-mini'));
    assert.deepEqual(allowedModels(['gpt-*'], ['gpt-5', 'claude']), ['gpt-5']);
  });

  test('an unknown model names the nearest that the key may call', () => {
    assert.match(modelNotFound('gpt5', ['gpt-5', 'claude']).message, /Did you mean `gpt-5`\?/);
    assert.doesNotMatch(modelNotFound('zzzzzzzzzzzzzz', ['gpt-5']).message, /Did you mean/);
  });
});
