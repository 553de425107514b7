/** Amounts of other currencies by dated rates. Pure. */
import { divideHalfEven, nanoUsd, type NanoUsd } from '#kernel/money.ts';

/** Dollars for one unit, from a day on. */
export interface CurrencyRate {
  /** `2026-10-01`, UTC. */
  readonly from: string;
  /** Nano-dollars for one unit. */
  readonly nanoUsd: bigint;
}

export type Currencies = ReadonlyMap<string, readonly CurrencyRate[]>;

const BILLION = 1_000_000_000n;

/** The rate of a day (`2026-10-15`): the last one that began; null where none had. */
export function rateOn(currencies: Currencies, currency: string, day: string): CurrencyRate | null {
  if (currency.toUpperCase() === 'USD') return { from: '', nanoUsd: BILLION };
  const rates = currencies.get(currency.toUpperCase()) ?? [];
  return rates.filter(({ from }) => from <= day).reduce<CurrencyRate | null>(later, null);
}

const later = (found: CurrencyRate | null, rate: CurrencyRate): CurrencyRate =>
  found === null || rate.from > found.from ? rate : found;

/** Thousand-millionths of a unit to nano-dollars, rounded once, half to even. */
export const toUsd = (nanoUnits: bigint, rate: CurrencyRate): NanoUsd =>
  nanoUsd(divideHalfEven(nanoUnits * rate.nanoUsd, BILLION));

/** Nano-dollars to thousand-millionths of a unit. */
export const fromUsd = (amount: bigint, rate: CurrencyRate): bigint => divideHalfEven(amount * BILLION, rate.nanoUsd);
