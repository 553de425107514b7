import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { epochMs, type FeatureName, type TenantId } from '#kernel/brand.ts';
import { everyTenant } from '#kernel/whose.ts';
import { answerKey, type AnswerCache, type AnswerKey, type KeptReply } from './answer-cache.ts';

export interface AnswerCacheContractOptions {
  readonly name: string;
  /** A new empty cache with these bounds. */
  readonly open: (bounds: { readonly totalBytes: number; readonly tenantBytes: number }) => Promise<AnswerCache>;
  /** Why it cannot run here. */
  readonly skip?: string | false;
}

const EVERY = everyTenant('a test');
const ROOMY = { totalBytes: 1_000_000, tenantBytes: 1_000_000 };
const START = epochMs(1_790_000_000_000);
const HOUR = 3_600_000;
const later = (ms: number) => epochMs(START + ms);

const key = (tenant: string, digest: string, feature = 'search'): AnswerKey =>
  answerKey(tenant as TenantId, feature as FeatureName, digest);

const reply = (text: string, bytes = 0): KeptReply => ({
  at: START,
  about: `{"says":"${text}"}`,
  body: Buffer.from(text.padEnd(bytes, '.')),
});

/** What every cache of answers does. */
export function answerCacheContract({ name, open: make, skip = false }: AnswerCacheContractOptions): void {
  describe(`answer cache: ${name}`, { skip }, () => {
    const opened: AnswerCache[] = [];
    after(() => opened.forEach((cache) => cache.close()));
    const open = async (bounds = ROOMY): Promise<AnswerCache> => {
      const cache = await make(bounds);
      opened.push(cache);
      return cache;
    };
    const textIn = async (cache: AnswerCache, of: AnswerKey, now = START): Promise<string | null> =>
      (await cache.get(of, now))?.body.toString().replace(/\.+$/, '') ?? null;
    const put = (cache: AnswerCache, of: AnswerKey, text: string, bytes = 0) =>
      cache.put(of, reply(text, bytes), { now: START, ttlMs: HOUR });

    test('an answer comes back as it was, and a later one takes its place', async () => {
      const cache = await open();
      assert.equal(await cache.get(key('a', 'd'), START), null);
      assert.equal(await put(cache, key('a', 'd'), 'ü\u0000\n'), true);
      assert.deepEqual(await cache.get(key('a', 'd'), START), reply('ü\u0000\n'));
      await put(cache, key('a', 'd'), 'another');
      assert.equal(await textIn(cache, key('a', 'd')), 'another');
      assert.deepEqual(
        (await cache.shares(EVERY)).map(({ answers }) => answers),
        [1],
      );
    });

    test('a digest is of one tenant and one feature, however they are spelt', async () => {
      const cache = await open();
      await put(cache, key('a', 'd'), 'of a');
      assert.equal(await textIn(cache, key('b', 'd')), null);
      assert.equal(await textIn(cache, key('a', 'd', 'support')), null);
      await put(cache, key('a/search', 'd', 'x'), 'one');
      await put(cache, key('a', 'd', 'search/x'), 'two');
      assert.equal(await textIn(cache, key('a/search', 'd', 'x')), 'one');
      assert.equal(await textIn(cache, key('a', 'd', 'search/x')), 'two');
      assert.equal(await textIn(cache, key('a', 'd')), 'of a');
    });

    test('an answer is none once its time is over, to the millisecond', async () => {
      const cache = await open();
      await put(cache, key('a', 'd'), 'text');
      assert.equal(await textIn(cache, key('a', 'd'), later(HOUR - 1)), 'text');
      assert.equal(await textIn(cache, key('a', 'd'), later(HOUR)), null);
      assert.equal(await textIn(cache, key('a', 'd'), START), null, 'it is gone');
    });

    test('a tenant makes room among its own, those not read for longest first', async () => {
      const cache = await open({ totalBytes: 1_000_000, tenantBytes: 60_000 });
      for (const digest of ['1', '2', '3']) await put(cache, key('a', digest), digest, 18_000);
      await put(cache, key('b', '1'), 'of b', 18_000);
      assert.equal(await textIn(cache, key('a', '1')), '1');
      await put(cache, key('a', '4'), '4', 18_000);
      const left = await Promise.all(['1', '2', '3', '4'].map((digest) => textIn(cache, key('a', digest))));
      assert.deepEqual(left, ['1', null, '3', '4']);
      assert.equal(await textIn(cache, key('b', '1')), 'of b');
    });

    test('the whole has a bound as well, and what is larger than a bound is not kept', async () => {
      const cache = await open({ totalBytes: 60_000, tenantBytes: 40_000 });
      for (const tenant of ['a', 'b', 'c', 'd']) await put(cache, key(tenant, '1'), tenant, 18_000);
      const left = await Promise.all(['a', 'b', 'c', 'd'].map((tenant) => textIn(cache, key(tenant, '1'))));
      assert.deepEqual(left, [null, 'b', 'c', 'd']);
      assert.equal(await put(cache, key('b', '1'), 'large', 41_000), false);
      assert.equal(await textIn(cache, key('b', '1')), null, 'the earlier one is no answer any more');
      const bytes = (await cache.shares(EVERY)).reduce((sum, share) => sum + share.bytes, 0);
      assert.ok(bytes >= 36_000 && bytes <= 60_000, String(bytes));
    });

    test('answers are counted by tenant and feature, and let go by them', async () => {
      const cache = await open();
      await put(cache, key('a', '1'), 'x');
      await put(cache, key('a', '2'), 'x');
      await put(cache, key('a', '1', 'support'), 'x');
      await put(cache, key('b', '1'), 'x');
      const counts = async () =>
        (await cache.shares(EVERY)).map(({ tenant, feature, answers }) => `${tenant} ${feature} ${answers}`).toSorted();
      assert.deepEqual(await counts(), ['a search 2', 'a support 1', 'b search 1']);
      assert.equal(await cache.clear({ whose: 'a' as TenantId, feature: 'search' as FeatureName }), 2);
      assert.deepEqual(await counts(), ['a support 1', 'b search 1']);
      assert.equal(await cache.clear({ whose: 'nobody' as TenantId, feature: null }), 0);
      assert.equal(await cache.clear({ whose: 'a' as TenantId, feature: null }), 1);
      assert.equal(await cache.clear({ whose: EVERY, feature: null }), 1);
      assert.deepEqual(await counts(), []);
    });
  });
}
