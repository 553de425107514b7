import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { epochMs, type CallId, type FeatureName, type TenantId } from '#kernel/brand.ts';
import { everyTenant } from '#kernel/whose.ts';
import type { Score, Scores } from './scores.ts';

const EVERY = everyTenant('a test');
const score = (n: number, fields: Partial<Score> = {}): Score => ({
  tenant: 'ten_a' as TenantId,
  call: `call_${n}` as CallId,
  name: 'helpful',
  value: 0.25,
  feature: 'search' as FeatureName,
  at: epochMs(1_000 + n),
  source: 'api',
  basis: 'm at p/m',
  comment: null,
  ...fields,
});

/** What every store of scores does. */
export function scoresContract({
  name,
  open: make,
}: {
  readonly name: string;
  readonly open: () => Promise<Scores>;
}): void {
  describe(`scores: ${name}`, () => {
    const opened: Scores[] = [];
    after(() => Promise.all(opened.map((store) => store.close())));
    const open = async (): Promise<Scores> => {
      const store = await make();
      opened.push(store);
      return store;
    };

    test('they are read in the order of their coming, by pages, exactly', async () => {
      const store = await open();
      const all = [score(1), score(2, { comment: 'à “b”', feature: null, source: 'rule' }), score(3, { value: 1 })];
      const places = await store.put(all);
      assert.ok(
        places.every((place, i) => place !== null && (i === 0 || place > places[i - 1]!)),
        String(places),
      );
      const first = await store.page({ whose: EVERY, after: 0, limit: 2 });
      assert.deepEqual(first, [
        { n: places[0], ...all[0] },
        { n: places[1], ...all[1] },
      ]);
      assert.deepEqual(await store.page({ whose: EVERY, after: first[1]!.n, limit: 9 }), [{ n: places[2], ...all[2] }]);
    });

    test('one tenant’s are read without another’s', async () => {
      const store = await open();
      await store.put([score(1), score(2, { tenant: 'ten_b' as TenantId }), score(3)]);
      const page = await store.page({ whose: 'ten_a' as TenantId, after: 0, limit: 9 });
      assert.deepEqual(
        page.map(({ call }) => call),
        ['call_1', 'call_3'],
      );
    });

    test('the first of a call under a name stays', async () => {
      const store = await open();
      await store.put([score(1)]);
      const places = await store.put([score(1, { value: 1 }), score(1, { name: 'other' })]);
      assert.equal(places[0], null);
      assert.ok(places[1]! > 0);
      const kept = await store.of('ten_a' as TenantId, 'call_1' as CallId);
      assert.deepEqual(
        kept.map(({ name: what, value }) => [what, value]),
        [
          ['helpful', 0.25],
          ['other', 0.25],
        ],
      );
      assert.deepEqual(await store.of('ten_b' as TenantId, 'call_1' as CallId), []);
    });

    test('what is old is deleted', async () => {
      const store = await open();
      await store.put([score(1), score(2), score(3)]);
      assert.equal(await store.prune(epochMs(1_003)), 2);
      assert.deepEqual(
        (await store.page({ whose: EVERY, after: 0, limit: 9 })).map(({ call }) => call),
        ['call_3'],
      );
    });
  });
}
