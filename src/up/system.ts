import { getRandomValues } from 'node:crypto';
import { epochMs } from '#kernel/brand.ts';
import type { Clock } from '#kernel/clock.ts';
import type { Rng } from '#kernel/rng.ts';

/** The machine's clocks. */
export const systemClock: Clock = {
  now: () => epochMs(Date.now()),
  mono: () => performance.now(),
};

// The operating system is asked for 4 KB at a time: a call for each number costs 1 µs, this 20 ns.
const pool = new Uint32Array(1024);
let at = pool.length;

function draw(): number {
  if (at >= pool.length) {
    getRandomValues(pool);
    at = 0;
  }
  return pool[at++]!;
}

/** The operating system's randomness: 53 bits a number. */
export const systemRng: Rng = {
  next: () => ((draw() >>> 5) * 67_108_864 + (draw() >>> 6)) / 9_007_199_254_740_992,
};
