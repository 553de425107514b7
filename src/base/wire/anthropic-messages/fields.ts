import type { FieldClass } from '../canonical.ts';

/** A field of the request with a value that shows it, for the crossing table and its tests. */
export interface FieldSpec {
  /**
   * `hint`: may be left out and is then listed. `meaning`: leaving it out changes the answer, or who may see or
   * pay it, so it is a 400.
   */
  readonly class: FieldClass;
  readonly sample: unknown;
}

/**
 * Every top-level field of `MessageCreateParams`, stable and beta (@anthropic-ai/sdk 1.12.0,
 * `resources/messages/messages.d.ts` and `resources/beta/messages/messages.d.ts`), and the sampling fields that
 * older models and SDKs know. A field that is not here is `meaning`: what we do not know is not left out in silence.
 */
export const MESSAGES_FIELDS: Readonly<Record<string, FieldSpec>> = {
  model: { class: 'meaning', sample: 'claude-sonnet-5' },
  messages: { class: 'meaning', sample: [{ role: 'user', content: 'hello' }] },
  max_tokens: { class: 'meaning', sample: 64 },
  system: { class: 'meaning', sample: 'be brief' },
  stream: { class: 'meaning', sample: true },
  stop_sequences: { class: 'meaning', sample: ['END'] },
  temperature: { class: 'hint', sample: 0.5 },
  top_p: { class: 'hint', sample: 0.9 },
  top_k: { class: 'hint', sample: 40 },
  thinking: { class: 'hint', sample: { type: 'enabled', budget_tokens: 2048 } },
  output_config: { class: 'meaning', sample: { effort: 'high' } },
  output_format: { class: 'meaning', sample: { type: 'json_schema', schema: { type: 'object' } } },
  tools: { class: 'meaning', sample: [{ name: 'look', input_schema: { type: 'object', properties: {} } }] },
  tool_choice: { class: 'meaning', sample: { type: 'any' } },
  metadata: { class: 'hint', sample: { user_id: 'user-7' } },
  service_tier: { class: 'hint', sample: 'auto' },
  // Marks of what may be cached, and switches whose absence costs time or money but says the same.
  cache_control: { class: 'hint', sample: { type: 'ephemeral' } },
  betas: { class: 'hint', sample: ['context-1m-2025-08-07'] },
  context_management: { class: 'hint', sample: { edits: [{ type: 'clear_tool_uses_20250919' }] } },
  diagnostics: { class: 'hint', sample: { previous_message_id: null } },
  fallbacks: { class: 'hint', sample: 'default' },
  fallback_credit_token: { class: 'hint', sample: 'token' },
  speed: { class: 'hint', sample: 'fast' },
  user_profile_id: { class: 'hint', sample: 'uprof_1' },
  // Where the text may be computed, and who pays: a promise that another provider does not keep.
  inference_geo: { class: 'meaning', sample: 'us' },
  workspace_id: { class: 'meaning', sample: 'wrkspc_1' },
  billing_policy: { class: 'meaning', sample: { type: 'billing_policy', bill_to: 'user_profile' } },
  // State and programs that the provider holds.
  container: { class: 'meaning', sample: 'container_1' },
  mcp_servers: { class: 'meaning', sample: [{ name: 'files', type: 'url', url: 'https://mcp.example.com' }] },
  thread: { class: 'meaning', sample: { type: 'create' } },
  // Asks for a summary instead of an answer.
  compaction: { class: 'meaning', sample: { type: 'summarize' } },
};

/** Fields that the canonical call has a place for; what of their values it has none for is named on its own. */
export const CARRIED_FIELDS: ReadonlySet<string> = new Set([
  ...['model', 'messages', 'max_tokens', 'system', 'stream', 'stop_sequences', 'temperature', 'top_p', 'top_k'],
  ...['thinking', 'output_config', 'output_format', 'tools', 'tool_choice', 'metadata', 'service_tier'],
]);

export const fieldClass = (field: string): FieldClass =>
  Object.hasOwn(MESSAGES_FIELDS, field) ? MESSAGES_FIELDS[field]!.class : 'meaning';
