/** Distance of two samples' distributions, and how likely at least as large a one is where there is none. */
export interface KsResult {
  /** Largest difference of the two empirical distribution functions, 0 to 1. */
  readonly d: number;
  readonly p: number;
}

/** Samples up to this size are counted exactly: paths through a grid of n by m points. */
const MOST_EXACT = 2_000;

/**
 * One-sided two-sample test: is `a` smaller than `b`? D⁺ is the most by which the share of `a` up to a value exceeds
 * that of `b`. Equal sizes: p = C(2n, n-h) / C(2n, n) with h = n·D⁺ (Gnedenko and Korolyuk, 1951); unequal ones: paths
 * of the grid that stay below the distance are counted (Hodges, 1957). Ties count as they stand, which errs to a larger
 * p. Above 2,000 values a sample exp(-2·D²·nm/(n+m)), its limit. Throws a RangeError where a sample is empty or holds
 * what is no number.
 */
export function ksOneSided(a: readonly number[], b: readonly number[]): KsResult {
  const { above } = differences(a, b);
  const [n, m] = [a.length, b.length];
  const d = above / (n * m);
  if (above <= 0) return { d: 0, p: 1 };
  if (Math.max(n, m) > MOST_EXACT) return { d, p: Math.exp((-2 * d * d * n * m) / (n + m)) };
  if (n === m) return { d, p: equalSizes(n, Math.round(above / m)) };
  return { d, p: pathsThatReach(n, m, above, false) };
}

/**
 * Two-sided two-sample test: do `a` and `b` come of one distribution? D is the largest difference either way. Exact by
 * paths (Hodges, 1957), above 2,000 values a sample by Kolmogorov's limit. Throws as {@link ksOneSided}.
 */
export function ksTwoSample(a: readonly number[], b: readonly number[]): KsResult {
  const { above, below } = differences(a, b);
  const [n, m] = [a.length, b.length];
  const most = Math.max(above, below);
  const d = most / (n * m);
  if (most <= 0) return { d: 0, p: 1 };
  if (Math.max(n, m) <= MOST_EXACT) return { d, p: pathsThatReach(n, m, most, true) };
  const x = d * Math.sqrt((n * m) / (n + m));
  let p = 0;
  for (let k = 1; k <= 100; k++) p += 2 * (k % 2 === 1 ? 1 : -1) * Math.exp(-2 * k * k * x * x);
  return { d, p: Math.min(1, Math.max(0, p)) };
}

/** Differences of the distribution functions at their largest, in units of 1/(n·m): whole numbers. */
function differences(a: readonly number[], b: readonly number[]): { readonly above: number; readonly below: number } {
  const [x, y] = [sorted(a), sorted(b)];
  const [n, m] = [x.length, y.length];
  let [i, j, above, below] = [0, 0, 0, 0];
  while (i < n && j < m) {
    const value = Math.min(x[i]!, y[j]!);
    while (i < n && x[i] === value) i++;
    while (j < m && y[j] === value) j++;
    above = Math.max(above, i * m - j * n);
    below = Math.max(below, j * n - i * m);
  }
  return { above, below };
}

function sorted(values: readonly number[]): Float64Array {
  if (values.length === 0 || !values.every(Number.isFinite)) throw new RangeError('a sample is empty, or no numbers');
  return Float64Array.from(values).sort();
}

/** C(2n, n-h) / C(2n, n) as a product of h factors. */
function equalSizes(n: number, h: number): number {
  let p = 1;
  for (let i = 0; i < h; i++) p *= (n - i) / (n + h - i);
  return p;
}

/**
 * Share of the paths from (0, 0) to (n, m) that come to a difference of `reach` or more. Each cell holds the share of
 * paths to it that have, so that no number leaves the range of doubles: a small p is exact to its last digits.
 */
function pathsThatReach(n: number, m: number, reach: number, bothSides: boolean): number {
  const row = new Float64Array(m + 1);
  for (let i = 0; i <= n; i++)
    for (let j = 0; j <= m; j++) {
      const difference = i * m - j * n;
      if (difference >= reach || (bothSides && -difference >= reach)) row[j] = 1;
      else if (i + j === 0) row[j] = 0;
      // Of all paths to (i, j), i of i+j come from (i-1, j).
      else row[j] = (i * (i > 0 ? row[j]! : 0) + j * (j > 0 ? row[j - 1]! : 0)) / (i + j);
    }
  return row[m]!;
}
