import type { PriceOverride } from '#ports/state-store.ts';

/**
 * Own prices that match a model, the one that wins first: an exact model before a prefix, an account of a provider
 * (`openai@acme`) before the provider, a named provider before `*`, then the later day, then the later statement.
 */
export function matchingOwn(own: readonly PriceOverride[], provider: string, model: string): PriceOverride[] {
  return own
    .map((price, order) => ({ price, order, length: matchLength(price.model, model) }))
    .filter(({ price, length }) => length >= 0 && nearness(price.provider, provider) >= 0)
    .sort((a, b) => rank(b, provider) - rank(a, provider) || b.price.validFrom - a.price.validFrom || b.order - a.order)
    .map(({ price }) => price);
}

const rank = ({ price, length }: { price: PriceOverride; length: number }, provider: string): number =>
  length * 3 + nearness(price.provider, provider);

/** Nearer is better; -1: no match. An account that a layer has is named after its provider. */
function nearness(stated: string, provider: string): number {
  if (stated === provider) return 2;
  if (stated === '*') return 0;
  return provider.startsWith(`${stated}@`) ? 1 : -1;
}

/** Longer is better: an exact name beats every prefix. -1: no match. */
function matchLength(pattern: string, model: string): number {
  if (pattern === model) return 10_000;
  return pattern.endsWith('*') && model.startsWith(pattern.slice(0, -1)) ? pattern.length : -1;
}
