import { z } from 'zod';
import { duration, secret } from '#kernel/config/primitives.ts';
import type { ExporterSettings, OtlpSettings } from './settings.ts';

const headerName = z.string().regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$/, 'is no name of a header');
const attributeName = z.string().regex(/^[a-z][a-z0-9_.]{0,127}$/, 'letters in lower case, digits, _ and .');

const otlp = z.strictObject({
  endpoint: z
    .string()
    .max(2048)
    .superRefine((text, context) => {
      const why = endpointFault(text);
      if (why) context.addIssue({ code: 'custom', message: why });
    })
    .describe(
      'Base URL of an OTLP/HTTP collector, such as http://127.0.0.1:4318; `/v1/traces` and `/v1/metrics` follow.',
    ),
  protocol: z.enum(['protobuf', 'json']).default('protobuf').describe('Form of the messages.'),
  compression: z.enum(['none', 'gzip']).default('none').describe('Of what is sent.'),
  headers: z
    .record(headerName, secret().describe('Reference of the value.'))
    .default({})
    .describe('Headers of every request; values are references.'),
  timeout: duration({ min: '100ms', max: '2m' }).default(10_000).describe('Of one request; then it is sent again.'),
  traces: z
    .strictObject({
      enabled: z.boolean().default(true).describe('False: no traces.'),
      sample: z.number().min(0).max(1).default(1).describe('Share of traces that are exported, by trace id.'),
      parent: z
        .enum(['obey', 'ignore'])
        .default('obey')
        .describe("`obey`: the sampled flag of the caller's `traceparent` decides where there is one."),
    })
    .prefault({}),
  metrics: z
    .strictObject({
      enabled: z.boolean().default(true).describe('False: no metrics.'),
      interval: duration({ min: '1s', max: '1h' }).default(60_000).describe('Time between two messages of metrics.'),
    })
    .prefault({}),
  resource: z
    .record(attributeName, z.string().min(1).max(256).describe('Value of the attribute.'))
    .default({})
    .describe('Attributes of the resource beside `service.name`, `service.version` and `service.instance.id`.'),
});

/** Section of headgate.yaml. Absent: nothing is exported, and no thread runs. */
export const telemetrySection = {
  telemetry: z
    .strictObject({ otlp: otlp.optional().describe('OpenTelemetry by OTLP/HTTP.') })
    .prefault({})
    .describe('Signals for other systems. `/metrics` for Prometheus is always there.'),
};

export type OtlpSection = z.output<typeof otlp>;

function endpointFault(text: string): string | null {
  if (!URL.canParse(text)) return 'is not a URL';
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return 'must be http or https';
  if (url.username || url.password) return 'credentials belong in `headers`';
  if (url.search || url.hash) return 'ends with its path';
  return null;
}

export interface TelemetryFacts {
  readonly environment: string;
  readonly version: string;
  /** Of this process. */
  readonly instance: string;
  readonly providers: ExporterSettings['providers'];
  /** The section's headers, read. */
  readonly headers: Readonly<Record<string, string>>;
}

/** What the exporter runs on. */
export function exporterSettings(section: OtlpSection, facts: TelemetryFacts): ExporterSettings {
  const { traces, metrics } = section;
  const otlp: OtlpSettings = {
    endpoint: section.endpoint.replace(/\/+$/, ''),
    protocol: section.protocol,
    compression: section.compression,
    headers: facts.headers,
    timeoutMs: section.timeout,
    traces: traces.enabled ? { ratio: traces.sample, parent: traces.parent } : null,
    metrics: metrics.enabled ? { intervalMs: metrics.interval } : null,
    resource: {
      'service.name': 'headgate',
      'service.version': facts.version,
      'service.instance.id': facts.instance,
      'deployment.environment.name': facts.environment,
      ...section.resource,
    },
  };
  return { otlp, providers: facts.providers };
}
