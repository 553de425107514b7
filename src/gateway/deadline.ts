import { HeadgateError } from '#kernel/errors.ts';
import type { Exchange } from './call.ts';

/** The longest that a client may wait: what every timer of ours is below. */
const LONGEST_MS = 172_800_000;

const WHOLE = /^\d{1,15}$/;

/**
 * When the client's patience with the call ends, on the monotonic clock: `x-headgate-deadline-ms` after its arrival,
 * over all attempts together. Null: it set none. Throws a 400 for what is no deadline.
 */
export function deadlineOf({ request }: Exchange, arrivedMono: number): number | null {
  const asked = request.headers['x-headgate-deadline-ms'];
  if (asked === undefined) return null;
  const ms = Number(asked);
  if (typeof asked === 'string' && WHOLE.test(asked) && ms > 0) return arrivedMono + Math.min(ms, LONGEST_MS);
  throw new HeadgateError('invalid_request', {
    field: 'x-headgate-deadline-ms',
    message: 'A deadline is a whole number of milliseconds above 0.',
  });
}

/** Timers of Node may fire so much before their time. */
const CLOCK_MS = 2;

/** Is the client's deadline over? What a timer that was set for it has ended, it has ended. */
export const isPastDeadline = ({ deadlineMono }: Pick<Exchange, 'deadlineMono'>, nowMono: number): boolean =>
  deadlineMono !== null && nowMono >= deadlineMono - CLOCK_MS;

/** The name of the timer in a failure that the client's deadline made. */
export const DEADLINE = 'deadline';
