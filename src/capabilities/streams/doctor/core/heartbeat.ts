/** Whether heartbeats of the origin reach the reader while they are sent, and keep a silent stream alive. Pure. */
import type { Idle } from './idle.ts';
import { median, type StreamSample } from './sample.ts';

export interface Heartbeat {
  /** `held`: they came, half of them later than the next was due. `cut`: the stream ended in spite of them. */
  readonly kind: 'reach' | 'held' | 'lost' | 'cut' | 'unknown';
  readonly everyMs: number;
  readonly expected: number;
  readonly reached: number;
  readonly worstHeldMs: number | null;
  /** Null: silence alone was not cut, or no silence as long was tried. */
  readonly keepsAlive: boolean | null;
}

/** Of frequent beats on a busy machine. */
const LEAST_TOLERANCE_MS = 300;

export interface BeatSample {
  readonly gapMs: number;
  readonly beatMs: number;
  readonly sample: StreamSample;
}

export function heartbeatOf({ gapMs, beatMs, sample }: BeatSample, idle: Idle): Heartbeat {
  // The last may fall together with the event after the silence.
  const expected = Math.max(1, Math.ceil(gapMs / beatMs) - 1);
  const { beats } = sample;
  const held = heldOf(sample);
  const worstHeldMs = held.length > 0 ? Math.max(...held) : null;
  const isWhole = sample.events.length >= 2;
  const wouldBeCut = idle.kind === 'cut' && idle.cutAtMs! < gapMs;
  const facts = { everyMs: beatMs, expected, reached: beats.length, worstHeldMs };
  if (sample.status !== 200 && sample.status !== 101) return { ...facts, kind: 'unknown', keepsAlive: null };
  const keepsAlive = wouldBeCut ? isWhole : null;
  if (!isWhole) return { ...facts, kind: 'cut', keepsAlive };
  if (beats.length < expected / 2) return { ...facts, kind: 'lost', keepsAlive };
  return { ...facts, kind: median(held)! > Math.max(LEAST_TOLERANCE_MS, beatMs) ? 'held' : 'reach', keepsAlive };
}

/** Against the quickest of all that came: the way itself takes its time. */
function heldOf({ beats, events }: StreamSample): number[] {
  const lags = [...beats, ...events].map(({ sentMs, gotMs }) => gotMs - sentMs);
  const base = Math.min(...lags);
  return beats.map(({ sentMs, gotMs }) => gotMs - sentMs - base);
}
