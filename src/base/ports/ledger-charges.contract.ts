import assert from 'node:assert/strict';
import { test } from 'node:test';
import { epochMs, type CallId, type FeatureName, type TenantId } from '#kernel/brand.ts';
import { callId } from '#kernel/ids.ts';
import { nanoUsd } from '#kernel/money.ts';
import { intBetween, seededRng, type Rng } from '#kernel/rng.ts';
import type { ChargesQuestion, ChargesRow, ClosedMonth } from './charges.ts';
import { shipped } from './entry-text.ts';
import type { Attempt, LedgerEntry } from './entry.ts';
import type { LedgerStore } from './ledger-store.ts';
import { sampleEntry } from './ledger-store.samples.ts';

const [MINUTE, HOUR, DAY] = [60_000, 3_600_000, 86_400_000];
const START = Date.UTC(2026, 7, 3);
const SEED = Number(process.env['SEED'] ?? 20_261_127);
const EVER = { from: epochMs(START - 40 * DAY), to: epochMs(START + 40 * DAY) };

/** As most calls of a gate are: one attempt, which has the call's own usage and cost. */
function plain(rng: Rng, at: number): LedgerEntry {
  const entry = sampleEntry(rng, at);
  const attempt = sampleEntry(rng, at, { attempts: [] });
  const shared = { usage: entry.usage, usageSource: entry.usageSource, cost: entry.cost };
  const status = (['ok', 'ok', 'cancelled', 'truncated', 'timeout'] as const)[intBetween(rng, 0, 4)]!;
  const [provider, deployment] = [entry.provider ?? 'openai', entry.deployment ?? 'openai/gpt-4o'];
  const one: Attempt = {
    ...{ n: 1, deployment, provider, dialect: 'openai-chat', startedMs: 1, status, httpStatus: 200 },
    ...{ timing: { connectedMs: 1, headersMs: 2, firstTokenMs: 3, lastTokenMs: 4, doneMs: 5 } },
    ...{ errorCode: null, upstreamRequestId: attempt.traceId, ...shared },
  };
  return { ...entry, provider, deployment, attempts: [one] };
}

const sample = (rng: Rng, at: number): LedgerEntry => (rng.next() < 0.5 ? plain(rng, at) : sampleEntry(rng, at));
const samples = (rng: Rng, count: number): LedgerEntry[] =>
  Array.from({ length: count }, (_, i) =>
    sample(rng, START + (i % 2 === 0 ? intBetween(rng, 0, 4 * DAY) : 3 * DAY + intBetween(rng, 0, 3 * HOUR))),
  );

const QUESTIONS: readonly Omit<ChargesQuestion, 'from' | 'to'>[] = [
  { by: [] },
  { by: ['provider'] },
  { by: ['tenant', 'feature', 'provider', 'kind', 'use'] },
  { by: ['deployment', 'environment'], bucket: 'hour' },
  { by: ['use'], provider: 'openai', tenant: 'ten_"' },
  { by: ['tenant'], kind: 'embed', feature: 'search', environment: 'staging', use: 'retry' },
];
const WINDOWS: readonly (readonly [number, number])[] = [
  [-DAY, 10 * DAY],
  [DAY, 3 * DAY],
  [3 * DAY + 1, 3 * DAY + 2 * HOUR + 17_321],
  [HOUR + 5 * MINUTE, 2 * DAY + 7 * HOUR + 30 * MINUTE],
  [DAY, DAY],
];

type Open = () => Promise<LedgerStore>;

