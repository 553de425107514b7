import assert from 'node:assert/strict';
import { test } from 'node:test';
import { intBetween, seededRng } from '#kernel/rng.ts';
import { compare, type Compared, type LedgerHour, type Reason } from './compare.ts';
import { readInvoice, type InvoiceLine } from './invoice.ts';

const SEED = Number(process.env['SEED'] ?? 20_261_127);
const HOUR = 3_600_000;
const START = Date.UTC(2026, 9, 1);
const DAYS = Array.from({ length: 10 }, (_, i) => new Date(START + i * 24 * HOUR).toISOString().slice(0, 10));
const CENT = 10_000_000n;

const hour = (at: number, more: Partial<LedgerHour> = {}): LedgerHour => ({
  ...{ at, model: 'gpt-4o-mini', cost: 1_000_000_000n, estimated: 0n, unknownCost: 0, requests: 10, tokens: 1_000 },
  ...more,
});
const line = (day: string, amount: bigint, more: Partial<InvoiceLine> = {}): InvoiceLine => ({
  ...{ day, model: 'gpt-4o-mini-2024-07-18', amount, currency: 'USD', requests: null, tokens: null },
  ...more,
});
const run = (lines: readonly InvoiceLine[], hours: readonly LedgerHour[], more: Partial<Compared> = {}) =>
  compare({ lines, hours, days: [DAYS[0]!, DAYS.at(-1)!], step: 1n, aliases: new Map(), ...more });
const reasons = (found: ReturnType<typeof run>): Reason[] => [...new Set(found.lines.map(({ reason }) => reason))];
const noon = (i: number): number => START + i * 24 * HOUR + 12 * HOUR;
const sum = (values: readonly bigint[]): bigint => values.reduce((a, b) => a + b, 0n);

test('sides that agree have no gap, whatever the model is called', () => {
  const found = run(
    DAYS.map((day) => line(day, 1_000_000_000n)),
    DAYS.map((_, i) => hour(noon(i))),
  );
  assert.deepEqual([found.gap, found.lines], [0n, []]);
});

test('each reason is found by what makes it', () => {
  const hours = DAYS.map((_, i) => hour(noon(i), { cost: 1_000_000_000n + BigInt(i * i) * 7_000_000n }));
  const exact = hours.map(({ cost }, i) => line(DAYS[i]!, cost));
  const with_ = (i: number, more: Partial<InvoiceLine>) =>
    exact.map((one, at) => (at === i ? { ...one, ...more } : one));
  const ledger = (i: number, more: Partial<LedgerHour>) =>
    hours.map((one, at) => (at === i ? { ...one, ...more } : one));
  const plus = (i: number, by: bigint) => with_(i, { amount: exact[i]!.amount! + by });
  assert.deepEqual(reasons(run([...exact, line(DAYS[3]!, 5n * CENT, { model: 'o9' })], hours)), ['missing']);
  assert.deepEqual(reasons(run(exact.slice(1), hours)), ['not_billed']);
  assert.deepEqual(reasons(run(plus(2, 50n * CENT), ledger(2, { unknownCost: 3 }))), ['unknown_cost']);
  assert.deepEqual(reasons(run(plus(2, 9n * CENT), ledger(2, { estimated: 500_000_000n }))), ['estimated']);
  assert.deepEqual(reasons(run(plus(2, 9n * CENT), hours)), ['unexplained']);
  assert.deepEqual(reasons(run(with_(2, { amount: 2_000_000_000n, tokens: 1_000 }), hours)), ['price']);
  const dearer = exact.map((one) => ({ ...one, amount: (one.amount! * 11n) / 10n }));
  assert.deepEqual(reasons(run(dearer, hours)), ['price']);
  const rounded = exact.map((one) => ({ ...one, amount: ((one.amount! + CENT / 2n) / CENT) * CENT }));
  assert.deepEqual(reasons(run(rounded, hours, { step: CENT })), ['rounding']);
});

test('tokens that the ledger has not are missing, and the rest of such a cell is another price', () => {
  const [invoiced] = [line(DAYS[0]!, 4_000_000_000n, { tokens: 2_000 })];
  const found = run([invoiced!], [hour(noon(0))], { days: [DAYS[0]!, DAYS[0]!] });
  const missing = found.lines.find(({ reason }) => reason === 'missing')!;
  assert.equal(missing.gap, 2_000_000_000n);
  assert.equal(sum(found.lines.map(({ gap }) => gap)), found.gap);
});

