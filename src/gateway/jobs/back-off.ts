import type { Rng } from '#kernel/rng.ts';

const FIRST_MS = 1_000;
/** A job that fails for an hour is tried six times an hour from then on. */
const LONGEST_MS = 600_000;

/** Wait before the next try: twice as long each time, half of it by chance, so that jobs that failed together part. */
export function backOffMs(attempts: number, rng: Rng): number {
  const full = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempts, 20));
  return Math.round(full / 2 + (full / 2) * rng.next());
}
