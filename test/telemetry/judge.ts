import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Collector, Received } from './collector.ts';

/*
 * The judge is OpenTelemetry's own generated decoder (@opentelemetry/otlp-transformer 0.203.0): nothing of ours reads
 * what ours has written.
 */
const folder = join(import.meta.dirname, '..', 'sdk');
const ROOT = join(folder, 'node_modules/@opentelemetry/otlp-transformer/build/src/generated/root.js');

/** Why tests with the judge are skipped, or false where they can run. */
export const judgeSkip: string | false = existsSync(ROOT)
  ? false
  : 'the official SDKs are not installed (npm run test:sdks:install)';

const { opentelemetry } = judgeSkip ? { opentelemetry: null as any } : createRequire(ROOT)(ROOT);

export type Attributes = Readonly<Record<string, string | number | boolean | readonly unknown[]>>;

export interface JudgedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly traceState: string;
  readonly name: string;
  readonly kind: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Attributes;
  readonly statusCode: number;
  readonly flags: number;
}

export interface JudgedPoint {
  readonly attributes: Attributes;
  readonly value: number | null;
  readonly count: number | null;
  readonly sum: number | null;
  readonly bounds: readonly number[];
  readonly buckets: readonly number[];
}

export interface JudgedMetric {
  readonly name: string;
  readonly unit: string;
  readonly type: 'sum' | 'histogram' | 'gauge';
  readonly monotonic: boolean | null;
  readonly temporality: number | null;
  readonly points: readonly JudgedPoint[];
}

/** The message as the decoder reads it, or the JSON form through the decoder's own `fromObject` and its check. */
function decoded(type: any, { headers, body }: Received): any {
  if (headers['content-type'] === 'application/x-protobuf') return type.decode(body);
  const value = JSON.parse(body.toString('utf8'), (key, one) =>
    /^(traceId|spanId|parentSpanId)$/.test(key) ? Buffer.from(one as string, 'hex').toString('base64') : one,
  );
  const wrong = type.verify(type.toObject(type.fromObject(value)));
  if (wrong) throw new Error(wrong);
  return type.fromObject(value);
}

const plain = (value: any): any => {
  for (const kind of ['stringValue', 'boolValue', 'doubleValue'] as const)
    if (value[kind] !== null && value[kind] !== undefined) return value[kind];
  if (value.intValue !== null && value.intValue !== undefined) return Number(value.intValue);
  return value.arrayValue?.values.map(plain);
};

const attributesOf = (list: any[]): Attributes =>
  Object.fromEntries(list.map(({ key, value }) => [key as string, plain(value)]));

const hex = (bytes: Uint8Array | null): string => Buffer.from(bytes ?? []).toString('hex');
const ms = (nano: { toString(): string }): number => Number(nano.toString()) / 1e6;

export const spansIn = (received: Received): JudgedSpan[] => {
  const type = opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
  return decoded(type, received).resourceSpans.flatMap((resource: any) =>
    resource.scopeSpans.flatMap((scope: any) =>
      scope.spans.map((span: any): JudgedSpan => ({
        traceId: hex(span.traceId),
        spanId: hex(span.spanId),
        parentSpanId: hex(span.parentSpanId),
        traceState: span.traceState ?? '',
        name: span.name,
        kind: span.kind,
        startMs: ms(span.startTimeUnixNano),
        endMs: ms(span.endTimeUnixNano),
        attributes: attributesOf(span.attributes),
        statusCode: span.status?.code ?? 0,
        flags: span.flags ?? 0,
      })),
    ),
  );
};

export const resourceIn = (received: Received): Attributes => {
  const { trace, metrics } = opentelemetry.proto.collector;
  const traces = received.path.endsWith('/v1/traces');
  const type = traces ? trace.v1.ExportTraceServiceRequest : metrics.v1.ExportMetricsServiceRequest;
  const [first] = decoded(type, received)[traces ? 'resourceSpans' : 'resourceMetrics'];
  return attributesOf(first.resource.attributes);
};

export const metricsIn = (received: Received): JudgedMetric[] => {
  const type = opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest;
  return decoded(type, received).resourceMetrics.flatMap((resource: any) =>
    resource.scopeMetrics.flatMap((scope: any) => scope.metrics.map(judgedMetric)),
  );
};

function judgedMetric(metric: any): JudgedMetric {
  const kind = metric.sum ? 'sum' : metric.histogram ? 'histogram' : 'gauge';
  const number = (value: unknown): number | null =>
    value === null || value === undefined ? null : Number(String(value));
  return {
    name: metric.name,
    unit: metric.unit,
    type: kind,
    monotonic: metric.sum?.isMonotonic ?? null,
    temporality: metric[kind].aggregationTemporality ?? null,
    points: metric[kind].dataPoints.map((point: any) => ({
      attributes: attributesOf(point.attributes),
      value: number(point.asInt ?? point.asDouble),
      count: number(point.count),
      sum: number(point.sum),
      bounds: point.explicitBounds ?? [],
      buckets: (point.bucketCounts ?? []).map(Number),
    })),
  };
}

export const allSpans = ({ received }: Collector): JudgedSpan[] =>
  received.filter(({ path }) => path.endsWith('/v1/traces')).flatMap(spansIn);

/** The newest value of each metric: they are sums since the start. */
export const newestMetrics = ({ received }: Collector): Map<string, JudgedMetric> => {
  const last = received.filter(({ path }) => path.endsWith('/v1/metrics')).at(-1);
  return new Map((last ? metricsIn(last) : []).map((metric) => [metric.name, metric]));
};
