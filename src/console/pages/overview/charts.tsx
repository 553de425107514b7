import { count, duration, money } from '#kernel/format.ts';
import { nanoUsd } from '#kernel/money.ts';
import { Panel } from '../../parts/basics.tsx';
import { Chart, type Series } from '../../parts/chart.tsx';
import type { Span } from '../../state/place.ts';
import type { SpendFigures } from '../../state/questions.ts';
import { useNavigation } from '../../state/use-place.ts';
import { bucketsOf, STEP_MS, sumsOver, valuesOver, type Bucket } from './series.ts';

/** What all charts of a page have in common; a piece of one that is drawn over becomes the window. */
export function useFrame(span: Span, bucket: Bucket) {
  const { place, go } = useNavigation();
  const onZoom = (window: { from: number; to: number }): void => go({ ...place, window });
  return { times: bucketsOf(span, bucket), span, stepMs: STEP_MS[bucket], onZoom };
}

/** Dollars on an axis. */
export const usd = (value: number): string => money(nanoUsd(BigInt(Math.round(value * 1e9))));

export const partialNote = (bucket: Bucket): string => `by ${bucket}; the first and the last are partial`;

interface RowsProps {
  readonly frame: ReturnType<typeof useFrame>;
  readonly bucket: Bucket;
  readonly rows: readonly SpendFigures[];
}

export const CallsPanel = ({ frame, bucket, rows }: RowsProps) => (
  <Panel title="Calls" note={partialNote(bucket)}>
    <Chart
      {...frame}
      label="Calls over time"
      form="bars"
      format={count}
      series={[
        { name: 'answered', colour: 3, values: sumsOver(frame.times, rows, (row) => row.calls - row.errors) },
        { name: 'failed', colour: 'bad', values: sumsOver(frame.times, rows, (row) => row.errors) },
      ]}
    />
  </Panel>
);

/** `more`: what a page shows beside the quantiles of whole calls. */
export const LatencyPanel = ({ frame, bucket, rows, more = [] }: RowsProps & { readonly more?: readonly Series[] }) => (
  <Panel title="Latency of whole calls" note={`by ${bucket}, within 1 %`}>
    <Chart
      {...frame}
      label="Latency over time"
      form="lines"
      format={duration}
      series={[
        { name: 'p50', colour: 1, values: valuesOver(frame.times, rows, (row) => row.totalMs?.p50 ?? null) },
        { name: 'p99', colour: 4, values: valuesOver(frame.times, rows, (row) => row.totalMs?.p99 ?? null) },
        ...more,
      ]}
    />
  </Panel>
);
