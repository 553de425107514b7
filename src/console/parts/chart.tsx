import uPlot from 'uplot';
import { useEffect, useRef, useState } from 'preact/hooks';
import { dateTime } from '#kernel/format.ts';
import { zone } from '../state/questions.ts';

export interface Series {
  readonly name: string;
  /** 1 to 6, or the colour of trouble. */
  readonly colour: 1 | 2 | 3 | 4 | 5 | 6 | 'bad';
  /** A value a moment; null: not measured. */
  readonly values: readonly (number | null)[];
}

interface ChartProps {
  readonly label: string;
  /** Start of each bar or point, epoch ms. */
  readonly times: readonly number[];
  readonly series: readonly Series[];
  /** `bars` are stacked from zero, in the order of the series. `lines` have gaps where nothing was measured. */
  readonly form: 'bars' | 'lines';
  readonly format: (value: number) => string;
  readonly span: { readonly from: number; readonly to: number };
  readonly stepMs: number;
  /** A stretch that somebody marked with the mouse. */
  readonly onZoom?: (span: { readonly from: number; readonly to: number }) => void;
}

const HEIGHT = 180;
const token = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const colourOf = ({ colour }: Series): string => token(colour === 'bad' ? '--bad' : `--series-${colour}`);

/** Time left to right, zero at the bottom; the legend shows every series at the moment under the cursor. */
export function Chart(props: ChartProps) {
  const { label, times, series, format } = props;
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const [at, setAt] = useState<number | null>(null);
  const theme = useTheme();
  const shape = JSON.stringify([theme, props.form, props.stepMs, series.map(({ name, colour }) => [name, colour])]);
  const latest = useRef(props);
  latest.current = props;
  useEffect(() => {
    const host = box.current!;
    const made = new uPlot(options(latest, host.clientWidth, setAt), dataOf(latest.current), host);
    plot.current = made;
    const sized = new ResizeObserver(() => made.setSize({ width: host.clientWidth, height: HEIGHT }));
    sized.observe(host);
    return () => {
      sized.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [shape]);
  useEffect(() => plot.current?.setData(dataOf(props)), [times, series, props.span.from, props.span.to]);
  return (
    <figure>
      <div class="legend">
        {series.map((one) => (
          <span key={one.name}>
            <span class={`swatch s${one.colour}`} />
            {one.name} <strong>{at === null ? '' : shown(one.values[at] ?? null, format)}</strong>
          </span>
        ))}
        <span class="muted">{at === null ? '\u00a0' : dateTime(times[at] ?? 0, zone())}</span>
      </div>
      <div class="chart" ref={box} role="img" aria-label={`${label}. ${summary(props)}`} />
    </figure>
  );
}

const shown = (value: number | null, format: (value: number) => string): string =>
  value === null ? '–' : format(value);

/** What the picture says, for those who do not see it. */
function summary({ series, format }: ChartProps): string {
  return series
    .map(({ name, values }) => {
      const known = values.filter((value) => value !== null);
      if (known.length === 0) return `${name}: nothing measured`;
      return `${name}: from ${format(Math.min(...known))} to ${format(Math.max(...known))}, last ${format(known.at(-1)!)}`;
    })
    .join('; ');
}

/** Bars are drawn from the tallest: each series carries those below it. */
function dataOf({ times, series, form }: ChartProps): uPlot.AlignedData {
  const seconds = times.map((time) => time / 1000);
  if (form === 'lines') return [seconds, ...series.map(({ values }) => [...values])] as uPlot.AlignedData;
  const sums = series.map((_, n) => times.map((__, i) => sumTo(series, n, i)));
  return [seconds, ...sums.toReversed()] as uPlot.AlignedData;
}

const sumTo = (series: readonly Series[], n: number, i: number): number =>
  series.slice(0, n + 1).reduce((sum, { values }) => sum + (values[i] ?? 0), 0);

function options(
  latest: { readonly current: ChartProps },
  width: number,
  setAt: (at: number | null) => void,
): uPlot.Options {
  const { form, stepMs, series } = latest.current;
  const [line, muted] = [token('--line'), token('--muted')];
  const axis = {
    stroke: muted,
    grid: { stroke: line, width: 1 },
    ticks: { stroke: line, width: 1 },
    font: '12px system-ui',
  };
  const drawn = form === 'bars' ? series.toReversed() : series;
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), zone()),
    padding: [8, 20, 0, 0],
    scales: {
      x: {
        time: true,
        range: () => {
          const { span } = latest.current;
          return [(span.from - (span.from % stepMs)) / 1000, span.to / 1000];
        },
      },
      y: { range: (_, __, most) => [0, most > 0 ? most * 1.08 : 1] },
    },
    axes: [
      { ...axis, values: TIMES },
      { ...axis, size: 72, values: (_, values) => values.map((value) => latest.current.format(value)) },
    ],
    series: [{}, ...drawn.map((one) => seriesOf(one, form))],
    cursor: { y: false, drag: { x: true, y: false }, points: { show: form === 'lines' }, sync: { key: 'console' } },
    hooks: {
      setCursor: [({ cursor }) => setAt(cursor.idx ?? null)],
      setSelect: [(plot) => zoomed(plot, latest.current)],
    },
  };
}

/** 24-hour times; the date where the day changes. */
const TIMES: uPlot.Axis.Values = [
  [86_400, '{MMM} {D}', null, null, null, null, null, null, 1],
  [3_600, '{HH}:{mm}', '\n{MMM} {D}', null, '\n{MMM} {D}', null, null, null, 1],
  [60, '{HH}:{mm}', '\n{MMM} {D}', null, '\n{MMM} {D}', null, null, null, 1],
  [1, '{HH}:{mm}:{ss}', '\n{MMM} {D}', null, '\n{MMM} {D}', null, null, null, 1],
];

function seriesOf(one: Series, form: ChartProps['form']): uPlot.Series {
  const colour = colourOf(one);
  if (form === 'lines')
    return { stroke: colour, width: 2, spanGaps: false, points: { show: true, size: 5, fill: colour, filter: lonely } };
  return {
    fill: colour,
    stroke: colour,
    width: 0,
    points: { show: false },
    paths: uPlot.paths.bars!({ size: [0.85, 60], align: 1 }),
  };
}

/** Less than this was a click. */
const LEAST_PIXELS = 8;

function zoomed(plot: uPlot, { onZoom }: ChartProps): void {
  const { left, width } = plot.select;
  if (!onZoom || width < LEAST_PIXELS) return;
  const moment = (pixel: number): number => Math.round(plot.posToVal(pixel, 'x') * 1000);
  plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  onZoom({ from: moment(left), to: moment(left + width) });
}

/** Changes when the colours do: those of a canvas are its own. */
function useTheme(): string {
  const now = (): string => token('--bg');
  const [theme, setTheme] = useState(now);
  useEffect(() => {
    const changed = (): void => setTheme(now());
    const system = matchMedia('(prefers-color-scheme: dark)');
    const switched = new MutationObserver(changed);
    system.addEventListener('change', changed);
    switched.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] });
    return () => {
      system.removeEventListener('change', changed);
      switched.disconnect();
    };
  }, []);
  return theme;
}

/** Indexes of values with nothing beside them: no line leads to them, and without a point they would not be seen. */
function lonely(chart: uPlot, series: number): number[] {
  const values = chart.data[series]!;
  return [...values.keys()].filter((i) => values[i] != null && values[i - 1] == null && values[i + 1] == null);
}
