/** Exact division of money: what is split sums to what there was, to the nano-dollar. Pure. */
import { invariant } from '#kernel/invariant.ts';

/**
 * Shares of an amount by weights, by largest remainder (Hamilton's method): each share is the exact one rounded down,
 * and what is left goes a unit each to the largest remainders, the first of equals first. Weights are not negative; a
 * sum of zero counts each alike. A negative amount is split as its opposite.
 */
export function splitByWeights(amount: bigint, weights: readonly bigint[]): bigint[] {
  invariant(weights.length > 0, 'there is somebody to split among');
  if (amount < 0n) return splitByWeights(-amount, weights).map((share) => -share);
  const sum = weights.reduce((a, b) => a + b, 0n);
  if (sum === 0n)
    return splitByWeights(
      amount,
      weights.map(() => 1n),
    );
  const shares = weights.map((weight) => (amount * weight) / sum);
  const left = Number(amount - shares.reduce((a, b) => a + b, 0n));
  const byRemainder = weights
    .map((weight, i) => ({ i, remainder: (amount * weight) % sum }))
    .sort((a, b) => (a.remainder === b.remainder ? a.i - b.i : a.remainder > b.remainder ? -1 : 1));
  for (const { i } of byRemainder.slice(0, left)) shares[i]! += 1n;
  return shares;
}

/** Weights that give each tenant the same, and within a tenant each feature the same. `tenants` names that of each. */
export function evenWeights(tenants: readonly string[]): bigint[] {
  const counts = new Map<string, bigint>();
  for (const tenant of tenants) counts.set(tenant, (counts.get(tenant) ?? 0n) + 1n);
  const whole = [...counts.values()].reduce(leastCommonMultiple, 1n);
  return tenants.map((tenant) => whole / counts.get(tenant)!);
}

function leastCommonMultiple(a: bigint, b: bigint): bigint {
  let [x, y] = [a, b];
  while (y !== 0n) [x, y] = [y, x % y];
  return (a / x) * b;
}
