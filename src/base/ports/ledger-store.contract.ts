import { chargeTests } from './ledger-charges.contract.ts';
import { feedTests } from './ledger-feeds.contract.ts';
import { streamTests } from './ledger-streams.contract.ts';
import { shipped } from '#ports/entry-text.ts';
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { epochMs, type CallId, type KeyId, type TenantId } from '#kernel/brand.ts';
import type { HeadgateError } from '#kernel/errors.ts';
import { callId } from '#kernel/ids.ts';
import { nanoUsd } from '#kernel/money.ts';
import { intBetween, seededRng, type Rng } from '#kernel/rng.ts';
import { concerns, everyTenant } from '#kernel/whose.ts';
import { DdSketch } from '#math/ddsketch.ts';
import { OTHER_VALUE, type Cost, type LedgerEntry } from './entry.ts';
import type { CallsQuestion, Dimension, LedgerFilter, LedgerStore, SpendQuestion, SpendRow } from './ledger-store.ts';
import { sampleEntry } from './ledger-store.samples.ts';

const [MINUTE, HOUR, DAY] = [60_000, 3_600_000, 86_400_000];
// A Monday at midnight, UTC.
const START = Date.UTC(2026, 7, 3);
const SEED = 20_260_803;

export interface LedgerContractOptions {
  readonly name: string;
  /** A new empty store. */
  readonly open: () => Promise<LedgerStore>;
}

/** What every implementation of `LedgerStore` promises, as tests. The judge counts plainly from the entries. */
export function ledgerStoreContract({ name, open }: LedgerContractOptions): void {
  const opened: LedgerStore[] = [];
  const fresh = async (): Promise<LedgerStore> => {
    const store = await open();
    opened.push(store);
    return store;
  };
  after(() => Promise.all(opened.map((store) => store.close())));
  describe(`ledger store: ${name}`, () => {
    shippingTests(fresh);
    spendTests(fresh);
    streamTests(fresh);
    chargeTests(fresh);
    callsTests(fresh);
    correctionTests(fresh);
    retentionTests(fresh);
    feedTests(fresh);
  });
}

type Open = () => Promise<LedgerStore>;

/** Entries over four days, dense enough that each hour of the last has some. */
function entriesOf(rng: Rng, count: number): LedgerEntry[] {
  return Array.from({ length: count }, (_, i) => {
    const at = i % 2 === 0 ? intBetween(rng, 0, 4 * DAY) : 3 * DAY + intBetween(rng, 0, 3 * HOUR);
    return sampleEntry(rng, START + at);
  });
}

const byTime = (entries: readonly LedgerEntry[]): LedgerEntry[] => entries.toSorted((a, b) => a.at - b.at);
const chunks = <T>(values: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(values.length / size) }, (_, i) => values.slice(i * size, (i + 1) * size));
const shuffled = <T>(rng: Rng, values: readonly T[]): T[] =>
  values
    .map((value) => ({ value, order: rng.next() }))
    .toSorted((a, b) => a.order - b.order)
    .map(({ value }) => value);

async function shipAll(store: LedgerStore, batches: readonly (readonly LedgerEntry[])[]): Promise<number> {
  let inserted = 0;
  for (const batch of batches) inserted += (await store.ship(shipped(batch))).inserted;
  return inserted;
}

const EVERY = everyTenant('a test');
const EVER = { whose: EVERY, from: epochMs(START - 40 * DAY), to: epochMs(START + 40 * DAY) };

