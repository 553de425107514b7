/** Whether a hop compresses streams of clients that would take it, and what that does to them. Pure. */
import { deliveryOf, type DeliveryKind } from './delivery.ts';
import type { StreamSample } from './sample.ts';

export interface Compression {
  readonly kind: 'none' | 'compressed' | 'unknown';
  readonly encoding: string | null;
  /** Of the compressed stream. */
  readonly delivery: DeliveryKind;
  /** Whether `cache-control: no-transform` of the origin stops it; null: nothing to stop, or not measured. */
  readonly stoppedByNoTransform: boolean | null;
  /** Whether `content-encoding: identity` of the origin stops it. */
  readonly stoppedByIdentity: boolean | null;
}

export interface CompressionSamples {
  readonly plain: readonly StreamSample[];
  readonly noTransform: readonly StreamSample[];
  readonly identity: readonly StreamSample[];
  readonly expected: number;
}

const encodingOf = (samples: readonly StreamSample[]): string | null =>
  samples.map(({ contentEncoding }) => contentEncoding).find((one) => one !== null && one !== 'identity') ?? null;
const answered = (samples: readonly StreamSample[]): boolean => samples.some(({ status }) => status === 200);

export function compressionOf({ plain, noTransform, identity, expected }: CompressionSamples): Compression {
  const encoding = encodingOf(plain);
  const stopped = (samples: readonly StreamSample[]): boolean | null =>
    encoding === null || !answered(samples) ? null : encodingOf(samples) === null;
  return {
    kind: !answered(plain) ? 'unknown' : encoding === null ? 'none' : 'compressed',
    encoding,
    delivery: deliveryOf(plain, { expected, roundTripMs: null }).kind,
    stoppedByNoTransform: stopped(noTransform),
    stoppedByIdentity: stopped(identity),
  };
}
