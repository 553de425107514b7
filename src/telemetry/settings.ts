import type { ProviderTable } from './core/gen-ai.ts';
import type { SamplingRules } from './core/trace-context.ts';

/** What the exporter runs on: checked, secrets read. Goes to its thread as it is. */
export interface OtlpSettings {
  /** Without a trailing slash; `/v1/traces` and `/v1/metrics` follow. */
  readonly endpoint: string;
  readonly protocol: 'protobuf' | 'json';
  readonly compression: 'none' | 'gzip';
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  /** Null: no traces. */
  readonly traces: SamplingRules | null;
  /** Null: no metrics. */
  readonly metrics: { readonly intervalMs: number } | null;
  readonly resource: Readonly<Record<string, string>>;
}

/** What changes with a reload. */
export interface ExporterSettings {
  readonly otlp: OtlpSettings;
  readonly providers: ProviderTable;
}

/** What the thread is told. `rows`: entry as text, `traceparent` and `tracestate` of its request, three a call. */
export type ToThread =
  | { readonly do: 'settings'; readonly settings: ExporterSettings }
  | { readonly do: 'calls'; readonly rows: readonly string[] }
  | { readonly do: 'flush'; readonly limitMs: number };

export interface ThreadData {
  readonly counts: SharedArrayBuffer;
  readonly settings: ExporterSettings;
}
