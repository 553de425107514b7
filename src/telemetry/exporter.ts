import { decodeEntry } from '#ports/entry-text.ts';
import type { LedgerEntry } from '#ports/entry.ts';
import { CallMetrics } from './core/call-metrics.ts';
import { METRICS, metricsRequest, TRACES, tracesRequest, type Resource, type Scope, type Span } from './core/otlp.ts';
import { encode } from './core/protobuf.ts';
import { spansOf, unixNano } from './core/spans.ts';
import { isSampled, readParent, spanIdsOf } from './core/trace-context.ts';
import type { Counts } from './counts.ts';
import { Poster, type Payload } from './post.ts';
import { Sender } from './sender.ts';
import type { ExporterSettings } from './settings.ts';

/** Spans of one request. OpenTelemetry's batch processor sends 512 at a time too. */
const BATCH_SPANS = 512;
/** A quiet gate's spans are at the collector after a second. */
const BATCH_MS = 1_000;
/** Encoded spans that may wait for a collector: some 16,000 calls. */
const MOST_QUEUED_BYTES = 16 * 1024 * 1024;
/** Texts of a call in a message. */
const ROW = 3;

/** Makes spans and metrics of settled calls, in batches, and hands them to the sender. */
export class Exporter {
  #settings: ExporterSettings;
  readonly #counts: Counts;
  readonly #traces: Sender;
  /** Metrics go by themselves: a stuck batch of spans must not hold them. They are sums since the start: the last counts. */
  readonly #sums: Sender;
  readonly #metrics = new CallMetrics();
  readonly #startedNano = unixNano(Date.now());
  #spans: Span[] = [];
  #batchTimer: NodeJS.Timeout | null = null;
  #metricsTimer: NodeJS.Timeout | null = null;

  constructor(settings: ExporterSettings, counts: Counts) {
    this.#settings = settings;
    this.#counts = counts;
    const parts = { counts, now: () => Date.now(), random: Math.random };
    this.#traces = new Sender(new Poster(settings.otlp), { ...parts, mostBytes: MOST_QUEUED_BYTES });
    this.#sums = new Sender(new Poster(settings.otlp), { ...parts, mostBytes: 0 });
    this.#arm();
  }

  use(settings: ExporterSettings): void {
    this.#flushSpans();
    this.#settings = settings;
    this.#traces.use(new Poster(settings.otlp));
    this.#sums.use(new Poster(settings.otlp));
    this.#arm();
  }

  #arm(): void {
    if (this.#metricsTimer) clearInterval(this.#metricsTimer);
    const { metrics } = this.#settings.otlp;
    this.#metricsTimer = metrics && setInterval(() => this.#sendMetrics(), metrics.intervalMs);
  }

  calls(rows: readonly string[]): void {
    for (let i = 0; i + ROW <= rows.length; i += ROW) {
      try {
        this.#call(rows[i]!, rows[i + 1]!, rows[i + 2]!);
      } catch {
        // One odd entry must not cost the signals of all others.
        this.#counts.add('failed', 1);
      }
    }
    this.#counts.add('taken', rows.length / ROW);
    if (this.#spans.length > 0) this.#batchTimer ??= setTimeout(() => this.#flushSpans(), BATCH_MS);
  }

  #call(text: string, traceparent: string, tracestate: string): void {
    const { otlp, providers } = this.#settings;
    const entry: LedgerEntry = decodeEntry(text);
    if (otlp.metrics) this.#metrics.record(entry, providers);
    if (!otlp.traces) return;
    const parent = traceparent === '' ? null : readParent(traceparent, tracestate);
    const ids = spanIdsOf(entry.id, parent);
    if (!isSampled(ids.traceId, parent, otlp.traces)) return;
    this.#spans.push(...spansOf({ entry, ids, parent, providers }));
    if (this.#spans.length >= BATCH_SPANS) this.#flushSpans();
  }

  #flushSpans(): void {
    if (this.#batchTimer) clearTimeout(this.#batchTimer);
    this.#batchTimer = null;
    const spans = this.#spans;
    if (spans.length === 0) return;
    this.#spans = [];
    const request = tracesRequest(this.#resource(), this.#scope(), spans);
    this.#traces.send(this.#payload('/v1/traces', request, spans.length));
  }

  #sendMetrics(): void {
    const metrics = this.#metrics.metrics({
      startTimeUnixNano: this.#startedNano,
      timeUnixNano: unixNano(Date.now()),
    });
    if (metrics.length === 0) return;
    const request = metricsRequest(this.#resource(), this.#scope(), metrics);
    this.#sums.send(this.#payload('/v1/metrics', request, 0));
  }

  #payload(path: Payload['path'], request: object, spans: number): Payload {
    const json = this.#settings.otlp.protocol === 'json';
    const body = json
      ? Buffer.from(JSON.stringify(request))
      : encode(path === '/v1/traces' ? TRACES : METRICS, request);
    return { path, body, spans };
  }

  #resource(): Resource {
    const { resource } = this.#settings.otlp;
    return { attributes: Object.entries(resource).map(([key, value]) => ({ key, value: { stringValue: value } })) };
  }

  #scope(): Scope {
    return { name: 'headgate', version: this.#settings.otlp.resource['service.version'] ?? '' };
  }

  /** Sends all that there is, for at most `limitMs`. True: nothing was left. */
  async close(limitMs: number): Promise<boolean> {
    if (this.#metricsTimer) clearInterval(this.#metricsTimer);
    this.#flushSpans();
    if (this.#settings.otlp.metrics) this.#sendMetrics();
    const [spans] = await Promise.all([this.#traces.close(limitMs), this.#sums.close(limitMs)]);
    return spans;
  }
}
