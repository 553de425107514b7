import type { EpochMs } from './brand.ts';

/** The two clocks of a process. Pure code takes their readings as values; only the rim holds a `Clock`. */
export interface Clock {
  /** Wall clock, milliseconds since the epoch. May jump; used for ids, windows and prices. */
  now(): EpochMs;
  /** Monotonic milliseconds with a fraction. Never jumps; used for every duration. */
  mono(): number;
}

/** A wall clock reading (ms since the epoch) as the APIs write it: ISO 8601, UTC, milliseconds. */
export const iso = (at: number): string => new Date(at).toISOString();
