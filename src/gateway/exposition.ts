import type { BucketCounts } from './call-meter.ts';

/** Prometheus' text format 0.0.4: one line a sample. */
export type Sample = readonly [labels: string, value: number];

export const family = (name: string, type: 'counter' | 'gauge', help: string, samples: readonly Sample[]): string[] => [
  `# HELP ${name} ${help}`,
  `# TYPE ${name} ${type}`,
  ...samples.map(([labels, value]) => `${name}${labels} ${value}`),
];

/** A family of one label. */
export const labelled = (label: string, values: ReadonlyMap<string, number>): Sample[] =>
  [...values].map(([value, count]) => [labels({ [label]: value }), count]);

/** Labels in the order given; a value is cut at 128 characters. */
export const labels = (values: Readonly<Record<string, string>>): string =>
  `{${Object.entries(values)
    .map(([name, value]) => `${name}="${escaped(value)}"`)
    .join(',')}}`;

const escaped = (value: string): string =>
  value.slice(0, 128).replace(/[\\"\n]/g, (char) => (char === '\n' ? '\\n' : `\\${char}`));

export interface HistogramSeries {
  readonly labels: Readonly<Record<string, string>>;
  readonly counts: BucketCounts;
}

export function histogram(name: string, help: string, series: Iterable<HistogramSeries>): string[] {
  const lines = [`# HELP ${name} ${help}`, `# TYPE ${name} histogram`];
  for (const { labels: values, counts } of series) {
    let total = 0;
    counts.counts.forEach((count, i) => {
      total += count;
      const le = i < counts.bounds.length ? String(counts.bounds[i]) : '+Inf';
      lines.push(`${name}_bucket${labels({ ...values, le })} ${total}`);
    });
    lines.push(`${name}_sum${labels(values)} ${counts.sum}`, `${name}_count${labels(values)} ${total}`);
  }
  return lines;
}
