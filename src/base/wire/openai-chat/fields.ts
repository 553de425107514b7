import type { FieldClass } from '#wire/canonical.ts';

/** A request field: whether leaving it out changes the answer, and one value that exercises it. */
export interface FieldSample {
  readonly class: FieldClass;
  readonly sample: unknown;
}

const hint = (sample: unknown): FieldSample => ({ class: 'hint', sample });
const meaning = (sample: unknown): FieldSample => ({ class: 'meaning', sample });

const TOOL_SCHEMA = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };

/**
 * Every top-level field of a chat request (openai 7.57.0 `ChatCompletionCreateParamsBase`). Sampling, effort and
 * verbosity tune an answer and are hints, as clients.md 2 has it for effort; what a caller would see missing in the
 * answer, or what limits it, is meaning.
 */
export const CHAT_FIELDS: Readonly<Record<string, FieldSample>> = {
  model: meaning('gpt-5-mini'),
  messages: meaning([{ role: 'user', content: 'Say hello.' }]),
  audio: meaning({ format: 'wav', voice: 'alloy' }),
  frequency_penalty: hint(0.5),
  function_call: meaning({ name: 'weather' }),
  functions: meaning([{ name: 'weather', parameters: TOOL_SCHEMA }]),
  logit_bias: meaning({ '1734': -100 }),
  logprobs: meaning(true),
  max_completion_tokens: meaning(256),
  max_tokens: meaning(256),
  metadata: hint({ run: 'a1' }),
  modalities: meaning(['text', 'audio']),
  moderation: meaning({ model: 'omni-moderation-latest', policy: { output: { mode: 'block' } } }),
  n: meaning(2),
  parallel_tool_calls: meaning(false),
  prediction: meaning({ type: 'content', content: 'const a = 1;' }),
  presence_penalty: hint(-0.5),
  prompt_cache_key: hint('session-1'),
  prompt_cache_options: hint({ mode: 'implicit', ttl: '30m' }),
  prompt_cache_retention: hint('24h'),
  reasoning_effort: hint('low'),
  response_format: meaning({ type: 'json_schema', json_schema: { name: 'city', schema: TOOL_SCHEMA, strict: true } }),
  safety_identifier: hint('user-7f3a'),
  seed: hint(7),
  service_tier: hint('flex'),
  stop: meaning(['\n\n', 'END']),
  store: hint(false),
  stream: meaning(true),
  stream_options: hint({ include_usage: true, include_obfuscation: false }),
  temperature: hint(0.2),
  tool_choice: meaning({ type: 'function', function: { name: 'weather' } }),
  tools: meaning([
    {
      type: 'function',
      function: { name: 'weather', description: 'Weather now', parameters: TOOL_SCHEMA, strict: true },
    },
    {
      type: 'custom',
      custom: { name: 'query', format: { type: 'grammar', grammar: { syntax: 'regex', definition: 'a+' } } },
    },
  ]),
  top_logprobs: meaning(2),
  top_p: hint(0.9),
  user: hint('user-7f3a'),
  verbosity: hint('low'),
  web_search_options: meaning({ search_context_size: 'low' }),
};

/** One message of each shape that the SDK's types allow, by what it shows. */
export const CHAT_MESSAGES: Readonly<Record<string, FieldSample>> = {
  system: meaning({ role: 'system', content: 'Be brief.', name: 'policy' }),
  developer: meaning({ role: 'developer', content: [{ type: 'text', text: 'Be brief.' }] }),
  'user name': hint({ role: 'user', content: 'Hello', name: 'ann' }),
  'user cache mark': hint({
    role: 'user',
    content: [{ type: 'text', text: 'Long', prompt_cache_breakpoint: { mode: 'explicit', ttl: '12h' } }],
  }),
  'user image url': meaning({
    role: 'user',
    content: [{ type: 'image_url', image_url: { url: 'https://example.org/a.png', detail: 'low' } }],
  }),
  'user image data': meaning({
    role: 'user',
    content: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } }],
  }),
  'user audio': meaning({
    role: 'user',
    content: [{ type: 'input_audio', input_audio: { data: 'UklGRg==', format: 'wav' } }],
  }),
  'user file data': meaning({
    role: 'user',
    content: [{ type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,JVBERi0=' } }],
  }),
  'user file id': meaning({ role: 'user', content: [{ type: 'file', file: { file_id: 'file-1' } }] }),
  'assistant text': meaning({ role: 'assistant', content: 'Hello' }),
  'assistant refusal': meaning({ role: 'assistant', content: [{ type: 'refusal', refusal: 'No.' }] }),
  'assistant tool calls': meaning({
    role: 'assistant',
    content: null,
    tool_calls: [
      { id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{"city":"Bern"}' } },
      { id: 'call_2', type: 'custom', custom: { name: 'query', input: 'aaa' } },
    ],
  }),
  'assistant function call': meaning({
    role: 'assistant',
    content: null,
    function_call: { name: 'weather', arguments: '{}' },
  }),
  'assistant audio': meaning({ role: 'assistant', audio: { id: 'audio_1' } }),
  'tool result': meaning({ role: 'tool', tool_call_id: 'call_1', content: '12 °C' }),
  'function result': meaning({ role: 'function', name: 'weather', content: '12 °C' }),
};

/**
 * Fields of other providers of this dialect that may be left out: tuning, routing and diagnostics (vLLM, SGLang,
 * OpenRouter, Ollama, llama.cpp). A field that nobody knows is meaning: leaving it out in silence hides an error.
 */
export const FOREIGN_HINTS: ReadonlySet<string> = new Set([
  'min_p',
  'top_a',
  'typical_p',
  'repetition_penalty',
  'length_penalty',
  'priority',
  'request_id',
  'session_id',
  'keep_alive',
  'provider',
  'route',
  'transforms',
  'usage',
  'models',
  'cache_prompt',
  'id_slot',
  'timings_per_token',
  'return_token_ids',
  'include_reasoning',
  'reasoning_format',
  'skip_special_tokens',
]);

/** Fields without a place in the canonical call that an encoder of this dialect writes back as they are. */
export const PLACELESS: ReadonlySet<string> = new Set([
  'audio',
  'function_call',
  'functions',
  'modalities',
  'moderation',
  'prediction',
  'prompt_cache_options',
  'prompt_cache_retention',
  'safety_identifier',
]);

export const classOf = (field: string): FieldClass =>
  Object.hasOwn(CHAT_FIELDS, field) ? CHAT_FIELDS[field]!.class : FOREIGN_HINTS.has(field) ? 'hint' : 'meaning';
