import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { nanoUsd, parseUsd } from './money.ts';
import {
  change,
  count,
  dateTime,
  duration,
  money,
  qualifiedMoney,
  ratioOf,
  share,
  tokens,
  windowLength,
} from './format.ts';

const SEED = Number(process.env['SEED'] ?? 20261124);
const check = <T>(property: fc.IProperty<T>): void => fc.assert(property, { seed: SEED, numRuns: 500 });
const usd = (text: string): string => money(parseUsd(text));

test('money: two decimals from a dollar up, five below, two digits below a hundredth of a cent', () => {
  const cases: [string, string][] = [
    ['0', '$0'],
    ['12.47', '$12.47'],
    ['1756.52', '$1,756.52'],
    ['1234567.891', '$1,234,567.89'],
    ['1', '$1.00'],
    ['0.999999', '$1.00'],
    ['0.5', '$0.50'],
    ['0.031', '$0.031'],
    ['0.011148', '$0.01115'],
    ['0.00031', '$0.00031'],
    ['0.000031', '$0.000031'],
    ['0.0000999', '$0.0001'],
    ['0.000000001', '$0.000000001'],
    ['-1.2', '−$1.20'],
  ];
  for (const [value, text] of cases) assert.equal(usd(value), text, value);
  assert.equal(money(null), '–');
  assert.equal(qualifiedMoney(parseUsd('2'), { estimated: true, partial: true }), '≥≈$2.00');
});

const amount = fc.bigInt({ min: -(10n ** 18n), max: 10n ** 18n });
const back = (text: string): bigint => parseUsd(text.replaceAll(',', '').replace('−', '-'))!;

test('money: what differs from zero never looks like zero, and what is shown is near', () => {
  check(
    fc.property(amount, (value) => {
      const shown = back(money(nanoUsd(value)));
      assert.equal(shown === 0n, value === 0n);
      const error = shown > value ? shown - value : value - shown;
      const size = value < 0n ? -value : value;
      const bound = size >= 999_995_000n ? 5_000_000n : size >= 100_000n ? 5_000n : size / 10n;
      assert.ok(error <= bound, `${value} is shown as ${money(nanoUsd(value))}`);
    }),
  );
});

test('money: a larger amount is never shown as a smaller one', () => {
  check(
    fc.property(amount, amount, (a, b) => {
      const [low, high] = a < b ? [a, b] : [b, a];
      assert.ok(back(money(nanoUsd(low))) <= back(money(nanoUsd(high))));
    }),
  );
});

test('tokens, counts, times, shares and changes', () => {
  assert.deepEqual([0, 612, 4112, 9999].map(tokens), ['0', '612', '4,112', '9,999']);
  assert.deepEqual([12_345, 999_999, 1_240_000, 2_500_000_000].map(tokens), ['12.3 k', '1.00 M', '1.24 M', '2.50 B']);
  assert.equal(tokens(null), '–');
  assert.equal(count(1_234_567), '1,234,567');
  assert.deepEqual([0, 0.01, 0.4, 9.96, 83, 999.6, 1240, 12_400].map(duration), [
    '0 ms',
    '<0.1 ms',
    '0.4 ms',
    '10 ms',
    '83 ms',
    '1.00 s',
    '1.24 s',
    '12.4 s',
  ]);
  assert.deepEqual([252_000, 12_000_000, 604_800_000, null].map(duration), ['4 min 12 s', '3 h 20 min', '7 d', '–']);
  assert.deepEqual([0, 0.0001, 0.124, 1, null].map(share), ['0 %', '<0.1 %', '12.4 %', '100.0 %', '–']);
  assert.deepEqual([0, 0.38, -0.04, 11, null].map(change), ['0 %', '+38 %', '−4 %', '×12', 'new']);
  assert.equal(ratioOf(1n, 0n), null);
  assert.deepEqual([604_800_000, 86_400_000, 3_600_000].map(windowLength), ['7 days', '1 day', '1 h']);
  assert.equal(dateTime(Date.UTC(2026, 10, 23, 13), 'Europe/Berlin'), '2026-11-23 14:00');
});

test('durations grow with what they measure', () => {
  const units: Record<string, number> = { ms: 1, s: 1e3, min: 6e4, h: 3.6e6, d: 8.64e7 };
  const read = (text: string): number =>
    [...text.replace('<', '').matchAll(/([\d.,]+) (ms|s|min|h|d)/g)].reduce(
      (sum, [, value, unit]) => sum + Number(value!.replaceAll(',', '')) * units[unit!]!,
      0,
    );
  const ms = fc.double({ min: 0, max: 1e10, noNaN: true });
  check(
    fc.property(ms, ms, (a, b) => {
      const [low, high] = a < b ? [a, b] : [b, a];
      assert.ok(read(duration(low)) <= read(duration(high)) + 1e-6, `${low} ${high}`);
    }),
  );
});