export function chargeTests(open: Open): void {
  test('charges equal a recount for every question and window', async () => {
    const [store, rng] = [await open(), seededRng(SEED)];
    const entries = samples(rng, 500);
    const first = entries.slice(0, 250).toSorted((a, b) => a.at - b.at);
    await shipInParts(store, first);
    await shipInParts(store, entries.slice(250));
    await assertCharges(store, entries);
    assert.deepEqual(await store.verifyRollups(EVER), []);
  });

  test('charges and their corrections count once, in whatever order they come', async () => {
    const rng = seededRng(SEED + 1);
    const originals = samples(rng, 200);
    const corrections = originals.slice(0, 60).map((entry) => correction(rng, entry, entry.at + DAY));
    const counted = [...originals.slice(60), ...corrections];
    for (const order of [
      [...originals, ...corrections],
      [...corrections, ...originals.toReversed()],
    ]) {
      const store = await open();
      await shipInParts(store, order);
      await assertCharges(store, counted);
      assert.deepEqual(await store.verifyRollups(EVER), []);
    }
  });

  test('charges outlive their entries, by the hour', async () => {
    const [store, rng] = [await open(), seededRng(SEED + 2)];
    const entries = samples(rng, 300);
    await shipInParts(store, entries);
    const limit = epochMs(START + 2 * DAY + 3 * HOUR);
    await store.retain({ entriesBefore: limit, minutesBefore: limit });
    await assertCharges(store, entries, [
      [-DAY, 10 * DAY],
      [DAY, 2 * DAY + 5 * HOUR],
      [3 * HOUR, 3 * DAY + HOUR + 10_000],
    ]);
  });

  test('charges sum to the cost of the calls, and to what is known of calls whose cost is not', async () => {
    const [store, rng] = [await open(), seededRng(SEED + 3)];
    const entries = samples(rng, 400);
    await shipInParts(store, entries);
    const [spent] = await store.spend({ ...EVER, by: [] });
    const ofUnknown = sum(entries.filter(({ cost }) => cost === null).flatMap(({ attempts }) => attempts.map(costOf)));
    const rows = await rowsOf(store, { ...EVER, by: ['use', 'provider'] });
    assert.equal(sum(rows.map(({ costNanoUsd }) => costNanoUsd)), spent!.costNanoUsd + ofUnknown);
  });

  test('closed books stay as they were, and what comes later is late, once', async () => {
    const [store, rng] = [await open(), seededRng(SEED + 4)];
    const entries = samples(rng, 300);
    await shipInParts(store, entries);
    const question = { ...EVER, by: ['tenant', 'provider'] as const };
    const until = epochMs(START + 2 * DAY);
    const ofClosed = { ...question, to: until };
    const before = await rowsOf(store, ofClosed);
    await store.closeBooks(until);
    await store.closeBooks(epochMs(START));
    const came = START + 20 * DAY;
    const corrections = entries.slice(0, 80).map((entry, i) => correction(rng, entry, came + i * 1_000));
    const again = corrections.slice(0, 20).map((entry, i) => ({
      ...correction(rng, entry, came + DAY + i),
      corrects: entry.corrects,
    }));
    const straggler = sample(rng, START + HOUR + 7);
    await shipInParts(store, [...corrections, ...again, straggler]);
    await shipInParts(store, corrections);
    assert.deepEqual(await rowsOf(store, { ...ofClosed, basis: 'closed' }), before);
    const now = await rowsOf(store, ofClosed);
    const late = await rowsOf(store, { ...EVER, from: until, by: question.by, basis: 'late' });
    assert.deepEqual(byTenant(now), byTenant([...before, ...late]));
    assert.notDeepEqual(byTenant(now), byTenant(before));
    const firstDay = await rowsOf(store, { ...question, from: epochMs(came), to: epochMs(came + DAY), basis: 'late' });
    const second = { from: epochMs(came + DAY), to: epochMs(came + 2 * DAY) };
    const atClose = { from: until, to: epochMs(until + DAY) };
    const parts = [
      ...(await rowsOf(store, { ...question, ...second, basis: 'late' })),
      ...(await rowsOf(store, { ...question, ...atClose, basis: 'late' })),
    ];
    assert.deepEqual(byTenant([...firstDay, ...parts]), byTenant(late));
    assert.deepEqual(await store.verifyRollups(EVER), []);
  });

  test('the first figures of a month are kept', async () => {
    const store = await open();
    const month = (name: string, figures: string): ClosedMonth => ({
      ...{ month: name, from: epochMs(START), to: epochMs(START + DAY), closedAt: epochMs(START + 2 * DAY) },
      figures,
    });
    assert.deepEqual(await store.closedMonths(), []);
    assert.deepEqual(await store.keepMonth(month('2026-07', '{"a":1}')), month('2026-07', '{"a":1}'));
    assert.deepEqual(await store.keepMonth(month('2026-07', '{"a":2}')), month('2026-07', '{"a":1}'));
    await store.keepMonth(month('2026-08', '{}'));
    assert.deepEqual(
      (await store.closedMonths()).map(({ month: name }) => name),
      ['2026-08', '2026-07'],
    );
  });

  test('each kind of waste has its use', async () => {
    const store = await open();
    const rng = seededRng(SEED + 5);
    const attempt = (n: number, status: Attempt['status'], cost: bigint): Attempt => {
      const zero = nanoUsd(0n);
      const parts = { input: nanoUsd(cost), cachedRead: zero, cacheWrite: zero, output: zero, other: zero };
      const [base] = plain(rng, START).attempts;
      return { ...base!, n, status, provider: `p${n}`, cost: { ...parts, total: nanoUsd(cost) } };
    };
    const call = (i: number, attempts: readonly Attempt[], redriveOf: CallId | null = null): LedgerEntry => {
      const total = nanoUsd(sum(attempts.map(costOf)));
      const zero = nanoUsd(0n);
      const cost = { input: total, cachedRead: zero, cacheWrite: zero, output: zero, other: zero, total };
      const who = { tenant: 'ten_a' as TenantId, feature: 'search' as FeatureName };
      return sampleEntry(rng, START + i, { ...who, attempts, cost, redriveOf, status: attempts.at(-1)!.status });
    };
    await store.ship(
      shipped([
        call(1, [attempt(1, 'ok', 1n)]),
        call(2, [attempt(1, 'timeout', 10n), attempt(2, 'ok', 100n)]),
        call(3, [attempt(1, 'ok', 1_000n), attempt(2, 'cancelled', 10_000n)]),
        call(4, [attempt(1, 'truncated', 100_000n)]),
        call(5, [attempt(1, 'provider_error', 1_000_000n), attempt(2, 'cancelled', 10_000_000n)]),
        call(6, [attempt(1, 'provider_error', 100_000_000n)]),
        call(7, [attempt(1, 'ok', 3n), attempt(2, 'truncated', 4n)], 'call_1' as CallId),
      ]),
    );
    const rows = await rowsOf(store, { ...EVER, by: ['use', 'provider'] });
    assert.deepEqual(Object.fromEntries(rows.map(({ by, costNanoUsd }) => [by.join(' '), costNanoUsd])), {
      'answer p1': 1_001n,
      'answer p2': 100n,
      'retry p1': 1_000_010n,
      'hedge p2': 10_000n,
      'cut p1': 100_000n,
      'cut p2': 10_000_000n,
      'failed p1': 100_000_000n,
      'redrive p1': 3n,
      'redrive p2': 4n,
    });
  });
}

