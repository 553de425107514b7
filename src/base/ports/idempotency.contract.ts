import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { epochMs, type CallId, type KeyId, type TenantId } from '#kernel/brand.ts';
import { tenantKey } from '#kernel/whose.ts';
import type { IdempotencyName, KeyClaim, SharedKeys } from './idempotency.ts';

/** What is asked of keys, wherever they are. */
export type AnyKeys = {
  readonly [M in 'claim' | 'release']: (
    ...args: M extends 'claim' ? [KeyClaim] : [IdempotencyName, CallId]
  ) => ReturnType<SharedKeys[M]> | Awaited<ReturnType<SharedKeys[M]>>;
};

export interface IdempotencyContractOptions {
  readonly name: string;
  /** Two views of new, empty keys: of two gates, where gates share them. */
  readonly open: (bounds: { readonly rememberMs: number; readonly ofOwner: number }) => Promise<[AnyKeys, AnyKeys]>;
  /** Why it cannot run here. */
  readonly skip?: string | false;
}

let calls = 0;
const claimOf = (hash: string, more: { tenant?: string; owner?: string; request?: string } = {}): KeyClaim => ({
  name: tenantKey((more.tenant ?? 'acme') as TenantId, 'idempotency', hash),
  owner: (more.owner ?? 'key_1') as KeyId,
  use: { request: more.request ?? 'request', call: `call_${++calls}` as CallId, at: epochMs(Date.now()) },
});
const ROOMY = { rememberMs: 60_000, ofOwner: 100 };

/** What all idempotency keys do. */
export function idempotencyContract({ name, open, skip = false }: IdempotencyContractOptions): void {
  describe(`idempotency keys: ${name}`, { skip }, () => {
    test('the first claim has the key, and a further one at either gate is told of it, whatever it asks for', async () => {
      const [a, b] = await open(ROOMY);
      const first = claimOf('one');
      assert.ok((await a.claim(first)).ok);
      for (const keys of [a, b]) {
        const said = await keys.claim(claimOf('one', { request: 'another' }));
        assert.deepEqual(said, { ok: false, error: { earlier: first.use } });
      }
    });

    test('of many at once one gets it, and all others are told of that one', async () => {
      const [a, b] = await open(ROOMY);
      const claims = Array.from({ length: 40 }, () => claimOf('at once'));
      const said = await Promise.all(claims.map((claim, i) => (i % 2 ? a : b).claim(claim)));
      const won = claims.filter((_, i) => said[i]!.ok);
      assert.equal(won.length, 1);
      for (const each of said) if (!each.ok) assert.deepEqual(each.error, { earlier: won[0]!.use });
    });

    test('a key that was given back is free, by its own call alone', async () => {
      const [a, b] = await open(ROOMY);
      const [first, second] = [claimOf('back'), claimOf('back')];
      await a.claim(first);
      await b.release(first.name, second.use.call);
      assert.ok(!(await b.claim(second)).ok, 'another call gives nothing back');
      await a.release(first.name, first.use.call);
      assert.ok((await b.claim(second)).ok);
      await a.release(first.name, first.use.call);
      assert.ok(!(await a.claim(claimOf('back'))).ok, 'late, it takes nothing from who has it now');
    });

    test('tenants and names that look alike are two', async () => {
      const [a, b] = await open(ROOMY);
      assert.ok((await a.claim(claimOf('b|c', { tenant: 'a' }))).ok);
      assert.ok((await b.claim(claimOf('c', { tenant: 'a|b' }))).ok);
      assert.ok((await b.claim(claimOf('b|c', { tenant: '{a}' }))).ok);
    });

    test('an API key has so many and no more; one given back or forgotten makes room, and others are not touched', async () => {
      const [a, b] = await open({ rememberMs: 400, ofOwner: 2 });
      const first = claimOf('1');
      await a.claim(first);
      await b.claim(claimOf('2'));
      assert.deepEqual(await a.claim(claimOf('3')), { ok: false, error: 'full' });
      assert.ok((await a.claim(claimOf('3', { owner: 'key_2' }))).ok);
      await a.release(first.name, first.use.call);
      assert.ok((await a.claim(claimOf('4'))).ok);
      assert.deepEqual(await a.claim(claimOf('5')), { ok: false, error: 'full' });
      await sleep(500);
      assert.ok((await a.claim(claimOf('2'))).ok, 'its time is over');
      assert.ok((await b.claim(claimOf('5'))).ok);
      assert.deepEqual(await b.claim(claimOf('6')), { ok: false, error: 'full' });
    });
  });
}
