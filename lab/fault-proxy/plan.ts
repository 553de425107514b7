/** What the proxy does to a connection, as data: the same plan works from a test and from a JSON file. */
import { z } from 'zod';

const bytes = z.int().min(0);
const directionSchema = z.strictObject({
  delayMs: z.number().min(0).optional(),
  jitterMs: z.number().min(0).optional(),
  bytesPerSecond: z.int().min(1).optional(),
  holdBytes: z.int().min(1).optional(),
  chunkBytes: z.int().min(1).optional(),
  slowReadBytesPerSecond: z.int().min(1).optional(),
  cutAfterBytes: bytes.optional(),
  halfCloseAfterBytes: bytes.optional(),
  blackHoleAfterBytes: bytes.optional(),
});

const connectionSchema = z.strictObject({
  refuse: z.boolean().optional(),
  toServer: directionSchema.optional(),
  toClient: directionSchema.optional(),
});

/**
 * Faults of one direction of a connection; without any, bytes pass as they come.
 * - `delayMs`, `jitterMs`: each chunk arrives later by that much, plus a uniform share of the jitter, in order.
 * - `bytesPerSecond`: a slow link; what waits is buffered, then the sender is held back.
 * - `holdBytes`: nothing passes until so many bytes have come or the sender has ended; then all of it (a buffering hop).
 * - `chunkBytes`: passed on in pieces of this size (letters, lines and events torn apart).
 * - `slowReadBytesPerSecond`: the sender's bytes are read no faster than this: a slow reader, seen as backpressure.
 * - `cutAfterBytes`: after exactly so many bytes both sides get a reset.
 * - `halfCloseAfterBytes`: after so many bytes the receiver sees an orderly end; the other direction goes on.
 * - `blackHoleAfterBytes`: after so many bytes the rest is accepted and never passed on; nor is the end.
 */
export type DirectionFaults = z.infer<typeof directionSchema>;

/** Faults of a connection. `refuse` resets it at once, before the target is dialled. */
export type ConnectionPlan = z.infer<typeof connectionSchema>;

/** Uniform in [0, 1). */
export type Rng = () => number;

/** One plan for all, a list that is cycled, or a choice by connection number (from 0) and seeded randomness. */
export type FaultPlan =
  ConnectionPlan | readonly ConnectionPlan[] | ((connectionIndex: number, rng: Rng) => ConnectionPlan);

const planSchema = z.union([connectionSchema, z.array(connectionSchema).min(1)]);

/** Reads a plan from parsed JSON. Throws a `ZodError` that names each wrong or unknown field. */
export function parsePlan(value: unknown): ConnectionPlan | readonly ConnectionPlan[] {
  return planSchema.parse(value);
}

/** The plan of connection number `index`. */
export function planFor(plan: FaultPlan, index: number, rng: Rng): ConnectionPlan {
  if (typeof plan === 'function') return plan(index, rng);
  if (!isList(plan)) return plan;
  return plan[index % plan.length] ?? {};
}

const isList = (plan: ConnectionPlan | readonly ConnectionPlan[]): plan is readonly ConnectionPlan[] =>
  Array.isArray(plan);

/** mulberry32: each connection gets its own generator, so that the order of events does not change the draws. */
export function seededRng(seed: number): Rng {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
