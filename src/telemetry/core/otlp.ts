/**
 * OTLP's messages as far as we send them (opentelemetry-proto 1.7, https://github.com/open-telemetry/opentelemetry-proto):
 * types of their JSON form and the tables of their binary one. In JSON, 64-bit integers are decimal text and ids hex.
 */
import { message, type MessageTable } from './protobuf.ts';

export type AnyValue =
  | { readonly stringValue: string }
  | { readonly boolValue: boolean }
  | { readonly intValue: string }
  | { readonly doubleValue: number }
  | { readonly arrayValue: { readonly values: readonly AnyValue[] } };

export interface KeyValue {
  readonly key: string;
  readonly value: AnyValue;
}

export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceState?: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly KeyValue[];
  readonly status?: { readonly message?: string; readonly code: number };
  readonly flags: number;
}

export const SPAN_KIND = { server: 2, client: 3 } as const;
export const STATUS_ERROR = 2;
/** Bits of a span's flags: the sampled flag, "is known whether the parent is remote", "it is". */
export const FLAGS = { sampled: 1, hasRemote: 0x100, isRemote: 0x200 } as const;
export const CUMULATIVE = 2;

export interface NumberPoint {
  readonly startTimeUnixNano: string;
  readonly timeUnixNano: string;
  readonly asDouble?: number;
  readonly asInt?: string;
  readonly attributes: readonly KeyValue[];
}

export interface HistogramPoint {
  readonly startTimeUnixNano: string;
  readonly timeUnixNano: string;
  readonly count: string;
  readonly sum: number;
  readonly bucketCounts: readonly string[];
  readonly explicitBounds: readonly number[];
  readonly attributes: readonly KeyValue[];
}

export interface Metric {
  readonly name: string;
  readonly description: string;
  readonly unit: string;
  readonly gauge?: { readonly dataPoints: readonly NumberPoint[] };
  readonly sum?: {
    readonly dataPoints: readonly NumberPoint[];
    readonly aggregationTemporality: number;
    readonly isMonotonic: boolean;
  };
  readonly histogram?: { readonly dataPoints: readonly HistogramPoint[]; readonly aggregationTemporality: number };
}

export interface Resource {
  readonly attributes: readonly KeyValue[];
}
export interface Scope {
  readonly name: string;
  readonly version: string;
}

export const tracesRequest = (resource: Resource, scope: Scope, spans: readonly Span[]): object => ({
  resourceSpans: [{ resource, scopeSpans: [{ scope, spans }] }],
});
export const metricsRequest = (resource: Resource, scope: Scope, metrics: readonly Metric[]): object => ({
  resourceMetrics: [{ resource, scopeMetrics: [{ scope, metrics }] }],
});

const values: { fields: MessageTable['fields'] } = { fields: [] };
const ANY = message({
  stringValue: [1, 'string'],
  boolValue: [2, 'bool'],
  intValue: [3, 'varint'],
  doubleValue: [4, 'double'],
  arrayValue: [5, values],
});
values.fields = message({ values: [1, ANY] }).fields;

const KEY_VALUE = message({ key: [1, 'string'], value: [2, ANY] });
const RESOURCE = message({ attributes: [1, KEY_VALUE] });
const SCOPE = message({ name: [1, 'string'], version: [2, 'string'] });
const SPAN = message({
  traceId: [1, 'hex'],
  spanId: [2, 'hex'],
  traceState: [3, 'string'],
  parentSpanId: [4, 'hex'],
  name: [5, 'string'],
  kind: [6, 'varint'],
  startTimeUnixNano: [7, 'fixed64'],
  endTimeUnixNano: [8, 'fixed64'],
  attributes: [9, KEY_VALUE],
  status: [15, message({ message: [2, 'string'], code: [3, 'varint'] })],
  flags: [16, 'fixed32'],
});
const NUMBER_POINT = message({
  startTimeUnixNano: [2, 'fixed64'],
  timeUnixNano: [3, 'fixed64'],
  asDouble: [4, 'double'],
  asInt: [6, 'fixed64'],
  attributes: [7, KEY_VALUE],
});
const HISTOGRAM_POINT = message({
  startTimeUnixNano: [2, 'fixed64'],
  timeUnixNano: [3, 'fixed64'],
  count: [4, 'fixed64'],
  sum: [5, 'double'],
  bucketCounts: [6, 'packedFixed64'],
  explicitBounds: [7, 'packedDouble'],
  attributes: [9, KEY_VALUE],
});
const METRIC = message({
  name: [1, 'string'],
  description: [2, 'string'],
  unit: [3, 'string'],
  gauge: [5, message({ dataPoints: [1, NUMBER_POINT] })],
  sum: [7, message({ dataPoints: [1, NUMBER_POINT], aggregationTemporality: [2, 'varint'], isMonotonic: [3, 'bool'] })],
  histogram: [9, message({ dataPoints: [1, HISTOGRAM_POINT], aggregationTemporality: [2, 'varint'] })],
});

export const TRACES = message({
  resourceSpans: [
    1,
    message({ resource: [1, RESOURCE], scopeSpans: [2, message({ scope: [1, SCOPE], spans: [2, SPAN] })] }),
  ],
});
export const METRICS = message({
  resourceMetrics: [
    1,
    message({ resource: [1, RESOURCE], scopeMetrics: [2, message({ scope: [1, SCOPE], metrics: [2, METRIC] })] }),
  ],
});