function shippingTests(open: Open): void {
  test('an entry comes back exactly, whatever it holds', async () => {
    const [store, rng] = [await open(), seededRng(SEED)];
    const entries = entriesOf(rng, 300);
    await shipAll(store, chunks(entries, 50));
    for (const entry of entries) assert.deepEqual(await store.call(entry.id, EVERY), entry);
  });

  test('another tenant has no such call', async () => {
    const [store, entry] = [await open(), sampleEntry(seededRng(1), START, { tenant: 'ten_a' as TenantId })];
    await store.ship(shipped([entry]));
    assert.equal(await store.call(entry.id, 'ten_b' as TenantId), null);
    assert.deepEqual(await store.call(entry.id, 'ten_a' as TenantId), entry);
    assert.equal(await store.call(callId(epochMs(START), seededRng(9)), EVERY), null);
  });

  test('batches shipped twice, out of order and overlapping change nothing but once', async () => {
    const [store, rng] = [await open(), seededRng(SEED + 1)];
    const entries = entriesOf(rng, 240);
    const batches = [...chunks(byTime(entries), 40), ...chunks(shuffled(rng, entries), 37), [...entries, ...entries]];
    assert.equal(await shipAll(store, shuffled(rng, batches)), entries.length);
    await assertSpend(store, entries, { ...EVER, by: ['tenant', 'key'] });
    assert.deepEqual(await store.verifyRollups(EVER), []);
  });

  test('an empty batch is fine', async () => {
    assert.deepEqual(await (await open()).ship([]), { inserted: 0 });
  });
}

const QUESTIONS: readonly (Partial<SpendQuestion> & Pick<SpendQuestion, 'by'>)[] = [
  { by: [] },
  { by: ['tenant'] },
  { by: ['team', 'purpose', 'feature'] },
  { by: ['model', 'deployment', 'provider', 'outcome', 'environment', 'kind'], bucket: 'day' },
  { by: ['tenant'], bucket: 'hour' },
  { by: [], bucket: 'minute' },
  { by: ['key'], whose: 'ten_"' as TenantId, outcome: 'ok' },
  { by: ['tenant'], session: 's1', bucket: 'hour' },
  { by: ['tenant'], endUser: 'u1', provider: 'openai' },
  { by: ['label:env'] },
  { by: ['label:team "x"', 'tenant'], bucket: 'hour' },
  { by: ['tenant', 'label:env', 'key'], feature: 'search' },
  { by: ['label:env', 'label:team "x"'] },
  { by: ['tenant'], label: { name: 'team "x"', value: 'ü\u0000"' } },
  { by: ['label:env'], label: { name: 'team "x"', value: 'red' } },
  { by: ['label:env'], label: { name: 'env', value: 'a' }, kind: 'embed', model: 'small' },
];

const WINDOWS: readonly (readonly [number, number])[] = [
  [-DAY, 10 * DAY],
  [0, DAY],
  [DAY, 3 * DAY + HOUR],
  [3 * DAY + 1, 3 * DAY + 2 * HOUR + 17_321],
  [HOUR + 5 * MINUTE, 2 * DAY + 7 * HOUR + 30 * MINUTE],
  [3 * DAY + HOUR + 10_000, 3 * DAY + HOUR + 50_000],
  [DAY, DAY],
];