test('an invoice whose days begin elsewhere is read so, and what that moves over the edges is a line', () => {
  const rng = seededRng(SEED);
  const hours = Array.from({ length: 24 * 12 }, (_, i) =>
    hour(START - 24 * HOUR + i * HOUR, { cost: BigInt(intBetween(rng, 1, 90_000_000)) }),
  );
  for (const offset of [-9, 5, 8]) {
    const lines = DAYS.map((day) => {
      const from = Date.parse(day) + offset * HOUR;
      const own = hours.filter(({ at }) => at >= from && at < from + 24 * HOUR);
      return line(day, sum(own.map(({ cost }) => cost)));
    });
    const found = run(lines, hours);
    assert.equal(found.offsetHours, offset, `seed ${SEED}`);
    assert.deepEqual(reasons(found), ['time_zone']);
    assert.equal(found.lines[0]!.gap, found.gap);
  }
});

test('lines of any two sides sum to the gap', () => {
  for (let seed = SEED; seed < SEED + 100; seed++) {
    const rng = seededRng(seed);
    const pick = (most: number) => intBetween(rng, 0, most);
    const hours = Array.from({ length: pick(60) }, () =>
      hour(START + pick(239) * HOUR, {
        ...{ model: `m-${pick(3)}`, cost: BigInt(pick(9e8)), estimated: BigInt(pick(1) * pick(9e8)) },
        ...{ unknownCost: pick(1), requests: pick(9), tokens: pick(900) },
      }),
    );
    const lines = Array.from({ length: pick(40) + 1 }, () =>
      line(DAYS[pick(9)]!, BigInt(pick(9e8)), { model: `m-${pick(4)}`, tokens: pick(1) ? pick(900) : null }),
    );
    const found = run(lines, hours, { step: BigInt(10 ** pick(7)) });
    assert.equal(sum(found.lines.map(({ gap }) => gap)), found.gap, `seed ${seed}`);
    assert.equal(found.gap, found.invoice - found.ledger);
  }
});

const FILES: Readonly<Record<string, readonly [text: string, lines: number, first: Partial<InvoiceLine>]>> = {
  'openai costs': [
    'start_time,end_time,start_time_iso,end_time_iso,amount_value,amount_currency,quantity,quantity_unit,line_item\n' +
      '1790467200,1790553600,2026-09-27T00:00:00+00:00,2026-09-28T00:00:00+00:00,,,,,\n' +
      '1790553600,1790640000,2026-09-28T00:00:00,2026-09-29T00:00:00,0.003835980000000000000000000000,usd,,,"gpt-5-nano, input"\n',
    1,
    { day: '2026-09-28', model: 'gpt-5-nano', amount: 3_835_980n, currency: 'USD', tokens: null },
  ],
  'openai usage': [
    'start_time,end_time,project_id,num_model_requests,model,input_tokens,output_tokens,input_cached_tokens\n' +
      '1790553600,1790640000,p,12,gpt-5-nano-2026-08-07,1000,20,900\n',
    1,
    { day: '2026-09-28', model: 'gpt-5-nano-2026-08-07', amount: null, requests: 12, tokens: 1_020 },
  ],
  'anthropic costs': [
    '\uFEFFusage_date_utc,model,workspace,api_key,usage_type,context_window,token_type,cost_usd,list_price_usd,cost_type\n' +
      '2026-08-04,Claude Haiku 4.5,Default,k,message,≤ 200k,input_no_cache,0.05,0.05,token\n' +
      '2026-08-04,Claude Haiku 4.5,Default,k,message,≤ 200k,output,0.02,0.02,token\n',
    2,
    { day: '2026-08-04', model: 'Claude Haiku 4.5', amount: 50_000_000n },
  ],
  'anthropic usage': [
    'usage_date_utc,model_version,usage_input_tokens_no_cache,usage_input_tokens_cache_write_5m,usage_input_tokens_cache_write_1h,usage_input_tokens_cache_read,usage_output_tokens\n' +
      '2026-08-04,claude-haiku-4-5-20251001,1,20,300,4000,50000\n',
    1,
    { model: 'claude-haiku-4-5-20251001', amount: null, tokens: 54_321 },
  ],
};

test('exports of OpenAI and Anthropic are known by their heads', async () => {
  for (const [format, [text, count, first]] of Object.entries(FILES)) {
    const invoice = await readInvoice(text, 'export.csv', null);
    assert.deepEqual([invoice.format, invoice.lines.length], [format, count]);
    for (const [name, value] of Object.entries(first))
      assert.equal(invoice.lines[0]![name as keyof InvoiceLine], value, `${format}: ${name}`);
  }
});

test('a row that cannot be read is named, and nothing is guessed', async () => {
  const head = 'usage_date_utc,model,cost_usd\n';
  await assert.rejects(
    readInvoice(`${head}2026-08-04,m,lots\n`, 'a.csv', null),
    /a\.csv, record 1: “lots” is no amount/,
  );
  await assert.rejects(readInvoice(`${head}August,m,1\n`, 'a.csv', null), /“August” is no day/);
  await assert.rejects(readInvoice('x,y\n1,2\n', 'a.csv', null), /head that is not known: it has x, y/);
  await assert.rejects(readInvoice(head, 'a.csv', null), /it has no rows/);
});
