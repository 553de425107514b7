import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { epochMs, type CallId } from '#kernel/brand.ts';
import { callId } from '#kernel/ids.ts';
import { sumUsd } from '#kernel/money.ts';
import { seededRng } from '#kernel/rng.ts';
import { everyTenant } from '#kernel/whose.ts';
import { shipped } from '#ports/entry-text.ts';
import type { LedgerEntry } from '#ports/entry.ts';
import { sampleEntry } from '#ports/ledger-store.samples.ts';
import type { LedgerStore } from '#ports/ledger-store.ts';
import { memoryLedger } from '#stores/memory/ledger-store.ts';
import { openSqliteLedger } from '#stores/sqlite/ledger-store.ts';
import { modelOf, type Pricing } from '../entry/correction.ts';
import { VersionedPriceBook } from '../prices/index.ts';
import { repriceRows } from './reprice-page.ts';
import { repriced } from './reprice.ts';

const HOUR = 3_600_000;
const START = Date.UTC(2026, 10, 20);
const SEED = 20_261_125;
const folder = mkdtempSync(join(tmpdir(), 'headgate-reprice-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Prices from the middle of the window on, with flex and web search; before it there is none. */
const book = new VersionedPriceBook({
  list: null,
  source: 'none',
  overrides: [
    {
      ...{ id: 'price_1', provider: 'openai', model: 'gpt-4o', validFrom: epochMs(START + 12 * HOUR), source: 'own' },
      prices: {
        input: '2.5',
        output: '10',
        'flex.input': '1',
        'flex.output': '4',
        webSearch: '10000',
        cacheWrite1h: '5',
      },
    },
  ],
});
const pricing: Pricing = {
  book,
  priceOf: (attempt, at) => book.row({ provider: attempt.provider, book: null, model: modelOf(attempt), at }),
};

const WINDOW = { whose: everyTenant('a test'), from: epochMs(START), to: epochMs(START + 24 * HOUR) };
/** Ids below this time's: what a run began with. */
const idsUntil = (hour: number): CallId => callId(epochMs(START + hour * HOUR), { next: () => 0 });

async function run(ledger: LedgerStore, newId: () => CallId, apply: boolean, hour = 48) {
  const before = idsUntil(hour);
  const parts = [];
  let next: CallId | null = '' as CallId;
  while (next !== null) {
    const part = await repriceRows({ ledger, pricing, newId }, { ...WINDOW, before, after: next, limit: 130 });
    if (apply) await ledger.ship(shipped(part.corrections.map(({ after: correction }) => correction)));
    parts.push(part);
    next = part.next;
  }
  return {
    seen: parts.reduce((sum, { seen }) => sum + seen, 0),
    changed: parts.flatMap(({ corrections }) => corrections),
    difference: sumUsd(parts.map(({ diff }) => diff.differenceNanoUsd)),
  };
}

const stores: readonly (readonly [string, () => LedgerStore])[] = [
  ['memory', memoryLedger],
  ['sqlite', () => openSqliteLedger(join(folder, 'ledger.db'))],
];

for (const [name, open] of stores)
  describe(`pricing again: ${name}`, () => {
    test('sums move by the diff, rollups equal a recount, and a second time nothing changes', async () => {
      const [ledger, rng] = [open(), seededRng(SEED)];
      let at = START + 48 * HOUR;
      const newId = (): CallId => callId(epochMs((at += 1)), rng);
      const entries = Array.from({ length: 1_000 }, (_, i) => sampleEntry(rng, START + i * 80_000));
      for (let i = 0; i < entries.length; i += 100) await ledger.ship(shipped(entries.slice(i, i + 100)));
      const total = async () => (await ledger.spend({ ...WINDOW, by: [] }))[0]!;
      const old = await total();
      const plan = await run(ledger, newId, false);
      assert.deepEqual(await total(), old, 'a dry run changes nothing');
      const done = await run(ledger, newId, true);
      assert.equal(done.changed.length, plan.changed.length);
      assert.ok(done.changed.length > 50, `${done.changed.length}`);
      assert.equal(done.difference, plan.difference);
      const fresh = await total();
      assert.equal(fresh.costNanoUsd, old.costNanoUsd + done.difference);
      assert.equal(fresh.calls, old.calls);
      assert.deepEqual([fresh.inputTokens, fresh.outputTokens], [old.inputTokens, old.outputTokens]);
      assert.ok(fresh.unknownCostCalls < old.unknownCostCalls);
      assert.deepEqual(
        await ledger.verifyRollups({ from: epochMs(START - 24 * HOUR), to: epochMs(START + 96 * HOUR) }),
        [],
      );
      const again = await run(ledger, newId, true, 96);
      assert.deepEqual([again.changed.length, again.seen], [0, 1_000]);
      await ledger.close();
    });
  });

test('a known cost is never replaced by an unknown one', () => {
  const rng = seededRng(SEED + 1);
  const newId = (): CallId => callId(epochMs(START + 48 * HOUR), rng);
  const kept = new Set<string>();
  for (let i = 0; i < 300; i++) {
    const result = repriced(sampleEntry(rng, START + HOUR + i), newId, pricing);
    assert.ok('kept' in result, 'nothing has a price that early');
    kept.add(result.kept);
  }
  assert.deepEqual([...kept].toSorted(), ['interrupted', 'no_price', 'unbilled']);
});

test('a row charged its reservation is not priced by its tokens, and parts of a correction sum to the whole', () => {
  const rng = seededRng(SEED + 2);
  const newId = (): CallId => callId(epochMs(START + 48 * HOUR), rng);
  let corrected = 0;
  for (let i = 0; i < 500; i++) {
    const entry = sampleEntry(rng, START + 13 * HOUR + i);
    const result = repriced(entry, newId, pricing);
    if ('kept' in result) {
      if (entry.status === 'interrupted') assert.equal(result.kept, 'interrupted');
      continue;
    }
    corrected++;
    assert.notEqual(entry.status, 'interrupted');
    assertSums(entry, result.correction);
  }
  assert.ok(corrected > 50, `${corrected}`);
});

function assertSums(entry: LedgerEntry, { cost, attempts, corrects, at, usage }: LedgerEntry): void {
  assert.deepEqual([corrects, at, usage], [entry.id, entry.at, entry.usage]);
  assert.equal(cost!.input + cost!.cachedRead + cost!.cacheWrite + cost!.output + cost!.other, cost!.total);
  assert.equal(
    attempts.reduce((sum, one) => sum + (one.cost?.total ?? 0n), 0n),
    cost!.total,
  );
}
