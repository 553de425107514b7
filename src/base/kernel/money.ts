import type { Brand } from './brand.ts';
import { invariant } from './invariant.ts';

/** Integer nano-dollars (10^-9 USD). BigInt: a sum over a year of a large company passes 2^53. */
export type NanoUsd = Brand<bigint, 'NanoUsd'>;
/** Integer nano-dollars for a million units (tokens, images, seconds). */
export type PricePerMillion = Brand<bigint, 'PricePerMillion'>;

export const nanoUsd = (value: bigint): NanoUsd => value as NanoUsd;
export const pricePerMillion = (value: bigint): PricePerMillion => value as PricePerMillion;
export const ZERO_USD = nanoUsd(0n);

export const addUsd = (a: NanoUsd, b: NanoUsd): NanoUsd => (a + b) as NanoUsd;
export const subUsd = (a: NanoUsd, b: NanoUsd): NanoUsd => (a - b) as NanoUsd;
export const maxUsd = (a: NanoUsd, b: NanoUsd): NanoUsd => (a > b ? a : b);
export const minUsd = (a: NanoUsd, b: NanoUsd): NanoUsd => (a < b ? a : b);
export const sumUsd = (values: Iterable<NanoUsd>): NanoUsd => {
  let total = 0n;
  for (const value of values) total += value;
  return total as NanoUsd;
};

/** Quotient rounded half to even: a long column of halves then has no drift. `by` > 0. */
export function divideHalfEven(value: bigint, by: bigint): bigint {
  invariant(by > 0n, 'divisor is positive');
  let quotient = value / by;
  let rest = value % by;
  if (rest < 0n) {
    quotient -= 1n;
    rest += by;
  }
  const twice = rest * 2n;
  return twice > by || (twice === by && (quotient & 1n) === 1n) ? quotient + 1n : quotient;
}

const MILLION = 1_000_000n;

/** Cost of `units` at a price for a million: exact product, rounded once. This is the only rounding of a part. */
export function costOf(units: number, price: PricePerMillion): NanoUsd {
  invariant(Number.isSafeInteger(units) && units >= 0, 'units are a count');
  const product = units * Number(price);
  // Nearly every product is an integer that a double holds exactly: five operations on BigInts are saved.
  if (product >= 0 && product <= Number.MAX_SAFE_INTEGER) return BigInt(millionthHalfEven(product)) as NanoUsd;
  return divideHalfEven(BigInt(units) * price, MILLION) as NanoUsd;
}

/** A millionth of a safe integer >= 0, rounded half to even. The remainder of two safe integers is exact. */
function millionthHalfEven(value: number): number {
  const rest = value % 1_000_000;
  const quotient = (value - rest) / 1_000_000;
  const up = rest > 500_000 || (rest === 500_000 && quotient % 2 === 1);
  return up ? quotient + 1 : quotient;
}

const DECIMAL = /^(-?)(\d{1,15})(?:\.(\d{1,18}))?(?:[eE]([+-]?\d{1,3}))?$/;

/** Reads a decimal number of dollars ("0.15", "1e-7", "$2.50") to nano-dollars times `scale`, or null. Exact: no float. */
function readScaled(text: string, scale: bigint): bigint | null {
  const match = DECIMAL.exec(text.trim().replace(/^(-?)\$/, '$1'));
  if (!match) return null;
  const [, sign, whole, fraction = '', exponent = '0'] = match;
  const digits = BigInt(whole + fraction) * scale * (sign ? -1n : 1n);
  const shift = Number(exponent) - fraction.length + 9;
  return shift >= 0 ? digits * 10n ** BigInt(shift) : divideHalfEven(digits, 10n ** BigInt(-shift));
}

/** Dollars in decimal text to nano-dollars, or null where the text is no amount. */
export const parseUsd = (text: string): NanoUsd | null => readScaled(text, 1n) as NanoUsd | null;
/** A price in dollars for one million units, as price lists write it, or null. */
export const parsePricePerMillion = (text: string): PricePerMillion | null =>
  readScaled(text, 1n) as PricePerMillion | null;
/** A price in dollars for one unit (LiteLLM's form, "1.5e-07") to one for a million, or null. */
export const parsePricePerUnit = (text: string): PricePerMillion | null =>
  readScaled(text, MILLION) as PricePerMillion | null;

/** Exact decimal dollars without a sign of currency: the form for machines ("0.01115"). */
export function usdDecimal(value: NanoUsd): string {
  const absolute = value < 0n ? -value : value;
  const fraction = (absolute % 1_000_000_000n).toString().padStart(9, '0').replace(/0+$/, '');
  return `${value < 0n ? '-' : ''}${absolute / 1_000_000_000n}${fraction ? `.${fraction}` : ''}`;
}