const sum = (values: readonly bigint[]): bigint => values.reduce((a, b) => a + b, 0n);
const costOf = ({ cost }: Attempt): bigint => cost?.total ?? 0n;
const rowsOf = async (store: LedgerStore, question: ChargesQuestion): Promise<readonly ChargesRow[]> =>
  (await store.charges(question)).rows;

const correction = (rng: Rng, entry: LedgerEntry, madeAt: number): LedgerEntry => ({
  ...sample(rng, entry.at),
  id: callId(epochMs(madeAt), rng),
  at: entry.at,
  corrects: entry.id,
});

/** Money and attempts by what rows have in common, without what is nothing. */
function byTenant(rows: readonly ChargesRow[]): Record<string, string> {
  const sums = new Map<string, [bigint, number, number]>();
  for (const { by, costNanoUsd, attempts, inputTokens } of rows) {
    const name = JSON.stringify(by);
    const [cost, count, tokens] = sums.get(name) ?? [0n, 0, 0];
    sums.set(name, [cost + costNanoUsd, count + attempts, tokens + inputTokens]);
  }
  return Object.fromEntries(
    [...sums]
      .filter(([, values]) => values.some((value) => Number(value) !== 0))
      .map(([name, values]): [string, string] => [name, values.join(' ')])
      .toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );
}

async function shipInParts(store: LedgerStore, entries: readonly LedgerEntry[]): Promise<void> {
  for (let i = 0; i < entries.length; i += 20) await store.ship(shipped(entries.slice(i, i + 20)));
}

async function assertCharges(store: LedgerStore, entries: readonly LedgerEntry[], windows = WINDOWS): Promise<void> {
  for (const asked of QUESTIONS)
    for (const [from, to] of windows) {
      const question = { ...asked, from: epochMs(START + from), to: epochMs(START + to) };
      const rows = await rowsOf(store, question);
      assert.deepEqual(byName(rows), byName(expected(entries, question)), JSON.stringify(question));
    }
}

const nameOf = ({ at, by }: Pick<ChargesRow, 'at' | 'by'>): string => JSON.stringify([at, by]);
const byName = (rows: readonly ChargesRow[]): ChargesRow[] => rows.toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));