function spendTests(open: Open): void {
  test('a question with more groups than an answer holds is refused, and the store answers the next', async () => {
    const [store, rng] = [await open(), seededRng(SEED)];
    const entries = Array.from({ length: 20_001 }, (_, i) =>
      sampleEntry(rng, START + i, { key: `key_${i}` as KeyId, corrects: null, attempts: [], labels: {} }),
    );
    await store.ship(shipped(entries));
    await assert.rejects(
      async () => store.spend({ ...EVER, by: ['key'] }),
      (error: HeadgateError) => error.code === 'invalid_request' && error.details.field === 'by',
    );
    assert.equal((await store.spend({ ...EVER, by: ['key'], sketches: false })).length, entries.length);
    assert.equal((await store.spend({ ...EVER, by: [] }))[0]!.calls, entries.length);
  });

  test('spend equals a recount for every question and window', async () => {
    const [store, rng] = [await open(), seededRng(SEED + 2)];
    const entries = entriesOf(rng, 400);
    // Half in order, as a gate ships; half late.
    await shipAll(store, [...chunks(byTime(entries.slice(0, 200)), 20), ...chunks(entries.slice(200), 50)]);
    for (const question of QUESTIONS)
      for (const [from, to] of WINDOWS)
        await assertSpend(store, entries, {
          ...{ ...EVER, ...question },
          ...{ from: epochMs(START + from), to: epochMs(START + to) },
        });
  });

  test('without sketches the sums are the same', async () => {
    const [store, rng] = [await open(), seededRng(SEED + 9)];
    await shipAll(store, chunks(byTime(entriesOf(rng, 300)), 30));
    const sums = (rows: readonly SpendRow[]) =>
      rows.map(({ totalMsSketch: _total, firstTokenMsSketch: _first, ...rest }) => rest);
    for (const question of QUESTIONS) {
      const asked = { ...question, ...EVER };
      assert.deepEqual(sums(await store.spend({ ...asked, sketches: false })), sums(await store.spend(asked)));
    }
  });

  test('sums past 2^53 nano-dollars are exact', async () => {
    const [store, rng] = [await open(), seededRng(SEED + 3)];
    const big = 2n ** 60n + 1n;
    const cost: Cost = { ...zeroCost, input: nanoUsd(big), total: nanoUsd(big) };
    const entries = Array.from({ length: 5 }, (_, i) =>
      sampleEntry(rng, START + i * DAY, { cost, savedCostNanoUsd: nanoUsd(2n ** 53n + 1n), usageSource: 'estimated' }),
    );
    await shipAll(store, [entries.slice(0, 3), entries.slice(2)]);
    const [row] = await store.spend({ ...EVER, by: [] });
    assert.equal(row!.costNanoUsd, 5n * big);
    assert.equal(row!.estimatedNanoUsd, 5n * big);
    assert.equal(row!.savedNanoUsd, 5n * (2n ** 53n + 1n));
  });

  test('nothing asked of nothing is no row', async () => {
    assert.deepEqual(await (await open()).spend({ ...EVER, by: [] }), []);
  });
}

const zeroCost: Cost = {
  input: nanoUsd(0n),
  cachedRead: nanoUsd(0n),
  cacheWrite: nanoUsd(0n),
  output: nanoUsd(0n),
  other: nanoUsd(0n),
  total: nanoUsd(0n),
};

function callsTests(open: Open): void {
  test('pages by id, both ways, hold every matching entry once', async () => {
    const [store, rng] = [await open(), seededRng(SEED + 4)];
    const entries = entriesOf(rng, 150);
    await shipAll(store, chunks(shuffled(rng, entries), 30));
    for (const filter of FILTERS) {
      const question = { ...EVER, ...filter };
      const expected = entries.filter((entry) => passes(entry, question)).map(({ id }) => id);
      assert.deepEqual(await pages(store, { ...question, limit: 7 }), expected.toSorted().toReversed());
      assert.deepEqual(await pages(store, { ...question, limit: 7, after: '' as CallId }), expected.toSorted());
    }
  });

  test('pages hold corrections and what they replaced, also where retention has taken the minutes', async () => {
    const [store, rng] = [await open(), seededRng(SEED + 11)];
    const entries = withCorrections(rng, entriesOf(rng, 120));
    await shipAll(store, chunks(shuffled(rng, entries), 40));
    await store.retain({ entriesBefore: epochMs(0), minutesBefore: epochMs(START + 2 * DAY) });
    for (const filter of FILTERS) {
      const question = { ...EVER, ...filter };
      const expected = entries.filter((entry) => passes(entry, question)).map(({ id }) => id);
      assert.deepEqual(await pages(store, { ...question, limit: 11 }), expected.toSorted().toReversed());
      assert.deepEqual(await pages(store, { ...question, limit: 11, after: '' as CallId }), expected.toSorted());
    }
  });

  test('a call is found by the label that it said, and by the value that this counts as', async () => {
    const [store, rng] = [await open(), seededRng(SEED + 41)];
    const folded = { labels: { env: OTHER_VALUE }, asOther: { 'label:env': 'b' }, corrects: null };
    const plain = { labels: { env: 'a' }, asOther: null, corrects: null };
    const entries = [folded, plain].map((fields, i) => sampleEntry(rng, START + i, fields));
    await store.ship(shipped(entries));
    const found = async (value: string) =>
      (await store.calls({ ...EVER, limit: 9, label: { name: 'env', value } })).map(({ id }) => id);
    assert.deepEqual(await found('b'), [entries[0]!.id]);
    assert.deepEqual(await found(OTHER_VALUE), [entries[0]!.id]);
    assert.deepEqual(await found('a'), [entries[1]!.id]);
    assert.deepEqual(await found('c'), []);
    const rows = await store.spend({ ...EVER, by: ['label:env'] });
    assert.deepEqual(rows.map(({ by }) => by[0]).toSorted(), [OTHER_VALUE, 'a']);
  });

  test('a page holds whole entries', async () => {
    const [store, rng] = [await open(), seededRng(SEED + 5)];
    const entries = entriesOf(rng, 20).toSorted((a, b) => (a.id < b.id ? 1 : -1));
    await store.ship(shipped(entries));
    assert.deepEqual(await store.calls({ ...EVER, limit: 20 }), entries);
  });
}

