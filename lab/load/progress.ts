/** The line that a long run shows: how far, how fast, how long still. */

export interface Progress {
  readonly ended: number;
  readonly total: number;
  readonly inFlight: number;
  readonly elapsedMs: number;
}

function duration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** Such as `120/300 calls, 24.0 calls/s, 3 in flight, 8 s left`. */
export function progressLine({ ended, total, inFlight, elapsedMs }: Progress): string {
  const perSecond = elapsedMs > 0 ? (ended / elapsedMs) * 1000 : 0;
  const left = perSecond > 0 ? `${duration(((total - ended) / perSecond) * 1000)} left` : 'no estimate yet';
  return `${ended}/${total} calls, ${perSecond.toFixed(1)} calls/s, ${inFlight} in flight, ${left}`;
}
