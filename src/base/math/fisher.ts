import { logChoose } from './log-choose.ts';

/**
 * Fisher's exact test, one-sided: with so many successes among `of` trials here and `otherOf` there, how likely is a
 * share here at least as large, were there no difference? Hypergeometric, summed in logarithms. Throws a RangeError
 * where a count is negative, no whole number or more than its trials.
 */
export function fisherGreater(successes: number, of: number, otherSuccesses: number, otherOf: number): number {
  for (const [count, trials] of [
    [successes, of],
    [otherSuccesses, otherOf],
  ] as const)
    if (!Number.isInteger(count) || !Number.isInteger(trials) || count < 0 || count > trials)
      throw new RangeError(`${count} of ${trials} is no count`);
  const all = successes + otherSuccesses;
  const total = logChoose(of + otherOf, all);
  let p = 0;
  for (let k = successes; k <= Math.min(all, of); k++)
    if (all - k <= otherOf) p += Math.exp(logChoose(of, k) + logChoose(otherOf, all - k) - total);
  return Math.min(1, p);
}