const FILTERS: readonly Partial<LedgerFilter>[] = [
  {},
  { whose: 'ten_a' as TenantId },
  { key: 'key_2' },
  { whose: 'ten_b' as TenantId, key: 'key_1', outcome: 'timeout' },
  { session: 's1' },
  { endUser: 'u2', environment: 'staging' },
  { label: { name: 'env', value: 'b' } },
  { from: epochMs(START + DAY), to: epochMs(START + 2 * DAY) },
];

async function pages(store: LedgerStore, question: CallsQuestion): Promise<CallId[]> {
  const found: CallId[] = [];
  for (let next: CallsQuestion = question; ;) {
    const page = await store.calls(next);
    found.push(...page.map(({ id }) => id));
    if (page.length < question.limit) return found;
    const last = page.at(-1)!.id;
    next = question.after === undefined ? { ...question, before: last } : { ...question, after: last };
  }
}

function correctionTests(open: Open): void {
  test('a correction takes the place of what it names, in whatever order both come', async () => {
    const rng = seededRng(SEED + 6);
    const entries = withCorrections(rng, entriesOf(rng, 120));
    for (let round = 0; round < 4; round++) {
      const store = await open();
      const order = round === 0 ? entries : shuffled(rng, entries);
      assert.equal(await shipAll(store, chunks(order, 17)), entries.length);
      await shipAll(store, chunks(shuffled(rng, entries), 50));
      await assertSpend(store, counted(entries), { ...EVER, by: ['tenant', 'label:env'], bucket: 'hour' });
      await assertSpend(store, counted(entries), { ...EVER, by: ['key'], session: 's1' });
      assert.deepEqual(await store.verifyRollups(EVER), []);
      assert.equal((await store.calls({ ...EVER, limit: 1_000 })).length, entries.length);
      const counting = await store.calls({ ...EVER, limit: 1_000, counted: true });
      assert.deepEqual(
        counting.map(({ id }) => id).toSorted(),
        counted(entries)
          .map(({ id }) => id)
          .toSorted(),
      );
    }
  });
}

/** Some entries corrected once, some twice, some by a chain. A correction keeps the time, its id is younger. */
function withCorrections(rng: Rng, entries: readonly LedgerEntry[]): LedgerEntry[] {
  const correct = (entry: LedgerEntry, days: number): LedgerEntry =>
    sampleEntry(rng, entry.at, { id: callId(epochMs(entry.at + days * DAY), rng), corrects: entry.id });
  const once = entries.slice(0, 30).map((entry) => correct(entry, 1));
  const twice = entries.slice(20, 30).map((entry) => correct(entry, 2));
  const chained = once.slice(0, 10).map((entry) => correct(entry, 3));
  return [...entries, ...once, ...twice, ...chained];
}

