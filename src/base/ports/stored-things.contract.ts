import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { epochMs, type KeyId, type TenantId } from '#kernel/brand.ts';
import type { StoredThing, StoredThings } from './stored-things.ts';

export interface ThingsContractOptions {
  readonly name: string;
  /** A new empty store. */
  readonly open: () => Promise<StoredThings>;
}

const thing = (n: number, fields: Partial<StoredThing> = {}): StoredThing => ({
  kind: 'file',
  id: `file-${n}`,
  tenant: 'ten_a' as TenantId,
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
      assert.deepEqual(await store.get('file', 'file-1'), first);
      assert.equal(await store.get('batch', 'file-1'), null);
      assert.equal(await store.show('file', 'file-1', '{"status":"done"}'), true);
      assert.deepEqual(await store.get('file', 'file-1'), { ...first, shown: '{"status":"done"}' });
      assert.equal(await store.show('file', 'file-2', '{}'), false);
      await store.put(thing(1));
      assert.deepEqual(await store.get('file', 'file-1'), thing(1));
      assert.deepEqual([await store.remove('file', 'file-1'), await store.remove('file', 'file-1')], [true, false]);
      assert.equal(await store.get('file', 'file-1'), null);
    });

    test('a list holds one tenant’s things of one kind and family, by pages, in both orders', async () => {
      const store = await open();
      for (const n of [3, 1, 4, 2]) await store.put(thing(n, { facts: 'large' }));
      await store.put(thing(5, { tenant: 'ten_b' as TenantId }));
      await store.put(thing(6, { kind: 'batch' }));
      await store.put(thing(7, { family: 'anthropic' }));
      const ask = { tenant: 'ten_a' as TenantId, kind: 'file', family: 'openai', limit: 3, order: 'desc' } as const;
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
      const ask = { tenant: 'ten_a' as TenantId, kind: 'file', family: 'openai', limit: 2, order: 'desc' } as const;
      const first = await store.list(ask);
      const second = await store.list({ ...ask, after: first.at(-1)!.id });
      assert.deepEqual(
        [...first, ...second].map(({ id }) => id),
        ['file-3', 'file-2', 'file-1'],
      );
    });
  });
}
