import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { TenantId } from './brand.ts';
import {
  concerns,
  concernsKey,
  everyTenant,
  isUnder,
  keyPrefix,
  keyUnder,
  partsOf,
  readKey,
  tenantKey,
  tenantOf,
  type TenantKey,
  type Whose,
} from './whose.ts';

const EVERY = everyTenant('a test');
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom('|', '%', '{', '}', ':', '\n', '\0', '%007c', 'a', '\ud83d', '\ude00', '😀') }),
);
const tenants = text.filter((name) => name !== '').map((name) => name as TenantId);
const whose: fc.Arbitrary<Whose> = fc.oneof(tenants, fc.constant(EVERY));
const parts = fc.record({ whose, kind: text, id: fc.tuple(text, fc.array(text, { maxLength: 2 })) });
type Parts = typeof parts extends fc.Arbitrary<infer P> ? P : never;

const keyOf = ({ whose: owner, kind, id: [first, rest] }: Parts): TenantKey => tenantKey(owner, kind, first, ...rest);
const shown = ({ whose: owner, kind, id: [first, rest] }: Parts): string =>
  JSON.stringify([tenantOf(owner), kind, first, ...rest]);

test('a key tells owner, kind and parts, whatever stands in them: so no two have one key', () => {
  fc.assert(
    fc.property(parts, (asked) => {
      const { kind, tenant, id } = partsOf(keyOf(asked));
      assert.equal(JSON.stringify([tenant, kind, ...id]), shown(asked));
    }),
    { numRuns: 2_000 },
  );
});

test('no two keys are one, as text and as the bytes that a server gets', () => {
  fc.assert(
    fc.property(parts, parts, (a, b) => {
      if (shown(a) === shown(b)) return;
      assert.notEqual(keyOf(a), keyOf(b));
      assert.notDeepEqual(Buffer.from(keyOf(a)), Buffer.from(keyOf(b)));
    }),
    { numRuns: 2_000 },
  );
});

test('neighbours that a plain separator would mix stay apart', () => {
  const keys = [
    tenantKey('a' as TenantId, 'k', 'b|c'),
    tenantKey('a' as TenantId, 'k', 'b', 'c'),
    tenantKey('a|b' as TenantId, 'k', 'c'),
    tenantKey('a%007cb' as TenantId, 'k', 'c'),
    tenantKey('a' as TenantId, 'k|b', 'c'),
    tenantKey('a' as TenantId, 'k', ''),
    tenantKey('a' as TenantId, 'k', '', ''),
    tenantKey(EVERY, 'k', 'a'),
    tenantKey(EVERY, 'k', 'a', ''),
    tenantKey('a' as TenantId, 'k', '\ud800'),
    tenantKey('a' as TenantId, 'k', '\ufffd'),
  ];
  assert.equal(new Set(keys.map((key) => Buffer.from(key).toString('hex'))).size, keys.length);
});

test('a prefix and the rest make the key of all parts, and hold nobody else’s', () => {
  fc.assert(
    fc.property(whose, whose, text, text, text, (owner, other, kind, id, last) => {
      const prefix = keyPrefix(owner, kind, id);
      const key = tenantKey(owner, kind, id, last);
      assert.equal(keyUnder(prefix, last), key);
      assert.ok(isUnder(prefix, key));
      const others = tenantKey(other, kind, id, last);
      assert.equal(isUnder(prefix, others), tenantOf(other) === tenantOf(owner));
      assert.equal(readKey(key, kind), key);
    }),
  );
});

test('whose data are meant: one tenant’s, or all with a reason, and never nobody’s', () => {
  const acme = 'acme' as TenantId;
  assert.equal(tenantOf(acme), acme);
  assert.equal(tenantOf(EVERY), null);
  assert.deepEqual([concerns(acme, 'acme'), concerns(acme, 'other'), concerns(EVERY, 'other')], [true, false, true]);
  assert.deepEqual([concerns(acme, null), concerns(EVERY, null)], [false, true]);
  const key = tenantKey(acme, 'k', 'x');
  assert.deepEqual(
    [concernsKey(acme, key), concernsKey('b' as TenantId, key), concernsKey(EVERY, key)],
    [true, false, true],
  );
  // What a cast or another process could let through is a fault, and no question about everything.
  for (const nobody of [undefined, null, '', {}, 0, { everyTenant: 1 }])
    assert.throws(() => tenantOf(nobody as never), /whose|name/, String(nobody));
  for (const nobody of [undefined, null, '']) assert.throws(() => tenantKey(nobody as never, 'k', 'x'));
});

test('only keys of the kind are read back', () => {
  assert.equal(readKey('budget|acme|bud_1|total|', 'budget'), 'budget|acme|bud_1|total|');
  for (const none of ['', 'budget', 'budget|acme', 'bud_1|total|', 'budgets|acme|x'])
    assert.equal(readKey(none, 'budget'), null);
});
