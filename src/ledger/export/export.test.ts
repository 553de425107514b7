import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'csv-parse/sync';
import { epochMs, type CallId } from '#kernel/brand.ts';
import { parseUsd } from '#kernel/money.ts';
import { intBetween, seededRng } from '#kernel/rng.ts';
import { everyTenant } from '#kernel/whose.ts';
import type { LedgerEntry } from '#ports/entry.ts';
import { shipped } from '#ports/entry-text.ts';
import { sampleEntry } from '#ports/ledger-store.samples.ts';
import type { LedgerStore } from '#ports/ledger-store.ts';
import { memoryLedger } from '#stores/memory/ledger-store.ts';
import { CALL_COLUMNS, exportText, exportWindow, FOCUS_COLUMNS, type ExportQuestion } from './index.ts';

const SEED = Number(process.env['SEED'] ?? 20261127);
const [HOUR, DAY] = [3_600_000, 86_400_000];
const START = Date.UTC(2026, 10, 28);
const EVERY = { whose: everyTenant('a test') };
const WINDOW = { ...EVERY, from: epochMs(START), to: epochMs(START + 4 * DAY) };

type Row = Record<string, string>;
const rowsOf = (text: string): Row[] => parse(text, { columns: true }) as Row[];

async function textOf(ledger: Pick<LedgerStore, 'calls'>, asked: Partial<ExportQuestion>): Promise<string> {
  const question = {
    format: 'csv',
    period: 'day',
    filter: WINDOW,
    tenantName: (id: string) => `name of ${id}`,
  } as const;
  let text = '';
  for await (const chunk of exportText(ledger, { ...question, ...asked })) text += chunk;
  return text;
}

const sumOf = (rows: readonly Row[], column: string): bigint =>
  rows.reduce((sum, row) => sum + (row[column] === '' ? 0n : parseUsd(row[column]!)!), 0n);

/** Entries of four days over the end of a month, some corrected, in a ledger of its own. */
async function world() {
  const rng = seededRng(SEED);
  const ledger = memoryLedger();
  const entries = Array.from({ length: 900 }, () => sampleEntry(rng, START + intBetween(rng, 0, 4 * DAY - 1)));
  const corrections = entries.slice(0, 60).map((entry): LedgerEntry => {
    const other = sampleEntry(rng, START + 5 * DAY);
    return { ...other, at: entry.at, corrects: entry.id };
  });
  await ledger.ship(shipped([...entries, ...corrections]));
  const [spent] = await ledger.spend({ ...WINDOW, by: [] });
  return { ledger, entries, corrections, spent: spent! };
}

test('the three formats sum to the ledger to the nano-dollar, corrections and all', async (t) => {
  t.diagnostic(`SEED=${SEED}`);
  const { ledger, spent } = await world();
  const csv = rowsOf(await textOf(ledger, {}));
  assert.equal(csv.length, spent.calls);
  assert.equal(sumOf(csv, 'cost_usd'), spent.costNanoUsd);
  const parts = ['input', 'cached_read', 'cache_write', 'output', 'other'];
  assert.equal(
    parts.reduce((sum, part) => sum + sumOf(csv, `cost_${part}_usd`), 0n),
    spent.costNanoUsd,
  );
  for (const period of ['hour', 'day'] as const) {
    const focus = rowsOf(await textOf(ledger, { format: 'focus', period }));
    assert.equal(sumOf(focus, 'BilledCost'), spent.costNanoUsd, period);
    assert.equal(sumOf(focus, 'x_EstimatedCost'), spent.estimatedNanoUsd);
    const output = focus.filter(({ SkuMeter }) => SkuMeter === 'Output tokens');
    const tokens = output.reduce((sum, row) => sum + Number(row['ConsumedQuantity']), 0);
    assert.equal(tokens, spent.outputTokens);
    const millions = output.reduce((sum, row) => sum + parseUsd(row['PricingQuantity']!)!, 0n);
    assert.equal(millions, BigInt(tokens) * 1_000n, 'a nano of a million is a thousandth of a token');
  }
  const lines = (await textOf(ledger, { format: 'jsonl' }))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Row);
  const total = lines.reduce((sum, { cost }) => sum + (cost ? parseUsd((cost as unknown as Row)['total']!)! : 0n), 0n);
  assert.equal(total, spent.costNanoUsd);
  assert.ok('reservedUsd' in lines[0]! && !('reservedNanoUsd' in lines[0]!));
});