function counted(entries: readonly LedgerEntry[]): LedgerEntry[] {
  const corrections = entries.filter(({ corrects }) => corrects !== null);
  return entries.filter(
    (entry) =>
      !corrections.some(({ corrects }) => corrects === entry.id) &&
      !corrections.some(({ corrects, id }) => corrects === entry.corrects && id > entry.id),
  );
}

function retentionTests(open: Open): void {
  test('retention deletes entries and minutes; hours and days keep their sums', async () => {
    const [store, rng] = [await open(), seededRng(SEED + 7)];
    const entries = entriesOf(rng, 200);
    await shipAll(store, chunks(byTime(entries), 25));
    const limit = epochMs(START + 2 * DAY + 3 * HOUR);
    const { deleted } = await store.retain({ entriesBefore: limit, minutesBefore: limit });
    assert.equal(deleted, entries.filter(({ at }) => at < limit).length);
    await assertSpend(store, entries, { ...EVER, by: ['tenant', 'label:env'], bucket: 'day' });
    await assertSpend(store, entries, { ...EVER, by: ['key'], bucket: 'hour', whose: 'ten_a' as TenantId });
    assert.deepEqual(await store.verifyRollups(EVER), []);
    assert.equal(await store.call(byTime(entries)[0]!.id, EVERY), null);
  });

  test('after retention two windows that meet within an hour share nothing and lose nothing', async () => {
    const [store, rng] = [await open(), seededRng(SEED + 8)];
    const entries = entriesOf(rng, 200);
    await shipAll(store, chunks(entries, 50));
    await store.retain({ entriesBefore: epochMs(START + 3 * DAY), minutesBefore: epochMs(START + DAY) });
    for (const cut of [5 * HOUR + 1, DAY + HOUR + 61_001, 3 * DAY + HOUR + 7]) {
      const split = epochMs(START + cut);
      const [early] = await store.spend({ ...EVER, to: split, by: [] });
      const [late] = await store.spend({ ...EVER, from: split, by: [] });
      assert.equal(early!.calls + late!.calls, entries.length);
      assert.equal(early!.costNanoUsd + late!.costNanoUsd, expectedRow([], entries).costNanoUsd);
    }
  });

  test('what comes late, after retention, still counts', async () => {
    const [store, rng] = [await open(), seededRng(SEED + 9)];
    const entries = entriesOf(rng, 100);
    await shipAll(store, [entries.slice(0, 50)]);
    await store.retain({ entriesBefore: epochMs(START + DAY), minutesBefore: epochMs(START + 2 * DAY) });
    await shipAll(store, [entries.slice(50)]);
    await assertSpend(store, entries, { ...EVER, by: ['tenant'], bucket: 'day' });
  });
}

async function assertSpend(
  store: LedgerStore,
  entries: readonly LedgerEntry[],
  question: SpendQuestion,
): Promise<void> {
  const found = await store.spend(question);
  const expected = recount(entries, question);
  const why = JSON.stringify(question);
  assert.deepEqual(sortedRows(found.map(withoutSketches)), sortedRows(expected.map(({ row }) => row)), why);
  for (const { row, group } of expected) {
    const match = found.find(({ by }) => JSON.stringify(by) === JSON.stringify(row.by))!;
    assertSketch(
      match.totalMsSketch,
      group.map(({ timing }) => timing.totalMs),
    );
    assertSketch(
      match.firstTokenMsSketch,
      group.map(({ timing }) => timing.firstTokenMs),
    );
  }
}

function assertSketch(text: string | null, values: readonly (number | null)[]): void {
  const sorted = values.filter((value) => value !== null).toSorted((a, b) => a - b);
  if (sorted.length === 0) return assert.equal(text, null);
  const sketch = DdSketch.fromText(text);
  assert.equal(sketch.count, sorted.length);
  for (const q of [0, 0.5, 0.99, 1]) {
    const exact = sorted[Math.floor(q * (sorted.length - 1))]!;
    assert.ok(Math.abs(sketch.quantile(q)! - exact) <= exact * 0.010_001 + 1e-4);
  }
}

