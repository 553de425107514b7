/** How long a silent stream lives on a way: one stream for each length of silence. Pure. */
import { median, type End, type StreamSample } from './sample.ts';

export interface GapSample {
  /** Between the first event and the second. */
  readonly gapMs: number;
  readonly sample: StreamSample;
}

export interface Idle {
  /** `unclear`: a longer silence lived than one that was cut, or a stream hung. */
  readonly kind: 'open' | 'cut' | 'unclear' | 'unknown';
  /** Silence after which it was cut. */
  readonly cutAtMs: number | null;
  /** The longest silence that lived. */
  readonly livedMs: number | null;
  readonly longestTriedMs: number | null;
  /** How the cut looked: `clean` is a short answer that seems whole. */
  readonly seenAs: End | null;
  readonly code: string | null;
}

const EMPTY = { cutAtMs: null, livedMs: null, longestTriedMs: null, seenAs: null, code: null };
/** Whatever was cut at the end of its own silence lived through it. */
const SLACK_MS = 250;

const hasLived = ({ sample, gapMs }: GapSample): boolean =>
  sample.events.length >= 2 && sample.endMs >= gapMs - SLACK_MS;
/** Silence counts from the first event where that came, else from the request. */
const silenceMs = ({ endMs, events }: StreamSample): number => endMs - (events[0]?.gotMs ?? 0);
const wasCut = ({ sample, gapMs }: GapSample): boolean =>
  (sample.end === 'aborted' || sample.end === 'clean' || (sample.status ?? 0) >= 500) &&
  sample.events.length < 2 &&
  sample.endMs < gapMs + SLACK_MS;

export function idleOf(samples: readonly GapSample[]): Idle {
  const lived = samples.filter(hasLived).map(({ gapMs }) => gapMs);
  const cut = samples.filter((one) => !hasLived(one) && wasCut(one));
  const rest = samples.length - lived.length - cut.length;
  const livedMs = lived.length > 0 ? Math.max(...lived) : null;
  const longestTriedMs = samples.length > 0 ? Math.max(...samples.map(({ gapMs }) => gapMs)) : null;
  if (lived.length + cut.length === 0) return { ...EMPTY, kind: 'unknown', longestTriedMs };
  if (rest > 0) return { ...EMPTY, kind: 'unclear', livedMs, longestTriedMs };
  if (cut.length === 0) return { ...EMPTY, kind: 'open', livedMs, longestTriedMs };
  const cutAtMs = median(cut.map(({ sample }) => silenceMs(sample)))!;
  const { end, code } = cut[0]!.sample;
  const isClear = livedMs === null || livedMs <= Math.min(...cut.map(({ gapMs }) => gapMs));
  return { kind: isClear ? 'cut' : 'unclear', cutAtMs, livedMs, longestTriedMs, seenAs: end, code };
}