test('a row of FOCUS is one group of one period, and filters are the ledger’s own', async () => {
  const { ledger } = await world();
  const focus = rowsOf(await textOf(ledger, { format: 'focus', period: 'hour' }));
  const keys = focus.map((row) =>
    [row['ChargePeriodStart'], row['SubAccountId'], row['SkuId'], row['ResourceId'], row['Tags']].join(),
  );
  assert.equal(new Set(keys).size, focus.length);
  assert.ok(
    focus.some(({ BillingPeriodStart }) => BillingPeriodStart === '2026-12-01T00:00:00Z'),
    'the second month',
  );
  const filter = { ...WINDOW, whose: 'ten_a' as never };
  const own = rowsOf(await textOf(ledger, { format: 'focus', filter }));
  const [spent] = await ledger.spend({ ...filter, by: [] });
  assert.equal(sumOf(own, 'BilledCost'), spent!.costNanoUsd);
  assert.deepEqual([...new Set(own.map(({ SubAccountName }) => SubAccountName))], ['name of ten_a']);
});

test('two exports of neighbouring windows never share a period', () => {
  const at = START + 5 * HOUR + 17;
  const window = exportWindow({
    format: 'focus',
    period: 'hour',
    filter: { ...EVERY, from: epochMs(at), to: epochMs(at + HOUR) },
  });
  assert.deepEqual(window, { from: START + 5 * HOUR, to: START + 7 * HOUR });
  const whole = { from: epochMs(START), to: epochMs(START + DAY) };
  assert.deepEqual(exportWindow({ format: 'focus', period: 'day', filter: { ...EVERY, ...whole } }), whole);
  const exact = { from: epochMs(at), to: epochMs(at + 1) };
  assert.deepEqual(exportWindow({ format: 'csv', period: 'day', filter: { ...EVERY, ...exact } }), exact);
});

test('what others wrote runs in no spreadsheet and breaks no row; a number keeps its sign', async () => {
  const ledger = memoryLedger();
  const rng = seededRng(SEED);
  const evil = ['=cmd|" /C calc"!A0', '+1', '-1+1', '@SUM(A1)', '\t=1', 'a,"b"\r\n=2'];
  const entries = evil.map((text): LedgerEntry => ({
    ...sampleEntry(rng, START),
    ...{ modelAsked: text, labels: {}, session: text, deployment: null, provider: null },
  }));
  await ledger.ship(shipped(entries));
  const rows = rowsOf(await textOf(ledger, {}));
  assert.equal(rows.length, evil.length);
  for (const [row, text] of entries
    .toSorted((a, b) => (a.id < b.id ? -1 : 1))
    .map((entry, i) => [rows[i]!, entry.modelAsked] as const)) {
    assert.equal(row['model'], /^[=+\-@\t]/.test(text) ? `'${text}` : text);
    assert.doesNotMatch(row['session']!, /^[=+\-@\t\r]/);
  }
  for (const row of rowsOf(await textOf(ledger, { format: 'focus' })))
    for (const [name, cell] of Object.entries(row))
      if (!/Cost$/.test(name)) assert.doesNotMatch(cell, /^[=+\-@\t\r]/, name);
});

test('a page at a time: what was not asked for is not read', async () => {
  const { ledger } = await world();
  let [asked, most] = [0, 0];
  const watched: Pick<LedgerStore, 'calls'> = {
    calls: async (question) => {
      asked += 1;
      most = Math.max(most, question.limit);
      return ledger.calls(question);
    },
  };
  const chunks = exportText(watched, { format: 'jsonl', period: 'day', filter: WINDOW, tenantName: (id) => id });
  await chunks.next();
  assert.equal(asked, 1);
  for await (const _ of chunks);
  assert.ok(most <= 200 && asked >= 5, `${asked} pages of ${most}`);
});

test('an unknown price is tokens without money, and counted', async () => {
  const ledger = memoryLedger();
  const entry = { ...sampleEntry(seededRng(3), START), cost: null, priceVersion: null };
  const usage = { ...entry.usage, inputTokens: 10, cachedReadTokens: 4, cacheWriteTokens: null, outputTokens: 7 };
  await ledger.ship(shipped([{ ...entry, id: entry.id as CallId, usage }]));
  const focus = rowsOf(await textOf(ledger, { format: 'focus' }));
  assert.deepEqual(
    focus.map((row) => [row['SkuMeter'], row['ConsumedQuantity'], row['BilledCost'], row['x_UnknownPriceCalls']]),
    [
      ['Cached input tokens', '4', '0', '1'],
      ['Input tokens', '6', '0', '1'],
      ['Output tokens', '7', '0', '1'],
    ],
  );
  assert.equal(rowsOf(await textOf(ledger, {}))[0]!['cost_usd'], '');
});

test('the guide names every column', () => {
  const guide = readFileSync(join(import.meta.dirname, '../../../docs/guides/exports.md'), 'utf8');
  for (const { name, about } of [...CALL_COLUMNS, ...FOCUS_COLUMNS])
    assert.ok(guide.includes(`| \`${name}\` | ${about} |`), name);
});