type CountedRow = Omit<SpendRow, 'totalMsSketch' | 'firstTokenMsSketch'>;
function withoutSketches({ totalMsSketch, firstTokenMsSketch, ...row }: SpendRow): CountedRow {
  assert.ok(totalMsSketch !== undefined && firstTokenMsSketch !== undefined);
  return row;
}
const sortedRows = (rows: readonly CountedRow[]): CountedRow[] =>
  rows.toSorted((a, b) => (JSON.stringify(a.by) < JSON.stringify(b.by) ? -1 : 1));

function recount(
  entries: readonly LedgerEntry[],
  question: SpendQuestion,
): { row: CountedRow; group: LedgerEntry[] }[] {
  const found = entries.filter((entry) => passes(entry, question));
  const groups = Map.groupBy(found, (entry) => JSON.stringify(groupOf(entry, question)));
  return [...groups].map(([by, group]) => ({ row: expectedRow(JSON.parse(by) as string[], group), group }));
}

function groupOf(entry: LedgerEntry, { by, bucket }: SpendQuestion): (string | null)[] {
  const values = by.map((dimension) => valueOf(entry, dimension));
  const width = bucket && { minute: MINUTE, hour: HOUR, day: DAY }[bucket];
  return width ? [String(Math.floor(entry.at / width) * width), ...values] : values;
}

function valueOf(entry: LedgerEntry, dimension: Dimension): string | null {
  if (dimension.startsWith('label:')) return entry.labels[dimension.slice(6)] ?? null;
  if (dimension === 'model') return entry.modelAsked;
  if (dimension === 'outcome') return entry.status;
  return entry[dimension as 'tenant' | 'team'];
}

function passes(entry: LedgerEntry, { from, to, label, ...filter }: LedgerFilter): boolean {
  if (entry.at < from || entry.at >= to) return false;
  if (label && entry.labels[label.name] !== label.value) return false;
  const names = ['team', 'feature', 'key', 'session', 'endUser', 'provider', 'deployment'] as const;
  const plain = [...names, 'kind', 'purpose', 'environment'] as const;
  if (filter.model !== undefined && entry.modelAsked !== filter.model) return false;
  if (filter.outcome !== undefined && entry.status !== filter.outcome) return false;
  return (
    plain.every((name) => filter[name] === undefined || entry[name] === filter[name]) &&
    concerns(filter.whose, entry.tenant)
  );
}

const sum = (values: readonly (number | null)[]): number => values.reduce<number>((a, b) => a + (b ?? 0), 0);
const sumMoney = (values: readonly (bigint | null | undefined)[]) =>
  nanoUsd(values.reduce<bigint>((a, b) => a + (b ?? 0n), 0n));

function expectedRow(by: readonly (string | null)[], group: readonly LedgerEntry[]): CountedRow {
  return {
    by,
    calls: group.length,
    errors: group.filter(({ status }) => !['ok', 'cancelled'].includes(status)).length,
    costNanoUsd: sumMoney(group.map(({ cost }) => cost?.total)),
    unknownCostCalls: group.filter(({ cost }) => cost === null).length,
    estimatedNanoUsd: sumMoney(group.filter((e) => e.usageSource === 'estimated').map(({ cost }) => cost?.total)),
    savedNanoUsd: sumMoney(group.map(({ savedCostNanoUsd }) => savedCostNanoUsd)),
    inputTokens: sum(group.map(({ usage }) => usage.inputTokens)),
    cachedReadTokens: sum(group.map(({ usage }) => usage.cachedReadTokens)),
    cacheWriteTokens: sum(group.map(({ usage }) => usage.cacheWriteTokens)),
    outputTokens: sum(group.map(({ usage }) => usage.outputTokens)),
    reasoningTokens: sum(group.map(({ usage }) => usage.reasoningTokens)),
  };
}
