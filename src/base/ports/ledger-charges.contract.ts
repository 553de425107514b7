import assert from 'node:assert/strict';
import { test } from 'node:test';
import { epochMs, type CallId, type FeatureName, type TenantId } from '#kernel/brand.ts';
import { callId } from '#kernel/ids.ts';
import { nanoUsd } from '#kernel/money.ts';
import { concerns } from '#kernel/whose.ts';
import { intBetween, seededRng, type Rng } from '#kernel/rng.ts';
import type { ChargesQuestion, ChargesRow, ClosedMonth } from './charges.ts';
import { shipped } from './entry-text.ts';
import type { Attempt, LedgerEntry } from './entry.ts';
import { EVER, EVERY, laterSumTests, samples, shipInParts, START } from './later-sums.contract.ts';
import type { LedgerStore } from './ledger-store.ts';
import { sampleEntry } from './ledger-store.samples.ts';

const [HOUR, DAY] = [3_600_000, 86_400_000];
const SEED = Number(process.env['SEED'] ?? 20_261_127);

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
const QUESTIONS: readonly (Partial<ChargesQuestion> & Pick<ChargesQuestion, 'by'>)[] = [
  { by: [] },
  { by: ['provider'] },
  { by: ['tenant', 'feature', 'provider', 'kind', 'use'] },
  { by: ['deployment', 'environment'], bucket: 'hour' },
  { by: ['price', 'provider'] },
  { by: ['tenant', 'price'], price: 'b1946ac9', bucket: 'hour' },
  { by: ['use'], provider: 'openai', whose: 'ten_"' as TenantId },
  { by: ['tenant'], kind: 'embed', feature: 'search', environment: 'staging', use: 'retry' },
];
type Open = () => Promise<LedgerStore>;

export function chargeTests(open: Open): void {
  laterSumTests({ what: 'charges', open, seed: SEED, sample, correction, questions: QUESTIONS, compare });

  test('charges sum to the cost of the calls, and to what is known of calls whose cost is not', async () => {
    const [store, rng] = [await open(), seededRng(SEED + 3)];
    const entries = samples(rng, 400, sample);
    await shipInParts(store, entries);
    const [spent] = await store.spend({ ...EVER, by: [] });
    const ofUnknown = sum(entries.filter(({ cost }) => cost === null).flatMap(({ attempts }) => attempts.map(costOf)));
    const rows = await rowsOf(store, { ...EVER, by: ['use', 'provider'] });
    assert.equal(sum(rows.map(({ costNanoUsd }) => costNanoUsd)), spent!.costNanoUsd + ofUnknown);
  });

  test('closed books stay as they were, and what comes later is late, once', async () => {
    const [store, rng] = [await open(), seededRng(SEED + 4)];
    const entries = samples(rng, 300, sample);
    await shipInParts(store, entries);
    const question = { ...EVER, by: ['tenant', 'provider'] as const };
    const until = epochMs(START + 2 * DAY);
    const ofClosed = { ...question, to: until };
    const before = await rowsOf(store, ofClosed);
    await store.closeBooks(EVERY, until);
    await store.closeBooks(EVERY, epochMs(START));
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
    assert.deepEqual(await store.closedMonths(EVERY), []);
    assert.deepEqual(await store.keepMonth(EVERY, month('2026-07', '{"a":1}')), month('2026-07', '{"a":1}'));
    assert.deepEqual(await store.keepMonth(EVERY, month('2026-07', '{"a":2}')), month('2026-07', '{"a":1}'));
    await store.keepMonth(EVERY, month('2026-08', '{}'));
    assert.deepEqual(
      (await store.closedMonths(EVERY)).map(({ month: name }) => name),
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

async function compare(store: LedgerStore, entries: readonly LedgerEntry[], question: ChargesQuestion): Promise<void> {
  const rows = await rowsOf(store, question);
  assert.deepEqual(byName(rows), byName(expected(entries, question)), JSON.stringify(question));
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
  const { from, to, by, bucket, whose, ...filter } = question;
  const value = (one: Counted, name: string): string | null =>
    (({ provider: one.provider, deployment: one.deployment, use: one.use })[name] ??
      (['provider', 'deployment', 'use'].includes(name)
        ? null
        : (one.entry as any)[name === 'price' ? 'priceVersion' : name])) as string | null;
  const found = entries
    .filter(({ at, tenant }) => at >= from && at < to && concerns(whose, tenant))
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
