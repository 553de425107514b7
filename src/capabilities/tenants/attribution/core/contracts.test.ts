import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attribute, billedOf, type AttributedCharge, type FixedCost } from './attribute.ts';
import { stepped } from './contracts.ts';
import { dayStart } from './months.ts';

const USD = 1_000_000_000n;
const called = (more: Partial<AttributedCharge>): AttributedCharge => ({
  ...{ provider: 'openai', tenant: 'acme', feature: null, kind: 'generate', use: 'answer', attempts: 1 },
  ...{ tokens: 0, outputTokens: 0, costNanoUsd: 0n, cacheWriteNanoUsd: 0n },
  ...more,
});
const at = { provider: 'openai', rule: 'cost' } as const;
const billed = (charges: readonly AttributedCharge[], ...fixed: readonly FixedCost[]): bigint =>
  billedOf({ charges, shared: [], fixed });

test('volume: only what lies beyond a step has its percent', () => {
  const steps = [
    { over: 1_000n * USD, rate: 50_000n },
    { over: 5_000n * USD, rate: 125_000n },
  ];
  const volume: FixedCost = { ...at, name: 'volume', kind: 'volume', steps };
  const of = (usd: bigint): bigint => billed([called({ costNanoUsd: usd * USD })], volume);
  assert.equal(of(1_000n), 1_000n * USD);
  assert.equal(of(3_000n), 2_900n * USD);
  // 1,000 + 4,000 less 5 % + 2,000 less 12.5 %
  assert.equal(of(7_000n), 6_550n * USD);
});

test('token prices: the first tokens at one price, the next at another, in place of the list', () => {
  const charges = [
    called({ tokens: 900_000, outputTokens: 100_000, costNanoUsd: 77n }),
    called({ tenant: 'globex', tokens: 2_100_000, outputTokens: 900_000, costNanoUsd: 99n }),
    called({ provider: 'other', tokens: 5_000_000, costNanoUsd: 1n }),
  ];
  const steps = (over: bigint, first: bigint, next: bigint) => [
    { over: 0n, rate: first },
    { over, rate: next },
  ];
  const price = (of: Extract<FixedCost, { kind: 'token_price' }>['steps']): FixedCost => ({
    ...{ ...at, name: 'step-price', kind: 'token_price', steps: of },
  });
  // 3 M tokens: 2 M at $1, 1 M at $0.50; the other provider’s nano-dollar stays.
  assert.equal(billed(charges, price({ tokens: steps(2_000_000n, USD, USD / 2n) })), 2_500_000_000n + 1n);
  // 2 M of input at $1 and 1 M of output, of which the first half at $4 and the next at $3.
  const apart = price({ input: steps(9_000_000n, USD, 0n), output: steps(500_000n, 4n * USD, 3n * USD) });
  assert.equal(billed(charges, apart), 2n * USD + 3_500_000_000n + 1n);
});

test('the rounding of a token price is once, half to even', () => {
  assert.equal(stepped(1_500_000n, [{ over: 0n, rate: 1n }]), 1_500_000n);
  const price: FixedCost = { ...at, name: 'p', kind: 'token_price', steps: { tokens: [{ over: 0n, rate: 1n }] } };
  assert.equal(billed([called({ tokens: 1_500_000 })], price), 2n);
  assert.equal(billed([called({ tokens: 2_500_000 })], price), 2n);
});

test('measured by the bill: a floor counts what is paid, and a credit pays no more than there is', () => {
  const charges = [called({ costNanoUsd: 1_000n })];
  const rebate: FixedCost = { ...at, name: 'rebate', kind: 'discount', partsPerMillion: 200_000 };
  const floor = (afterOthers: boolean): FixedCost => ({
    ...{ ...at, name: 'floor', kind: 'commitment', amountNanoUsd: 900n, afterOthers },
  });
  const credit = (afterOthers: boolean): FixedCost => ({
    ...{ ...at, name: 'credit', kind: 'credit', amountNanoUsd: 5_000n, afterOthers },
  });
  assert.equal(billed(charges, floor(false), rebate), 800n);
  assert.equal(billed(charges, floor(true), rebate), 900n);
  assert.equal(billed(charges, credit(false), rebate), -200n);
  assert.equal(billed(charges, credit(true), rebate), 0n);
  assert.equal(billed(charges, credit(true), floor(true), rebate), 0n);
});

test('what began within the month is of those who called since, by what they called since', () => {
  const before = called({ tenant: 'early', costNanoUsd: 600n });
  const since = [called({ tenant: 'late', costNanoUsd: 300n }), called({ tenant: 'later', costNanoUsd: 100n })];
  const rebate: FixedCost = { ...at, name: 'r', kind: 'discount', partsPerMillion: 500_000, charges: since };
  const lines = attribute({ charges: [before, ...since], shared: [], fixed: [rebate] });
  const of = lines.filter(({ bucket }) => bucket === 'r').map(({ tenant, amountNanoUsd }) => [tenant, amountNanoUsd]);
  assert.deepEqual(Object.fromEntries(of), { late: -150n, later: -50n });
});

test('a day begins at midnight of its zone', () => {
  for (const [zone, begins] of [
    ['UTC', '2026-11-15T00:00:00.000Z'],
    ['Europe/Berlin', '2026-11-14T23:00:00.000Z'],
    ['Pacific/Auckland', '2026-11-14T11:00:00.000Z'],
    ['Pacific/Kiritimati', '2026-11-14T10:00:00.000Z'],
    ['Pacific/Pago_Pago', '2026-11-15T11:00:00.000Z'],
    ['Asia/Kathmandu', '2026-11-14T18:15:00.000Z'],
  ] as const)
    assert.equal(new Date(dayStart('2026-11-15', zone)).toISOString(), begins, zone);
});
