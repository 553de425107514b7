import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  costOf,
  divideHalfEven,
  nanoUsd,
  parsePricePerMillion,
  parsePricePerUnit,
  parseUsd,
  pricePerMillion,
  usdDecimal,
} from './money.ts';

test('decimal text is read exactly', () => {
  assert.equal(parseUsd('0.15'), 150_000_000n);
  assert.equal(parseUsd('$2.50'), 2_500_000_000n);
  assert.equal(parseUsd('-1'), -1_000_000_000n);
  assert.equal(parsePricePerMillion('2.50'), 2_500_000_000n);
  assert.equal(parsePricePerUnit('1.5e-07'), 150_000_000n);
  assert.equal(parsePricePerUnit('2.5e-06'), parsePricePerMillion('2.5'));
  for (const wrong of ['', 'abc', '1,5', '1.2.3', 'NaN', 'Infinity', '0x10', '1e9999'])
    assert.equal(parseUsd(wrong), null);
});

test('half to even: a column of halves has no drift', () => {
  assert.equal(divideHalfEven(5n, 2n), 2n);
  assert.equal(divideHalfEven(7n, 2n), 4n);
  assert.equal(divideHalfEven(-5n, 2n), -2n);
  assert.equal(divideHalfEven(-7n, 2n), -4n);
});

test('a quotient is never off by more than a half', () => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }),
      fc.bigInt({ min: 1n, max: 10n ** 12n }),
      (value, by) => {
        const error = divideHalfEven(value, by) * by - value;
        assert.ok((error < 0n ? -error : error) * 2n <= by);
      },
    ),
  );
});

test('cost grows with units and is the exact product where it is whole', () => {
  const price = pricePerMillion(2_500_000_000n);
  assert.equal(costOf(1_000_000, price), 2_500_000_000n);
  assert.equal(costOf(0, price), 0n);
  fc.assert(
    fc.property(fc.nat(1e9), fc.nat(1e9), (a, b) => {
      const [low, high] = [Math.min(a, b), Math.max(a, b)];
      assert.ok(costOf(low, price) <= costOf(high, price));
    }),
  );
  assert.throws(() => costOf(-1, price));
  assert.throws(() => costOf(1.5, price));
});

test('decimal text round trips', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(10n ** 17n), max: 10n ** 17n }), (value) => {
      assert.equal(parseUsd(usdDecimal(nanoUsd(value))), value);
    }),
  );
});

test('a cost is the exact product rounded half to even, whether a double holds the product or not', () => {
  const units = fc.oneof(fc.nat(), fc.maxSafeNat(), fc.nat(4096));
  const prices = fc.oneof(fc.bigInt({ min: 0n, max: 10n ** 12n }), fc.bigInt({ min: 0n, max: 2n ** 60n }));
  fc.assert(
    fc.property(units, prices, (count, price) => {
      assert.equal(costOf(count, pricePerMillion(price)), divideHalfEven(BigInt(count) * price, 1_000_000n));
    }),
  );
  for (const [count, cost] of [
    [500_000, 0n],
    [1_500_000, 2n],
    [2_500_000, 2n],
    [2_500_001, 3n],
  ] as const)
    assert.equal(costOf(count, pricePerMillion(1n)), cost);
});
