import { CUMULATIVE, type HistogramPoint, type KeyValue, type Metric, type NumberPoint } from './otlp.ts';

/** Time of a cumulative sum: since when, and now. */
export interface PointTimes {
  readonly startTimeUnixNano: string;
  readonly timeUnixNano: string;
}

/** Sets of attributes that one instrument keeps apart; OpenTelemetry's SDKs have the same limit by default. */
export const MOST_SERIES = 2_000;
/** What stands for all further sets (OpenTelemetry's metrics SDK specification, cardinality limits). */
const OVERFLOW: readonly KeyValue[] = [{ key: 'otel.metric.overflow', value: { boolValue: true } }];

export interface Described {
  readonly name: string;
  readonly description: string;
  readonly unit: string;
}

/** Points by their attributes; the key is worked out once by the caller, who records several instruments alike. */
class Series<T> {
  readonly #points = new Map<string, { readonly attributes: readonly KeyValue[]; readonly value: T }>();
  readonly #make: () => T;

  constructor(make: () => T) {
    this.#make = make;
  }
  of(key: string, attributes: readonly KeyValue[]): T {
    const known = this.#points.get(key);
    if (known) return known.value;
    const full = this.#points.size >= MOST_SERIES && key !== '';
    return full ? this.of('', OVERFLOW) : this.#add(key, attributes);
  }
  #add(key: string, attributes: readonly KeyValue[]): T {
    const value = this.#make();
    this.#points.set(key, { attributes, value });
    return value;
  }
  each(): Iterable<{ readonly attributes: readonly KeyValue[]; readonly value: T }> {
    return this.#points.values();
  }
}

export class Counter {
  readonly #described: Described;
  readonly #whole: boolean;
  readonly #series = new Series(() => ({ sum: 0 }));

  /** @param whole counts are integers; else they are doubles */
  constructor(described: Described, whole: boolean) {
    this.#described = described;
    this.#whole = whole;
  }
  add(key: string, attributes: readonly KeyValue[], value: number): void {
    this.#series.of(key, attributes).sum += value;
  }
  metric(times: PointTimes): Metric {
    const points = [...this.#series.each()].map(({ attributes, value: { sum } }): NumberPoint => ({
      ...times,
      ...(this.#whole ? { asInt: String(Math.round(sum)) } : { asDouble: sum }),
      attributes,
    }));
    return {
      ...this.#described,
      sum: { dataPoints: points, aggregationTemporality: CUMULATIVE, isMonotonic: true },
    };
  }
}

interface Buckets {
  readonly counts: number[];
  count: number;
  sum: number;
}

export class Histogram {
  readonly #described: Described;
  readonly #bounds: readonly number[];
  readonly #series: Series<Buckets>;

  constructor(described: Described, bounds: readonly number[]) {
    this.#described = described;
    this.#bounds = bounds;
    this.#series = new Series(() => ({ counts: new Array<number>(bounds.length + 1).fill(0), count: 0, sum: 0 }));
  }
  record(key: string, attributes: readonly KeyValue[], value: number, times = 1): void {
    const point = this.#series.of(key, attributes);
    let at = 0;
    // A bound is the largest value of its bucket.
    while (at < this.#bounds.length && value > this.#bounds[at]!) at += 1;
    point.counts[at]! += times;
    point.count += times;
    point.sum += value * times;
  }
  metric(times: PointTimes): Metric {
    const points = [...this.#series.each()].map(({ attributes, value: { counts, count, sum } }): HistogramPoint => ({
      ...times,
      count: String(count),
      sum,
      bucketCounts: counts.map(String),
      explicitBounds: this.#bounds,
      attributes,
    }));
    return { ...this.#described, histogram: { dataPoints: points, aggregationTemporality: CUMULATIVE } };
  }
}
