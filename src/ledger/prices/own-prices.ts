import type { PriceOverride } from '#ports/state-store.ts';

/**
 * Own prices that match a model, the one that wins first: an exact model before a prefix, a named provider before `*`,
 * then the later day, then the later statement.
 */
export function matchingOwn(own: readonly PriceOverride[], provider: string, model: string): PriceOverride[] {
  return own
    .map((price, order) => ({ price, order, length: matchLength(price.model, model) }))
    .filter(({ price, length }) => length >= 0 && (price.provider === provider || price.provider === '*'))
    .sort((a, b) => rank(b) - rank(a) || b.price.validFrom - a.price.validFrom || b.order - a.order)
    .map(({ price }) => price);
}

const rank = ({ price, length }: { price: PriceOverride; length: number }): number =>
  length * 2 + (price.provider === '*' ? 0 : 1);

/** Longer is better: an exact name beats every prefix. -1: no match. */
function matchLength(pattern: string, model: string): number {
  if (pattern === model) return 10_000;
  return pattern.endsWith('*') && model.startsWith(pattern.slice(0, -1)) ? pattern.length : -1;
}
