import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { z } from 'zod';
import { epochMs, type FeatureName, type TenantId } from '#kernel/brand.ts';
import { callId } from '#kernel/ids.ts';
import { nanoUsd, parseUsd } from '#kernel/money.ts';
import { intBetween, seededRng, type Rng } from '#kernel/rng.ts';
import { everyTenant } from '#kernel/whose.ts';
import { shipped } from '#ports/entry-text.ts';
import { addCost, type Attempt, type CallKind, type Cost, type LedgerEntry, type OutcomeStatus } from '#ports/entry.ts';
import { sampleEntry } from '#ports/ledger-store.samples.ts';
import type { LedgerStore } from '#ports/ledger-store.ts';
import { memoryLedger } from '#stores/memory/ledger-store.ts';
import { openSqliteLedger } from '#stores/sqlite/ledger-store.ts';
import { NO_USAGE } from '#wire/usage.ts';
import { attributionKeys } from './config.ts';
import type { FixedCost } from './core/attribute.ts';
import { monthWindow } from './core/months.ts';
import { FIXED_KINDS } from './core/contracts.ts';
import { attributionReport, closeMonth, marginReport, type Asked, type AttributionReport } from './report.ts';
import { attributionSettings, NO_ATTRIBUTION, type AttributionSettings } from './settings.ts';

