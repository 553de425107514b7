/**
 * Names of OpenTelemetry's conventions, read on 2026-11-25: of open-telemetry/semantic-conventions-genai the
 * attributes of docs/gen-ai/client-inference.md at 024a4f94, the metrics of client-inference.md at 024a4f94 and
 * gen-ai-token-metrics.md at 066d4a7f; `gen_ai.client.operation.duration` as docs/gen-ai/non-normative/migration.md at
 * 32c328e8 says (it stays for what is no inference). General attributes are those of semantic-conventions 1.44.0.
 */
export const GEN_AI_ATTRIBUTES: ReadonlySet<string> = new Set([
  'gen_ai.agent.name',
  'gen_ai.conversation.id',
  'gen_ai.operation.name',
  'gen_ai.provider.name',
  'gen_ai.request.model',
  'gen_ai.request.stream',
  'gen_ai.response.finish_reasons',
  'gen_ai.response.model',
  'gen_ai.response.time_to_first_chunk',
  'gen_ai.token.modality',
  'gen_ai.usage.audio.input_tokens',
  'gen_ai.usage.audio.output_tokens',
  'gen_ai.usage.cache_read.input_tokens',
  'gen_ai.usage.cache_write.input_tokens',
  'gen_ai.usage.image.input_tokens',
  'gen_ai.usage.input_tokens',
  'gen_ai.usage.output_tokens',
  'gen_ai.usage.reasoning.output_tokens',
]);

export const GENERAL_ATTRIBUTES: ReadonlySet<string> = new Set([
  'error.type',
  'http.response.status_code',
  'server.address',
  'server.port',
  'otel.metric.overflow',
]);

/** Ours: documented in docs/operate/telemetry.md. */
export const OWN_ATTRIBUTES: ReadonlySet<string> = new Set([
  'headgate.attempt',
  'headgate.attempts',
  'headgate.call.id',
  'headgate.cancelled_by',
  'headgate.client.name',
  'headgate.client.version',
  'headgate.cost.estimated',
  'headgate.cost.usd',
  'headgate.deployment',
  'headgate.feature',
  'headgate.key.id',
  'headgate.kind',
  'headgate.outcome',
  'headgate.purpose',
  'headgate.team',
  'headgate.tenant',
  'headgate.upstream.request_id',
  'headgate.usage.source',
]);

const SECONDS = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
const TOKENS = [1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864];

export interface ConventionMetric {
  readonly type: 'sum' | 'histogram';
  readonly unit: string;
  /** Explicit bucket boundaries that the conventions advise. */
  readonly bounds: readonly number[];
}

const seconds: ConventionMetric = { type: 'histogram', unit: 's', bounds: SECONDS };
const ofOne: ConventionMetric = { type: 'histogram', unit: '{token}', bounds: TOKENS };
const used: ConventionMetric = { type: 'sum', unit: '{token}', bounds: [] };

export const METRICS: ReadonlyMap<string, ConventionMetric> = new Map([
  ['gen_ai.client.inference.duration', seconds],
  ['gen_ai.client.operation.duration', seconds],
  ['gen_ai.client.inference.time_to_first_chunk', seconds],
  ['gen_ai.client.inference.time_per_output_chunk', seconds],
  ['gen_ai.client.inference.usage.input_tokens', used],
  ['gen_ai.client.inference.usage.output_tokens', used],
  ['gen_ai.client.inference.usage.cache_read.input_tokens', used],
  ['gen_ai.client.inference.usage.cache_write.input_tokens', used],
  ['gen_ai.client.inference.usage.reasoning.output_tokens', used],
  ['gen_ai.client.inference.operation.input_tokens', ofOne],
  ['gen_ai.client.inference.operation.output_tokens', ofOne],
  ['headgate.call.duration', seconds],
  ['headgate.cost', { type: 'sum', unit: '{USD}', bounds: [] }],
]);

/** Names among these attributes that no list has. */
export const unknownNames = (names: Iterable<string>): string[] =>
  [...names].filter(
    (name) =>
      !GEN_AI_ATTRIBUTES.has(name) &&
      !GENERAL_ATTRIBUTES.has(name) &&
      !OWN_ATTRIBUTES.has(name) &&
      !name.startsWith('headgate.label.'),
  );
