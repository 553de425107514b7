import type { FieldClass } from '../canonical.ts';

/** A field of the request with a value that shows it, for the crossing table and its tests. */
export interface FieldSpec {
  readonly class: FieldClass;
  readonly sample: unknown;
}

/**
 * Every member of `ConverseRequest` (@aws-sdk/client-bedrock-runtime 3.1164.0, `models_0.d.ts`). `modelId` and whether
 * the answer streams stand in the path of a request; within Headgate they are `model` and `stream` of the body.
 */
export const CONVERSE_FIELDS: Readonly<Record<string, FieldSpec>> = {
  model: { class: 'meaning', sample: 'anthropic.claude-sonnet-5' },
  stream: { class: 'meaning', sample: true },
  messages: { class: 'meaning', sample: [{ role: 'user', content: [{ text: 'hello' }] }] },
  system: { class: 'meaning', sample: [{ text: 'be brief' }] },
  inferenceConfig: { class: 'hint', sample: { maxTokens: 64, temperature: 0.5 } },
  toolConfig: {
    class: 'meaning',
    sample: { tools: [{ toolSpec: { name: 'look', inputSchema: { json: { type: 'object', properties: {} } } } }] },
  },
  outputConfig: { class: 'meaning', sample: { effort: 'high' } },
  requestMetadata: { class: 'hint', sample: { team: 'search' } },
  serviceTier: { class: 'hint', sample: { type: 'default' } },
  performanceConfig: { class: 'hint', sample: { latency: 'optimized' } },
  // What a guardrail holds back is a promise of the platform's; fields of a model's own API are read by it alone.
  guardrailConfig: { class: 'meaning', sample: { guardrailIdentifier: 'gr-1', guardrailVersion: '1' } },
  additionalModelRequestFields: { class: 'meaning', sample: { thinking: { type: 'enabled', budget_tokens: 2048 } } },
  additionalModelResponseFieldPaths: { class: 'hint', sample: ['/stop_sequence'] },
  promptVariables: { class: 'meaning', sample: { name: { text: 'a' } } },
};

/** Fields that the canonical call has a place for; what of their values it has none for is named on its own. */
export const CARRIED_FIELDS: ReadonlySet<string> = new Set([
  ...['model', 'stream', 'messages', 'system', 'inferenceConfig', 'toolConfig', 'outputConfig'],
  ...['requestMetadata', 'serviceTier', 'additionalModelRequestFields'],
]);

export const fieldClass = (field: string): FieldClass =>
  Object.hasOwn(CONVERSE_FIELDS, field) ? CONVERSE_FIELDS[field]!.class : 'meaning';
