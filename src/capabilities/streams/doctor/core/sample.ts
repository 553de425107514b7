/** What a probe measured: values that the inference works on. Pure. */

/** An event or a heartbeat: when the origin sent it and when it came, both from the start of their own side. */
export interface Arrival {
  readonly sentMs: number;
  readonly gotMs: number;
}

/**
 * How a stream ended for its reader. `complete`: with the terminal event. `clean`: an orderly end of the body without
 * it. `aborted`: the protocol said that it was cut. `refused`: no answer came. `dropped`: the probe left, as it meant
 * to. `bound`: the probe's own time was over.
 */
export type End = 'complete' | 'clean' | 'aborted' | 'refused' | 'dropped' | 'bound';

export interface StreamSample {
  /** Of the answer; null: none came. */
  readonly status: number | null;
  readonly httpVersion: string | null;
  readonly headersMs: number | null;
  readonly contentEncoding: string | null;
  readonly events: readonly Arrival[];
  readonly beats: readonly Arrival[];
  readonly end: End;
  readonly endMs: number;
  /** Of the socket or the WebSocket: `ECONNRESET`, `1006`; null: none. */
  readonly code: string | null;
}

/** Null where there is nothing to take it of. */
export function median(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  const sorted = values.toSorted((a, b) => a - b);
  const half = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}
