/** Is a count more than usual, or what chance makes of the usual? Pure. */

import { logChoose } from '#math/log-choose.ts';

/**
 * The chance of `k` or more of `n` where each has the chance `p` (the upper tail of the binomial distribution, exact).
 * 1 where `k` is no more than is to be expected.
 */
export function chanceOf(k: number, n: number, p: number): number {
  if (k <= n * p || k <= 0) return 1;
  if (p <= 0) return 0;
  let term = Math.exp(logChoose(n, k) + k * Math.log(p) + (n - k) * Math.log1p(-p));
  let sum = term;
  for (let i = k; i < n && term > sum * 1e-12; i++) sum += term *= (((n - i) / (i + 1)) * p) / (1 - p);
  return Math.min(1, sum);
}

/** Fewer of the window say nothing of a rate; fewer of the week before, nothing of what is usual. */
export const LEAST_NOW = 20;
export const LEAST_USUAL = 100;
const LEAST_BAD = 3;
/** What is surely more than usual may still be nothing to get up for. */
const RISE = { times: 2, share: 0.01 } as const;
/** Without a usual to compare with. */
export const PLAINLY_BAD = 0.1;

export interface Tally {
  readonly all: number;
  readonly bad: number;
}

/**
 * The chance that what is usual would look like this; 1 where it is no more than usual, or too little to say. Without
 * a usual only a rate from `plainlyBad` on says something; null: none does.
 */
export function moreThanUsual({ all, bad }: Tally, usual: Tally | undefined, plainlyBad: number | null): number {
  if (bad < LEAST_BAD) return 1;
  const rate = bad / all;
  if (!usual || usual.all < LEAST_USUAL)
    return plainlyBad !== null && rate >= plainlyBad ? chanceOf(bad, all, plainlyBad / 10) : 1;
  // One more than were seen: a week without any does not make the next one impossible.
  const expected = (usual.bad + 1) / (usual.all + 1);
  if (rate < expected * RISE.times || rate < expected + RISE.share) return 1;
  return chanceOf(bad, all, expected);
}

/** A minute's calls and how many of them failed. */
export interface Minute {
  readonly at: number;
  readonly calls: number;
  readonly errors: number;
}

const entropy = (errors: number, calls: number): number => {
  if (calls === 0 || errors === 0 || errors === calls) return 0;
  const rate = errors / calls;
  return errors * Math.log(rate) + (calls - errors) * Math.log(1 - rate);
};

/** Twice the logarithm of the likelihood ratio that a change of rate must reach: chance has it once in 5,000 places. */
const CLEAR = 14;

/** The minute in which failures became more frequent; null where no minute stands out. `minutes` in order. */
export function onsetOf(minutes: readonly Minute[]): number | null {
  const all = minutes.reduce((sum, one) => ({ calls: sum.calls + one.calls, errors: sum.errors + one.errors }), NONE);
  const flat = entropy(all.errors, all.calls);
  let [best, at] = [CLEAR / 2, null as number | null];
  let before = NONE;
  for (const minute of minutes) {
    const after = { calls: all.calls - before.calls, errors: all.errors - before.errors };
    const gain = entropy(before.errors, before.calls) + entropy(after.errors, after.calls) - flat;
    const rises = before.calls > 0 && after.errors * before.calls > before.errors * after.calls;
    if (rises && gain > best) [best, at] = [gain, minute.at];
    before = { calls: before.calls + minute.calls, errors: before.errors + minute.errors };
  }
  return at;
}

const NONE = { calls: 0, errors: 0 };
