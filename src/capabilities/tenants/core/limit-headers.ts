import type { EpochMs } from '#kernel/brand.ts';
import type { LimitHold, LimitRefusal } from '#ports/shared-state.ts';
import type { Limit, LimitUnit } from '#ports/state-store.ts';

/** What OpenAI's headers know: the lanes of the counters. */
const LANES = ['requests', 'tokens'] as const;
type Lane = (typeof LANES)[number];

/** Calls in flight are in no header of OpenAI's. */
const nameOf = (unit: LimitUnit): Lane | null =>
  unit === 'requests' ? 'requests' : unit === 'concurrency' ? null : 'tokens';

/** Lane of a limit; null: it is in no header, as the operator's own limits are in none. */
export function laneOf({ scope, unit }: Pick<Limit, 'scope' | 'unit'>): number | null {
  const name = nameOf(unit);
  return name === null || scope.level === 'operator' ? null : LANES.indexOf(name);
}

/**
 * `x-ratelimit-limit-…`, `-remaining-…` and `-reset-…` as a flat list of names and values: for requests and for tokens
 * the limit with the least left, as it was when the call was admitted.
 */
export function limitHeaders({ tightest }: LimitHold, now: EpochMs): string[] {
  const out: string[] = [];
  for (let i = 0; i < LANES.length; i++) {
    const found = tightest[i];
    if (found === undefined) continue;
    const { line, left, emptyAt } = found;
    out.push(...flat(LANES[i]!, { limit: line.limit, left, resetMs: (emptyAt ?? now) - now }));
  }
  return out;
}

/** Of the limit that refuses; `reset` is when the call fits. */
export function refusedHeaders(
  { unit }: Limit,
  most: number,
  { used, reserved, fitsAt }: LimitRefusal,
  now: EpochMs,
): Record<string, string> {
  const lane = nameOf(unit);
  if (lane === null) return {};
  const headers = flat(lane, { limit: most, left: most - used - reserved, resetMs: (fitsAt ?? now) - now });
  return Object.fromEntries(headers.flatMap((name, i) => (i % 2 === 0 ? [[name, headers[i + 1]!]] : [])));
}

interface Figures {
  readonly limit: number;
  readonly left: number;
  readonly resetMs: number;
}

const flat = (lane: Lane, { limit, left, resetMs }: Figures): string[] => [
  ...[`x-ratelimit-limit-${lane}`, String(limit)],
  ...[`x-ratelimit-remaining-${lane}`, String(Math.max(0, left))],
  ...[`x-ratelimit-reset-${lane}`, goDuration(resetMs)],
];

/** As Go writes a duration, which is how OpenAI's headers look: `6m0s`, `1.5s`, `20ms`. Whole milliseconds, rounded up. */
export function goDuration(ms: number): string {
  const whole = Math.max(0, Math.ceil(ms));
  if (whole > 0 && whole < 1_000) return `${whole}ms`;
  const [hours, minutes] = [Math.floor(whole / 3_600_000), Math.floor(whole / 60_000) % 60];
  const seconds = `${(whole % 60_000) / 1_000}s`;
  if (hours > 0) return `${hours}h${minutes}m${seconds}`;
  return minutes > 0 ? `${minutes}m${seconds}` : seconds;
}
