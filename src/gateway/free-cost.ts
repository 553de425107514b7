import { ZERO_USD } from '#kernel/money.ts';
import type { Cost } from '#ports/entry.ts';

/** What costs nothing, known to. */
export const FREE_COST: Cost = Object.freeze({
  input: ZERO_USD,
  cachedRead: ZERO_USD,
  cacheWrite: ZERO_USD,
  output: ZERO_USD,
  other: ZERO_USD,
  total: ZERO_USD,
});
