import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { epochMs } from '#kernel/brand.ts';
import { intBetween, seededRng } from '#kernel/rng.ts';
import { everyTenant } from '#kernel/whose.ts';
import { shipped } from './entry-text.ts';
import type { LedgerEntry } from './entry.ts';
import type { FeedEvent, LedgerStore } from './ledger-store.ts';
import { sampleEntry } from './ledger-store.samples.ts';

const START = Date.UTC(2026, 7, 3);
const DAY = 86_400_000;
const EVERY = everyTenant('a test');
const EVER = { whose: EVERY, from: epochMs(START - 40 * DAY), to: epochMs(START + 40 * DAY) };

/** Everything that a feed has to tell, page by page, acknowledged as it is read. */
async function readAll(store: LedgerStore, name: string, limit = 37): Promise<FeedEvent[]> {
  const events: FeedEvent[] = [];
  for (;;) {
    const page = await store.feed({ whose: EVERY, name, limit });
    if (page.length === 0) return events;
    events.push(...page);
    await store.acknowledge(name, page.at(-1)!.seq);
  }
}

/** Feeds of a ledger store: what the suite of every implementation says of them. */
export function feedTests(open: () => Promise<LedgerStore>): void {
  describe('feeds', () => {
    test('events add up to the ledger, whatever the order in which entries and their corrections come', async () => {
      const [store, rng] = [await open(), seededRng(20_261_127)];
      await store.follow(['bill']);
      const entries = Array.from({ length: 120 }, () => sampleEntry(rng, START + intBetween(rng, 0, DAY)));
      const correct = (entry: LedgerEntry): LedgerEntry => ({
        ...sampleEntry(rng, START + 2 * DAY),
        at: entry.at,
        corrects: entry.id,
      });
      const once = entries.slice(0, 40).map(correct);
      const twice = once.slice(0, 15).map(correct);
      const both = entries.slice(10, 25).map(correct);
      const all = [...entries, ...once, ...twice, ...both].map((entry) => ({ entry, order: rng.next() }));
      all.sort((a, b) => a.order - b.order);
      for (let i = 0; i < all.length; i += 13) {
        await store.ship(shipped(all.slice(i, i + 13).map(({ entry }) => entry)));
        await store.ship(shipped(all.slice(i, i + 5).map(({ entry }) => entry)));
      }
      const events = await readAll(store, 'bill');
      assert.equal(events.filter(({ sign }) => sign === 1).length, all.length, 'each entry once, sent twice or not');
      assert.equal(new Set(events.map(({ sign, entry }) => `${sign}${entry.id}`)).size, events.length);
      const cost = events.reduce((sum, { sign, entry }) => sum + BigInt(sign) * (entry.cost?.total ?? 0n), 0n);
      const [spent] = await store.spend({ ...EVER, by: [] });
      assert.equal(cost, spent!.costNanoUsd);
      assert.equal(
        events.reduce((sum, { sign }) => sum + sign, 0),
        spent!.calls,
      );
      for (const { entry } of events.slice(0, 20)) assert.deepEqual(entry, await store.call(entry.id, EVERY));
    });

    test('a new feed begins now; each has its own place; without one nothing is kept', async () => {
      const [store, rng] = [await open(), seededRng(2)];
      const ship = async (count: number): Promise<LedgerEntry[]> => {
        const entries = Array.from({ length: count }, (_, i) => sampleEntry(rng, START + i));
        await store.ship(shipped(entries));
        return entries;
      };
      await ship(3);
      await store.follow(['a']);
      assert.deepEqual(await store.feed({ whose: EVERY, name: 'a', limit: 9 }), []);
      const second = await ship(2);
      await store.follow(['a', 'b']);
      const [third] = await ship(1);
      assert.deepEqual(
        (await store.feed({ whose: EVERY, name: 'a', limit: 9 })).map(({ entry }) => entry.id),
        [...second, third!].map(({ id }) => id),
      );
      const [first] = await store.feed({ whose: EVERY, name: 'a', limit: 1 });
      await store.acknowledge('a', first!.seq);
      const states = await store.feeds();
      assert.deepEqual(
        states.map(({ name, behind, lost }) => ({ name, behind, lost })),
        [
          { name: 'a', behind: 2, lost: 0 },
          { name: 'b', behind: 1, lost: 0 },
        ],
      );
      assert.equal(states[1]!.oldestAt, third!.at);
      assert.deepEqual(
        (await store.feed({ whose: EVERY, name: 'b', limit: 9 })).map(({ entry }) => entry.id),
        [third!.id],
      );
      await store.follow(['b']);
      assert.deepEqual(await store.feed({ whose: EVERY, name: 'a', limit: 9 }), [], 'it is forgotten');
      await store.follow([]);
      await ship(4);
      await store.follow(['b']);
      assert.deepEqual(await store.feed({ whose: EVERY, name: 'b', limit: 9 }), []);
    });

    test('a number is never used again, and nothing goes back', async () => {
      const [store, rng] = [await open(), seededRng(3)];
      await store.follow(['a']);
      await store.ship(shipped([sampleEntry(rng, START)]));
      const [first] = await readAll(store, 'a');
      await store.ship(shipped([sampleEntry(rng, START)]));
      await store.acknowledge('a', 0);
      const [second] = await store.feed({ whose: EVERY, name: 'a', limit: 5 });
      assert.ok(second!.seq > first!.seq);
      assert.equal(
        (await store.feed({ whose: EVERY, name: 'a', limit: 5 })).length,
        1,
        'read again until it is acknowledged',
      );
    });

    test('what the retention takes before it was read is counted as lost', async () => {
      const [store, rng] = [await open(), seededRng(4)];
      await store.follow(['slow', 'quick']);
      await store.ship(shipped([0, 1, 2].map((i) => sampleEntry(rng, START + i * 60_000))));
      const young = sampleEntry(rng, START + 10 * DAY);
      await store.ship(shipped([young]));
      await readAll(store, 'quick');
      await store.retain({ entriesBefore: epochMs(START + DAY), minutesBefore: epochMs(START + DAY) });
      assert.deepEqual(
        (await store.feeds()).map(({ name, lost, behind }) => [name, lost, behind]),
        [
          ['quick', 0, 0],
          ['slow', 3, 1],
        ],
      );
      assert.deepEqual(
        (await readAll(store, 'slow')).map(({ entry }) => entry.id),
        [young.id],
      );
    });
  });
}
