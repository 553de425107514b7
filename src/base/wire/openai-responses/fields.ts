import type { FieldClass } from '#wire/canonical.ts';

/** A request field: whether leaving it out changes the answer, and one value that exercises it. */
export interface FieldRow {
  readonly class: FieldClass;
  /** A legal value that is not the default, so that leaving it out can be seen. */
  readonly sample: unknown;
  /** The canonical call has a place for it; what another API cannot say of it, its encoder lists. */
  readonly carried?: true;
}

const carried = (of: FieldClass, sample: unknown): FieldRow => ({ class: of, sample, carried: true });
const hint = (sample: unknown): FieldRow => ({ class: 'hint', sample });
const meaning = (sample: unknown): FieldRow => ({ class: 'meaning', sample });

/**
 * Every field of `ResponseCreateParams` (openai 7.57.0, responses.d.ts) and the top-level fields that agents send
 * beside them. A value that is the API's default is no field at all: `background: false`, `truncation: 'disabled'`.
 */
export const RESPONSES_FIELDS: Readonly<Record<string, FieldRow>> = {
  // Chooses a safety program of the account; another provider has none to choose.
  access_programs: hint({ cyber: 'standard' }),
  // The client gets an id at once and polls: nobody else has a place for that.
  background: meaning(true),
  // When to compact a long input. Without it a long input is an error that the client sees.
  context_management: hint([{ type: 'compaction', compact_threshold: 200_000 }]),
  // The turns stand at the provider, so the body alone is another conversation.
  conversation: meaning('conv_123'),
  image: hint({ context_compression: 'auto' }),
  // What else to show of hosted tools and reasoning. Log probabilities are carried.
  include: hint(['reasoning.encrypted_content']),
  input: carried('meaning', [{ role: 'user', content: [{ type: 'input_text', text: 'Hello' }] }]),
  instructions: carried('meaning', 'Be brief.'),
  max_output_tokens: carried('meaning', 256),
  // Counts calls of hosted tools only; the tools themselves are meaning.
  max_tool_calls: hint(3),
  metadata: carried('hint', { run: '7' }),
  model: carried('meaning', 'gpt-5.6'),
  // May block the answer, and the client reads its scores.
  moderation: meaning({ model: 'omni-moderation-latest', policy: { output: { mode: 'block' } } }),
  parallel_tool_calls: carried('meaning', false),
  previous_response_id: meaning('resp_123'),
  // The template's text stands at the provider.
  prompt: meaning({ id: 'pmpt_123', version: '2' }),
  prompt_cache_key: carried('hint', 'session-7'),
  prompt_cache_options: hint({ mode: 'implicit', ttl: '12h' }),
  prompt_cache_retention: hint('24h'),
  reasoning: carried('hint', { effort: 'low', summary: 'auto' }),
  safety_identifier: carried('hint', 'user-7'),
  service_tier: carried('hint', 'flex'),
  store: carried('hint', false),
  stream: carried('meaning', true),
  // Padding against traffic analysis; no text depends on it.
  stream_options: hint({ include_obfuscation: false }),
  temperature: carried('hint', 0.5),
  text: carried('meaning', { format: { type: 'json_object' }, verbosity: 'low' }),
  tool_choice: carried('meaning', { type: 'function', name: 'weather' }),
  tools: carried('meaning', [{ type: 'function', name: 'weather', parameters: { type: 'object' }, strict: false }]),
  top_logprobs: carried('meaning', 2),
  top_p: carried('hint', 0.9),
  // Without it an input that is too long is an error that the client sees.
  truncation: hint('auto'),
  user: carried('hint', 'user-7'),
  // Codex 0.169.0: identity of the installation and turn, for OpenAI's own telemetry.
  client_metadata: hint({ 'x-codex-installation-id': '1' }),
};

/** Values that say what the API does anyway. */
const DEFAULTS: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['background', false],
  ['truncation', 'disabled'],
]);
export const isDefault = (field: string, value: unknown): boolean =>
  DEFAULTS.has(field) && DEFAULTS.get(field) === value;

export const rowOf = (field: string): FieldRow | null =>
  Object.hasOwn(RESPONSES_FIELDS, field) ? RESPONSES_FIELDS[field]! : null;

export const isCarried = (field: string): boolean => rowOf(field)?.carried === true;
/** A field that nobody listed may mean anything. */
export const classOf = (field: string): FieldClass => rowOf(field)?.class ?? 'meaning';