const SEED = Number(process.env['SEED'] ?? 20_261_127);
const folder = mkdtempSync(join(tmpdir(), 'headgate-month-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const DAY = 86_400_000;
const OCTOBER = monthWindow('2026-10', 'UTC')!;
const NOVEMBER = monthWindow('2026-11', 'UTC')!;

/** What providers did, as they would write it down themselves: the invoice, and what was for what. */
class Bills {
  readonly billed = new Map<string, bigint>();
  readonly by = new Map<string, bigint>();

  charge(provider: string, tenant: string, purpose: string, amount: bigint): void {
    this.billed.set(provider, (this.billed.get(provider) ?? 0n) + amount);
    const name = `${tenant} ${purpose}`;
    this.by.set(name, (this.by.get(name) ?? 0n) + amount);
  }
}

const PROVIDERS = ['openai', 'anthropic', 'vllm'] as const;
const TENANTS = ['acme', 'globex', 'initech'] as const;
const FEATURES = ['search', 'chat', null] as const;
const pick = <T>(rng: Rng, values: readonly T[]): T => values[intBetween(rng, 0, values.length - 1)]!;

function costOf(rng: Rng, cacheWrite: boolean): Cost {
  const part = (most: number) => nanoUsd(BigInt(intBetween(rng, 0, most)));
  const zero = nanoUsd(0n);
  const write = cacheWrite ? part(700_000) : zero;
  const parts = { input: part(2_000_000), cachedRead: part(50_000), cacheWrite: write, output: part(5_000_000) };
  const { input, cachedRead, output } = parts;
  return { ...parts, other: zero, total: nanoUsd(input + cachedRead + write + output) };
}

function attemptOf(rng: Rng, n: number, status: OutcomeStatus, cost: Cost): Attempt {
  const provider = pick(rng, PROVIDERS);
  const usage = { ...NO_USAGE, inputTokens: intBetween(rng, 1, 900), outputTokens: intBetween(rng, 0, 90) };
  return {
    ...{ n, provider, deployment: `${provider}/m`, dialect: 'openai-chat', startedMs: n, status },
    ...{ timing: { connectedMs: 1, headersMs: 2, firstTokenMs: 3, lastTokenMs: 4, doneMs: 5 } },
    ...{ httpStatus: 200, errorCode: null, upstreamRequestId: null },
    ...{ usage, usageSource: 'provider', cost },
  };
}

/** One way in which a call spends money: its attempts by how they end, and what the bill's reader would call each. */
interface Way {
  readonly name: string;
  readonly kind?: CallKind;
  /** It makes the rest of an answer whose gate died. */
  readonly redrive?: true;
  readonly ends: readonly (readonly [OutcomeStatus, string])[];
}
const WAYS: readonly Way[] = [
  { name: 'answer', ends: [['ok', 'answer']] },
  {
    name: 'retry',
    ends: [
      ['timeout', 'retry'],
      ['provider_error', 'retry'],
      ['ok', 'answer'],
    ],
  },
  {
    name: 'hedge won by the first',
    ends: [
      ['ok', 'answer'],
      ['cancelled', 'hedge'],
    ],
  },
  {
    name: 'hedge won by the second',
    ends: [
      ['cancelled', 'hedge'],
      ['ok', 'answer'],
    ],
  },
  { name: 'cut', ends: [['truncated', 'cut']] },
  { name: 'cancelled', ends: [['cancelled', 'cut']] },
  { name: 'failed', ends: [['provider_error', 'failed']] },
  { name: 'redrive', redrive: true, ends: [['ok', 'redrive']] },
  { name: 'probe', kind: 'probe', ends: [['ok', 'probe']] },
  { name: 'shadow', kind: 'shadow', ends: [['ok', 'shadow']] },
  { name: 'eval', kind: 'eval', ends: [['ok', 'eval']] },
  { name: 'guardrail', kind: 'guardrail', ends: [['ok', 'guardrail']] },
];

function callOf(rng: Rng, at: number, bills: Bills | null): LedgerEntry {
  const way = pick(rng, WAYS);
  const [tenant, feature] = [pick(rng, TENANTS), pick(rng, FEATURES)];
  const attempts = way.ends.map(([status, purpose], i) => {
    const cost = costOf(rng, rng.next() < 0.3);
    const attempt = attemptOf(rng, i + 1, status, cost);
    const isWhole = purpose === 'answer';
    bills?.charge(attempt.provider, tenant, purpose, isWhole ? cost.total - cost.cacheWrite : cost.total);
    if (isWhole) bills?.charge(attempt.provider, tenant, 'cache_write', cost.cacheWrite);
    return attempt;
  });
  const [last, costs] = [attempts.at(-1)!, attempts.map(({ cost }) => cost!)];
  const cost = costs.length === 1 ? costs[0]! : costs.reduce(addCost);
  return sampleEntry(rng, at, {
    ...{ tenant: tenant as TenantId, feature: feature as FeatureName | null, kind: way.kind ?? 'generate' },
    ...{ provider: last.provider, deployment: last.deployment, status: last.status, attempts, cost },
    ...{ usage: last.usage!, usageSource: 'provider', corrects: null },
    redriveOf: way.redrive ? callId(epochMs(at), rng) : null,
  });
}

function monthOf(rng: Rng, count: number, window = NOVEMBER): { bills: Bills; entries: readonly LedgerEntry[] } {
  const bills = new Bills();
  const times = Array.from({ length: count }, () => intBetween(rng, window.from, window.to - 1)).sort((a, b) => a - b);
  return { bills, entries: times.map((at) => callOf(rng, at, bills)) };
}

async function shipAll(ledger: LedgerStore, entries: readonly LedgerEntry[]): Promise<void> {
  for (let i = 0; i < entries.length; i += 200) await ledger.ship(shipped(entries.slice(i, i + 200)));
}

const usd = (text: string): bigint => parseUsd(text)!;
/** A contract at each provider: a floor that calls do not reach, a rebate, and rented GPUs that idle. */
const FIXED: readonly FixedCost[] = [
  { name: 'openai-floor', provider: 'openai', rule: 'cost', kind: 'commitment', amountNanoUsd: usd('500') },
  { name: 'anthropic-off', provider: 'anthropic', rule: 'cost', kind: 'discount', partsPerMillion: 73_000 },
  { name: 'h100', provider: 'vllm', rule: 'tokens', kind: 'gpu', amountNanoUsd: usd('1460.37') },
];
const settings: AttributionSettings = {
  ...NO_ATTRIBUTION,
  shared: [
    { name: 'probes', rule: 'even', kinds: ['probe'] },
    { name: 'shadow', rule: 'requests', kinds: ['shadow'] },
    { name: 'quality', rule: 'tokens', kinds: ['eval'] },
  ],
  fixed: () => FIXED,
};

/** What the three would write on their invoices. */
function invoices({ billed }: Bills): Record<string, bigint> {
  const of = (provider: string): bigint => billed.get(provider) ?? 0n;
  return {
    openai: of('openai') > usd('500') ? of('openai') : usd('500'),
    anthropic: of('anthropic') - (of('anthropic') * 73_000n) / 1_000_000n,
    vllm: usd('1460.37'),
  };
}

/** Contracts as an operator would write them down, in a zone whose days begin at a quarter to. */
const ZONE = 'Asia/Kathmandu';
const MIDDLE = Date.parse('2026-11-14T18:15:00Z');
const contractFile = z.strictObject(attributionKeys).parse({
  timeZone: ZONE,
  costs: [
    { name: 'rebate', provider: 'openai', kind: 'discount', percent: 7.5, from: '2026-11-15' },
    {
      ...{ name: 'volume', provider: 'openai', kind: 'volume', currency: 'EUR', from: '2026-06' },
      steps: [
        { over: '0.1', percent: 3.3333 },
        { over: '0.25', percent: 10 },
      ],
    },
    { name: 'paid', provider: 'openai', kind: 'credit', perMonth: '0.05', measuredBy: 'bill', from: '2026-01' },
    { name: 'half', provider: 'anthropic', kind: 'discount', percent: 50, from: '2026-11' },
    { name: 'floor', provider: 'anthropic', kind: 'commitment', perMonth: '900', measuredBy: 'bill', from: '2026-01' },
    { name: 'paid', provider: 'anthropic', kind: 'credit', perMonth: '12.34', measuredBy: 'bill', from: '2026-01' },
    {
      ...{ name: 'input-steps', provider: 'vllm', kind: 'token_price', rule: 'tokens', from: '2026-11' },
      input: [{ perMillion: '0.37' }, { over: 20_000, perMillion: '0.111' }],
      output: [{ over: 1_000, perMillion: '2.5' }],
    },
    { name: 'starts-later', provider: 'anthropic', kind: 'discount', percent: 50, from: '2026-12' },
  ],
  currencies: { EUR: [{ from: '2026-01-01', usd: '1.25' }] },
});
const contracts = attributionSettings(contractFile);

/** The invoices, said a second time from the attempts themselves. */
function contractInvoices(entries: readonly LedgerEntry[]): Record<string, bigint> {
  const attempts = entries.flatMap(({ at, attempts: all }) => all.map((one) => ({ ...one, at })));
  const of = (provider: string) => attempts.filter((one) => one.provider === provider);
  const cost = (some: readonly { cost: Cost | null }[]): bigint => sum(some.map((one) => one.cost!.total));
  const listed = cost(of('openai'));
  const rebate = (cost(of('openai').filter(({ at }) => at >= MIDDLE)) * 75n) / 1_000n;
  const [first, second] = [usd('0.125'), usd('0.3125')];
  const upTo = (end: bigint): bigint => (listed < end ? listed : end);
  const volume = ((upTo(second) - upTo(first)) * 33_333n + (listed - upTo(second)) * 100_000n) / 1_000_000n;
  const tokens = (name: 'inputTokens' | 'outputTokens'): bigint =>
    BigInt(of('vllm').reduce((all, { usage }) => all + (usage?.[name] ?? 0), 0));
  const [input, output] = [tokens('inputTokens'), tokens('outputTokens')];
  // 0.37 and 0.111 dollars a million are 370 and 111 nano-dollars a token.
  const priced = 20_000n * 370n + (input - 20_000n) * 111n + (output - 1_000n) * 2_500n;
  return { openai: listed - rebate - volume - usd('0.05'), anthropic: usd('900') - usd('12.34'), vllm: priced };
}

const sum = (values: readonly bigint[]): bigint => values.reduce((a, b) => a + b, 0n);
let files = 0;
const stores: readonly (readonly [string, () => LedgerStore, number])[] = [
  ['memory', memoryLedger, 400],
  ['sqlite', () => openSqliteLedger(join(folder, `${++files}.db`)), 3_000],
];

for (const [name, open, count] of stores)
  describe(`a month in ${name}, seed ${SEED}`, () => {
    const asked = (ledger: LedgerStore, window = NOVEMBER): Asked => ({ ledger, settings, window });

    test('random traffic with every kind of waste sums to the invoices, to the nano-dollar', async () => {
      for (const seed of [SEED, SEED + 1]) {
        const ledger = open();
        const { bills, entries } = monthOf(seededRng(seed), count);
        const versioned = entries.map((entry, i) => ({ ...entry, priceVersion: entry.cost && `v${i % 3}` }));
        await shipAll(ledger, versioned);
        const report = await attributionReport(asked(ledger));
        assertVersions(report, versioned);
        const byProvider = Object.fromEntries(report.providers.map((one) => [one.provider, one.billedNanoUsd]));
        assert.deepEqual(byProvider, invoices(bills), `seed ${seed}`);
        assert.equal(report.billedNanoUsd, sum(Object.values(invoices(bills))));
        assert.equal(sum(report.lines.map(({ amountNanoUsd }) => amountNanoUsd)), report.billedNanoUsd);
        assertOwn(report.lines, bills);
        await ledger.close();
      }
    });

    /** What calls cost by each version is what its entries cost, and all versions are all calls. */
    function assertVersions({ prices, providers }: AttributionReport, entries: readonly LedgerEntry[]): void {
      for (const version of ['v0', 'v1', 'v2']) {
        const own = entries.filter(({ priceVersion }) => priceVersion === version).map(({ cost }) => cost!.total);
        const said = prices.filter((one) => one.version === version).map(({ callsNanoUsd }) => callsNanoUsd);
        assert.equal(sum(said), sum(own), version);
      }
      assert.equal(
        sum(prices.map(({ callsNanoUsd }) => callsNanoUsd)),
        sum(providers.map(({ callsNanoUsd }) => callsNanoUsd)),
      );
    }

    /** What is a tenant's own, by what it was for; what is shared, by its bucket. */
    function assertOwn(lines: Awaited<ReturnType<typeof attributionReport>>['lines'], bills: Bills): void {
      const shared = new Set(['probe', 'shadow', 'eval']);
      for (const [what, amount] of bills.by) {
        const [tenant, purpose] = what.split(' ') as [string, string];
        if (shared.has(purpose)) continue;
        const own = lines.filter((line) => line.bucket === null && line.tenant === tenant && line.purpose === purpose);
        assert.equal(sum(own.map(({ amountNanoUsd }) => amountNanoUsd)), amount, what);
      }
      for (const purpose of shared) {
        const of = lines.filter((line) => line.purpose === purpose);
        assert.ok(of.every(({ bucket, rule }) => bucket !== null && rule !== null));
        const billed = [...bills.by].filter(([what]) => what.endsWith(` ${purpose}`)).map(([, amount]) => amount);
        assert.equal(sum(of.map(({ amountNanoUsd }) => amountNanoUsd)), sum(billed), purpose);
      }
    }

    test('a closed month keeps its figures; what changes later counts when it changes, and nothing counts twice', async () => {
      const ledger = open();
      const rng = seededRng(SEED + 7);
      const october = monthOf(rng, Math.floor(count / 2), OCTOBER);
      const november = monthOf(rng, Math.floor(count / 2));
      await shipAll(ledger, october.entries);
      const before = await attributionReport(asked(ledger, OCTOBER));
      const closed = await closeMonth(asked(ledger, OCTOBER), epochMs(OCTOBER.to + 2 * DAY));
      assert.deepEqual({ ...closed, closedAt: null }, before);
      await shipAll(ledger, november.entries);
      const changed = october.entries.slice(0, 50).map((entry, i) => repricedAt(rng, entry, NOVEMBER.from + DAY + i));
      await shipAll(
        ledger,
        changed.map(({ entry }) => entry),
      );
      const straggler = callOf(rng, OCTOBER.from + DAY, null);
      await shipAll(ledger, [straggler]);
      const moved = sum(changed.map(({ moved: by }) => by)) + straggler.cost!.total;
      assert.deepEqual(await attributionReport(asked(ledger, OCTOBER)), closed);
      assert.deepEqual(await closeMonth(asked(ledger, OCTOBER), epochMs(NOVEMBER.to)), closed);
      const open_ = await attributionReport(asked(ledger));
      const adjusted = open_.lines.filter(({ purpose }) => purpose === 'adjustment');
      assert.equal(sum(adjusted.map(({ amountNanoUsd }) => amountNanoUsd)), moved);
      const calls = (of: typeof open_): bigint =>
        sum(of.providers.map((one) => one.callsNanoUsd + one.adjustmentsNanoUsd));
      const all = await ledger.charges({ whose: everyTenant('a test'), from: OCTOBER.from, to: NOVEMBER.to, by: [] });
      assert.equal(calls(closed) + calls(open_), all.rows[0]!.costNanoUsd);
      // Another price list later divides an open month anew, and a closed one not.
      const other = { ...settings, fixed: () => [] };
      assert.deepEqual(await attributionReport({ ledger, settings: other, window: OCTOBER }), closed);
      await ledger.close();
    });

    test('a month under every kind of contract sums to the invoice that its provider would write', async () => {
      for (const seed of [SEED + 20, SEED + 21]) {
        const ledger = open();
        const { entries } = monthOf(seededRng(seed), count);
        await shipAll(ledger, entries);
        const report = await attributionReport({ ...asked(ledger), settings: contracts });
        const byProvider = Object.fromEntries(report.providers.map((one) => [one.provider, one.billedNanoUsd]));
        assert.deepEqual(byProvider, contractInvoices(entries), `seed ${seed}`);
        assert.equal(sum(report.lines.map(({ amountNanoUsd }) => amountNanoUsd)), report.billedNanoUsd);
        const floor = sum(
          report.lines.filter(({ purpose }) => purpose === 'commitment').map(({ amountNanoUsd }) => amountNanoUsd),
        );
        const half = report.providers.find(({ provider }) => provider === 'anthropic')!.callsNanoUsd / 2n;
        assert.ok([half, half + 1n].includes(usd('900') - floor), 'what the floor adds to half the list price');
        const kinds = new Set(report.lines.map(({ purpose }) => purpose as string));
        for (const kind of FIXED_KINDS) assert.ok(kind === 'gpu' || kinds.has(kind), kind);
        const closed = await closeMonth({ ...asked(ledger), settings: contracts }, epochMs(NOVEMBER.to + DAY));
        assert.deepEqual({ ...closed, closedAt: null }, report);
        await ledger.close();
      }
    });

    test('margins: costs sum to the bill, and prices give what they say', async () => {
      const ledger = open();
      const { entries } = monthOf(seededRng(SEED + 9), count);
      await shipAll(ledger, entries);
      const priced: AttributionSettings = {
        ...settings,
        plans: new Map([['pro', { markupPartsPerMillion: 250_000 }]]),
        tenants: new Map([['initech', { perMonthNanoUsd: nanoUsd(usd('99')) }]]),
      };
      const planOf = (tenant: string): string | null => (tenant === 'globex' ? null : 'pro');
      const report = await marginReport({ ...asked(ledger), settings: priced, planOf });
      assert.equal(sum(report.lines.map(({ costNanoUsd }) => costNanoUsd)), report.billedNanoUsd);
      const of = (wanted: string) => report.lines.find(({ tenant }) => tenant === wanted)!;
      const [acme, globex, initech] = [of('acme'), of('globex'), of('initech')];
      assert.equal(acme.pricedBy, 'plan pro');
      const marked = acme.revenueNanoUsd * 4n - acme.ownCostNanoUsd * 5n;
      assert.ok(marked >= -2n && marked <= 2n);
      assert.deepEqual([globex.pricedBy, globex.revenueNanoUsd, globex.marginRatio], [null, 0n, null]);
      assert.deepEqual([initech.pricedBy, initech.revenueNanoUsd], ['tenant initech', usd('99')]);
      for (const line of report.lines) assert.equal(line.marginNanoUsd, line.revenueNanoUsd - line.costNanoUsd);
      await ledger.close();
    });
  });

/** The same call at another price, as a re-pricing of that time would write it. */
function repricedAt(rng: Rng, entry: LedgerEntry, at: number): { entry: LedgerEntry; moved: bigint } {
  const attempts = entry.attempts.map((one) => ({ ...one, cost: costOf(rng, false) }));
  const costs = attempts.map(({ cost }) => cost);
  const cost = costs.length === 1 ? costs[0]! : costs.reduce(addCost);
  const id = callId(epochMs(at), rng);
  return { entry: { ...entry, id, corrects: entry.id, attempts, cost }, moved: cost.total - entry.cost!.total };
}