/** One charge, as this judge counts it. */
interface Counted {
  readonly entry: LedgerEntry;
  readonly provider: string | null;
  readonly deployment: string | null;
  readonly use: string;
  readonly own: Pick<Attempt, 'cost' | 'usage' | 'usageSource'> | null;
  readonly cost: bigint;
  readonly cacheWrite: bigint;
}

/** Said a second time, in other words than the code under test. */
function countedOf(entry: LedgerEntry): Counted[] {
  const { attempts } = entry;
  const whole = attempts.findIndex(({ status }) => status === 'ok');
  const answered = whole === -1 ? attempts.length - 1 : whole;
  const lastUse = (status: string): string =>
    ({ ok: 'answer', truncated: 'cut', cancelled: 'cut', interrupted: 'cut' })[status] ?? 'failed';
  const counted = attempts.map((one, i): Counted => {
    const lost = one.status === 'cancelled' ? 'hedge' : 'retry';
    const { provider, deployment, cost } = one;
    const own = i === answered ? lastUse(one.status) : lost;
    const use = entry.redriveOf === null ? own : 'redrive';
    return { entry, provider, deployment, use, own: one, cost: cost?.total ?? 0n, cacheWrite: cost?.cacheWrite ?? 0n };
  });
  const known = sum(counted.map(({ cost }) => cost));
  if (entry.cost === null || entry.cost.total === known) return counted;
  const { provider, deployment } = entry;
  const cacheWrite = entry.cost.cacheWrite - sum(counted.map((one) => one.cacheWrite));
  const facts = {
    entry,
    provider,
    deployment,
    use: entry.redriveOf === null ? lastUse(entry.status) : 'redrive',
    own: null,
  };
  return [...counted, { ...facts, cost: entry.cost.total - known, cacheWrite }];
}

function expected(entries: readonly LedgerEntry[], question: ChargesQuestion): ChargesRow[] {
  const { from, to, by, bucket, ...filter } = question;
  const value = (one: Counted, name: string): string | null =>
    (({ provider: one.provider, deployment: one.deployment, use: one.use })[name] ??
      (['provider', 'deployment', 'use'].includes(name) ? null : (one.entry as any)[name])) as string | null;
  const found = entries
    .filter(({ at }) => at >= from && at < to)
    .flatMap(countedOf)
    .filter((one) => Object.entries(filter).every(([name, wanted]) => value(one, name) === wanted));
  const groups = Map.groupBy(found, (one) =>
    JSON.stringify([bucket ? one.entry.at - (one.entry.at % HOUR) : null, by.map((name) => value(one, name))]),
  );
  return [...groups].map(([name, group]) => rowFor(name, group)).filter(isSomething);
}

const isSomething = ({ at: _, by: __, ...sums }: ChargesRow): boolean =>
  Object.values(sums).some((value) => Number(value) !== 0);

function rowFor(name: string, group: readonly Counted[]): ChargesRow {
  const [at, by] = JSON.parse(name) as [number | null, (string | null)[]];
  // A rest is counted with the call's own tokens where the call has no attempt at all.
  const tokens = (of: 'inputTokens' | 'cachedReadTokens' | 'cacheWriteTokens' | 'outputTokens'): number =>
    group.reduce((all, { own, entry }) => all + (usageOf(own, entry)?.[of] ?? 0), 0);
  const money = (of: readonly Counted[]): bigint => sum(of.map(({ cost }) => cost));
  const stated = group.filter((one) => usageOf(one.own, one.entry)?.statedCostUsd != null);
  return {
    at,
    by,
    attempts: group.filter(({ own }) => own !== null).length,
    costNanoUsd: money(group),
    cacheWriteNanoUsd: sum(group.map(({ cacheWrite }) => cacheWrite)),
    estimatedNanoUsd: money(group.filter((one) => (one.own ?? one.entry).usageSource === 'estimated')),
    unknownCostAttempts: group.filter(({ own }) => own?.cost === null && own.usage && own.usageSource !== 'none')
      .length,
    statedNanoUsd: BigInt(stated.length) * 123_000n,
    ownOfStatedNanoUsd: money(stated),
    inputTokens: tokens('inputTokens'),
    cachedReadTokens: tokens('cachedReadTokens'),
    cacheWriteTokens: tokens('cacheWriteTokens'),
    outputTokens: tokens('outputTokens'),
  } as unknown as ChargesRow;
}

const usageOf = (own: Counted['own'], entry: LedgerEntry): LedgerEntry['usage'] | null => {
  if (own !== null) return own.usage;
  return entry.attempts.length === 0 ? entry.usage : null;
};
