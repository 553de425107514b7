import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { epochMs, type KeyId, type TenantId } from '#kernel/brand.ts';
import type { StoredThing, StoredThings } from './stored-things.ts';

export interface ThingsContractOptions {
  readonly name: string;
  /** A new empty store. */
  readonly open: () => Promise<StoredThings>;
}

const TEN_A = 'ten_a' as TenantId;
const TEN_B = 'ten_b' as TenantId;
const thing = (n: number, fields: Partial<StoredThing> = {}): StoredThing => ({
  kind: 'file',
  id: `file-${n}`,
  tenant: TEN_A,
  key: 'key_1' as KeyId,
  deployment: 'openai/-',
  family: 'openai',
  at: epochMs(1_000 + n),
  shown: `{"id":"file-${n}"}`,
  facts: null,
  ...fields,
});

/** What every store of things does. */
export function storedThingsContract({ name, open: make }: ThingsContractOptions): void {
  describe(`stored things: ${name}`, () => {
    const opened: StoredThings[] = [];
    after(() => Promise.all(opened.map((store) => store.close())));
    const open = async (): Promise<StoredThings> => {
      const store = await make();
      opened.push(store);
      return store;
    };

    test('a thing is kept exactly, shown anew, replaced and removed', async () => {
      const store = await open();
      const first = thing(1, { facts: '{"lines":["ü"]}' });
      await store.put(first);
      assert.deepEqual(await store.get(TEN_A, 'file', 'file-1'), first);
      assert.equal(await store.get(TEN_A, 'batch', 'file-1'), null);
      assert.equal(await store.show(TEN_A, 'file', 'file-1', '{"status":"done"}'), true);
      assert.deepEqual(await store.get(TEN_A, 'file', 'file-1'), { ...first, shown: '{"status":"done"}' });
      assert.equal(await store.show(TEN_A, 'file', 'file-2', '{}'), false);
      await store.put(thing(1));
      assert.deepEqual(await store.get(TEN_A, 'file', 'file-1'), thing(1));
      assert.deepEqual(
        [await store.remove(TEN_A, 'file', 'file-1'), await store.remove(TEN_A, 'file', 'file-1')],
        [true, false],
      );
      assert.equal(await store.get(TEN_A, 'file', 'file-1'), null);
    });

    test('one id of two tenants is two things, and neither reaches the other’s', async () => {
      const store = await open();
      const [mine, theirs] = [thing(1), thing(1, { tenant: TEN_B, shown: '{"of":"b"}' })];
      await store.put(mine);
      assert.equal(await store.get(TEN_B, 'file', 'file-1'), null);
      assert.equal(await store.show(TEN_B, 'file', 'file-1', '{}'), false);
      assert.equal(await store.remove(TEN_B, 'file', 'file-1'), false);
      await store.put(theirs);
      assert.deepEqual(
        [await store.get(TEN_A, 'file', 'file-1'), await store.get(TEN_B, 'file', 'file-1')],
        [mine, theirs],
      );
      assert.equal(await store.remove(TEN_A, 'file', 'file-1'), true);
      assert.deepEqual(await store.get(TEN_B, 'file', 'file-1'), theirs);
      // A page that begins after an id begins after the tenant's own.
      const ask = { tenant: TEN_A, kind: 'file', family: 'openai', limit: 3, order: 'asc' } as const;
      await store.put(thing(2));
      assert.equal((await store.list({ ...ask, after: 'file-1' })).length, 1);
    });

    test('a list holds one tenant’s things of one kind and family, by pages, in both orders', async () => {
      const store = await open();
      for (const n of [3, 1, 4, 2]) await store.put(thing(n, { facts: 'large' }));
      await store.put(thing(5, { tenant: TEN_B }));
      await store.put(thing(6, { kind: 'batch' }));
      await store.put(thing(7, { family: 'anthropic' }));
      const ask = { tenant: TEN_A, kind: 'file', family: 'openai', limit: 3, order: 'desc' } as const;
      const ids = async (more: object) => (await store.list({ ...ask, ...more })).map(({ id }) => id);
      assert.deepEqual(await ids({}), ['file-4', 'file-3', 'file-2']);
      assert.deepEqual(await ids({ after: 'file-2' }), ['file-1']);
      assert.deepEqual(await ids({ order: 'asc', limit: 2 }), ['file-1', 'file-2']);
      assert.deepEqual(await ids({ order: 'asc', after: 'file-2' }), ['file-3', 'file-4']);
      const [listed] = await store.list(ask);
      assert.equal('facts' in listed!, false);
    });

    test('things of one instant come in the order of their ids, none twice and none left out', async () => {
      const store = await open();
      for (const n of [1, 2, 3]) await store.put(thing(n, { at: epochMs(9) }));
      const ask = { tenant: TEN_A, kind: 'file', family: 'openai', limit: 2, order: 'desc' } as const;
      const first = await store.list(ask);
      const second = await store.list({ ...ask, after: first.at(-1)!.id });
      assert.deepEqual(
        [...first, ...second].map(({ id }) => id),
        ['file-3', 'file-2', 'file-1'],
      );
    });
  });
}
