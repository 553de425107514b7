import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Response, ResponseOutputText, ResponseStreamEvent } from 'openai/resources/responses/responses.js';
import type { SseEvent } from '#wire/sse/splitter.ts';
import { NO_USAGE } from '#wire/usage.ts';
import { streamDecoder } from './stream-decoder.ts';
import { streamReader } from './stream-reader.ts';

const RESPONSE = {
  id: 'resp_1',
  object: 'response',
  created_at: 1_790_000_000,
  status: 'in_progress',
  access_programs: null,
  error: null,
  incomplete_details: null,
  instructions: null,
  metadata: {},
  model: 'gpt-5.6-2026-08-01',
  output: [],
  output_text: '',
  parallel_tool_calls: true,
  temperature: 1,
  tool_choice: 'auto',
  tools: [],
  top_p: 1,
} satisfies Response;

const USAGE = {
  input_tokens: 100,
  input_tokens_details: {
    cached_tokens: 64,
    cache_write_tokens: 20,
    cache_write_tokens_details: { ttl_30m_tokens: 20, ttl_12h_tokens: 0 },
  },
  output_tokens: 30,
  output_tokens_details: { reasoning_tokens: 10 },
  total_tokens: 130,
};
const WHOLE = {
  ...RESPONSE,
  status: 'completed',
  service_tier: 'priority',
  conversation: { id: 'conv_1' },
  output: [
    {
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      status: 'completed',
      content: [{ type: 'output_text', text: 'Grüße 👋', annotations: [], logprobs: [] }],
    },
  ],
  tool_usage: {
    web_search: { num_requests: 2 },
    image_gen: {
      input_tokens: 0,
      input_tokens_details: { image_tokens: 0, text_tokens: 0 },
      output_tokens: 0,
      total_tokens: 0,
    },
  },
  usage: USAGE,
} satisfies Response;

const item = { item_id: 'item_1', output_index: 0, sequence_number: 7 };
const part = { ...item, content_index: 0 };
const summary = { ...item, summary_index: 0 };
const shell = { output_index: 0, sequence_number: 7, command_index: 0 };
const text: ResponseOutputText = { type: 'output_text', text: '', annotations: [] };

/** One sample of every event that the SDK knows (openai 7.57.0); `tsc` holds it against the SDK's union. */
const EVENT_SAMPLES = {
  'response.audio.delta': { type: 'response.audio.delta', delta: 'UklGRg==', sequence_number: 7 },
  'response.audio.done': { type: 'response.audio.done', sequence_number: 7 },
  'response.audio.transcript.delta': { type: 'response.audio.transcript.delta', delta: 'hé', sequence_number: 7 },
  'response.audio.transcript.done': { type: 'response.audio.transcript.done', sequence_number: 7 },
  'response.code_interpreter_call_code.delta': {
    type: 'response.code_interpreter_call_code.delta',
    ...item,
    delta: 'print("a\\n")',
  },
  'response.code_interpreter_call_code.done': { type: 'response.code_interpreter_call_code.done', ...item, code: '1' },
  'response.code_interpreter_call.completed': { type: 'response.code_interpreter_call.completed', ...item },
  'response.code_interpreter_call.in_progress': { type: 'response.code_interpreter_call.in_progress', ...item },
  'response.code_interpreter_call.interpreting': { type: 'response.code_interpreter_call.interpreting', ...item },
  'response.compaction.compacting': { type: 'response.compaction.compacting', ...item },
  'response.completed': { type: 'response.completed', sequence_number: 7, response: WHOLE },
  'response.content_part.added': { type: 'response.content_part.added', ...part, part: text },
  'response.content_part.done': { type: 'response.content_part.done', ...part, part: text },
  'response.created': { type: 'response.created', sequence_number: 0, response: RESPONSE },
  error: { type: 'error', code: 'rate_limit_exceeded', message: 'Slow down.', param: null, sequence_number: 7 },
  'response.file_search_call.completed': { type: 'response.file_search_call.completed', ...item },
  'response.file_search_call.in_progress': { type: 'response.file_search_call.in_progress', ...item },
  'response.file_search_call.searching': { type: 'response.file_search_call.searching', ...item },
  'response.function_call_arguments.delta': {
    type: 'response.function_call_arguments.delta',
    ...item,
    delta: '{"city":"Zürich"}',
  },
  'response.function_call_arguments.done': { type: 'response.function_call_arguments.done', ...item, arguments: '{}' },
  'response.shell_call_command.added': { type: 'response.shell_call_command.added', ...shell, command: '' },
  'response.shell_call_command.delta': { type: 'response.shell_call_command.delta', ...shell, delta: 'ls -l' },
  'response.shell_call_command.done': { type: 'response.shell_call_command.done', ...shell, command: 'ls -l' },
  'response.shell_call_output_content.delta': {
    type: 'response.shell_call_output_content.delta',
    ...item,
    command_index: 0,
    delta: { stdout: 'total 0' },
  },
  'response.shell_call_output_content.done': {
    type: 'response.shell_call_output_content.done',
    ...item,
    command_index: 0,
    output: [{ stdout: 'total 0', stderr: '', outcome: { type: 'exit', exit_code: 0 } }],
  },
  'response.in_progress': { type: 'response.in_progress', sequence_number: 1, response: RESPONSE },
  'response.failed': {
    type: 'response.failed',
    sequence_number: 7,
    response: { ...RESPONSE, status: 'failed', error: { code: 'server_error', message: 'It broke.' } },
  },
  'response.incomplete': {
    type: 'response.incomplete',
    sequence_number: 7,
    response: { ...WHOLE, status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } },
  },
  'response.output_item.added': {
    type: 'response.output_item.added',
    sequence_number: 7,
    output_index: 0,
    item: { id: 'msg_1', type: 'message', role: 'assistant', status: 'in_progress', content: [] },
  },
  'response.output_item.done': {
    type: 'response.output_item.done',
    sequence_number: 7,
    output_index: 0,
    item: { id: 'fc_1', type: 'function_call', call_id: 'call_1', name: 'f', arguments: '{}', status: 'completed' },
  },
  'response.reasoning_summary_part.added': {
    type: 'response.reasoning_summary_part.added',
    ...summary,
    part: { type: 'summary_text', text: '' },
  },
  'response.reasoning_summary_part.done': {
    type: 'response.reasoning_summary_part.done',
    ...summary,
    part: { type: 'summary_text', text: 'x' },
  },
  'response.reasoning_summary_text.delta': { type: 'response.reasoning_summary_text.delta', ...summary, delta: 'x' },
  'response.reasoning_summary_text.done': { type: 'response.reasoning_summary_text.done', ...summary, text: 'x' },
  'response.reasoning_text.delta': { type: 'response.reasoning_text.delta', ...part, delta: 'x' },
  'response.reasoning_text.done': { type: 'response.reasoning_text.done', ...part, text: 'x' },
  'response.refusal.delta': { type: 'response.refusal.delta', ...part, delta: 'No.' },
  'response.refusal.done': { type: 'response.refusal.done', ...part, refusal: 'No.' },
  'response.output_text.delta': {
    type: 'response.output_text.delta',
    ...part,
    logprobs: [{ token: '"delta":"', logprob: -1, top_logprobs: [] }],
    delta: 'Grüße "👋"',
  },
  'response.output_text.done': { type: 'response.output_text.done', ...part, text: 'x', logprobs: [] },
  'response.web_search_call.completed': { type: 'response.web_search_call.completed', ...item },
  'response.web_search_call.in_progress': { type: 'response.web_search_call.in_progress', ...item },
  'response.web_search_call.searching': { type: 'response.web_search_call.searching', ...item },
  'response.image_generation_call.completed': { type: 'response.image_generation_call.completed', ...item },
  'response.image_generation_call.generating': { type: 'response.image_generation_call.generating', ...item },
  'response.image_generation_call.in_progress': { type: 'response.image_generation_call.in_progress', ...item },
  'response.image_generation_call.partial_image': {
    type: 'response.image_generation_call.partial_image',
    ...item,
    partial_image_b64: 'iVBORw==',
    partial_image_index: 0,
  },
  'response.mcp_call_arguments.delta': { type: 'response.mcp_call_arguments.delta', ...item, delta: '{}' },
  'response.mcp_call_arguments.done': { type: 'response.mcp_call_arguments.done', ...item, arguments: '{}' },
  'response.mcp_call.completed': { type: 'response.mcp_call.completed', ...item },
  'response.mcp_call.failed': { type: 'response.mcp_call.failed', ...item },
  'response.mcp_call.in_progress': { type: 'response.mcp_call.in_progress', ...item },
  'response.mcp_list_tools.completed': { type: 'response.mcp_list_tools.completed', ...item },
  'response.mcp_list_tools.failed': { type: 'response.mcp_list_tools.failed', ...item },
  'response.mcp_list_tools.in_progress': { type: 'response.mcp_list_tools.in_progress', ...item },
  'response.output_text.annotation.added': {
    type: 'response.output_text.annotation.added',
    ...part,
    annotation_index: 0,
    annotation: { type: 'url_citation', url: 'https://a.test', title: 'A', start_index: 0, end_index: 1 },
  },
  'response.queued': { type: 'response.queued', sequence_number: 0, response: { ...RESPONSE, status: 'queued' } },
  'response.custom_tool_call_input.delta': { type: 'response.custom_tool_call_input.delta', ...item, delta: 'a\nb' },
  'response.custom_tool_call_input.done': { type: 'response.custom_tool_call_input.done', ...item, input: 'a\nb' },
} satisfies { [K in ResponseStreamEvent['type']]: Extract<ResponseStreamEvent, { type: K }> };

const frame = (event: object & { type: string }): SseEvent => ({
  raw: Buffer.alloc(0),
  name: event.type,
  data: JSON.stringify(event),
});
const samples = Object.values(EVENT_SAMPLES);

/** What an event means by a plain parse: the slow reader that the fast one must agree with. */
function plainText(event: { type: string; delta?: unknown }): number {
  const counted = event.type.endsWith('.delta') && event.type !== 'response.audio.delta';
  return counted && typeof event.delta === 'string' ? Buffer.byteLength(event.delta) : 0;
}

test('every event of the SDK is read, and its text is counted', () => {
  for (const event of samples) {
    const seen = streamReader().read(frame(event));
    assert.equal(seen.textBytes, plainText(event), event.type);
    if (event.type.endsWith('.delta')) assert.equal(seen.content, true, event.type);
    assert.equal(seen.terminal, /^response\.(completed|failed|incomplete)$/.test(event.type), event.type);
    assert.equal(seen.usageOnly, false);
  }
});

test('what comes before the first content does not commit the status line', () => {
  for (const name of ['created', 'queued', 'in_progress', 'output_item.added', 'content_part.added'] as const) {
    assert.equal(streamReader().read(frame(EVENT_SAMPLES[`response.${name}`])).content, false, name);
  }
});

test('the terminal event carries usage, finish, model and ids', () => {
  const reader = streamReader();
  assert.deepEqual(reader.read(frame(EVENT_SAMPLES['response.created'])).keptIds, [{ kind: 'response', id: 'resp_1' }]);
  const seen = reader.read(frame(EVENT_SAMPLES['response.completed']));
  assert.equal(seen.finish, 'stop');
  assert.equal(seen.modelReturned, 'gpt-5.6-2026-08-01');
  assert.deepEqual(seen.keptIds, [
    { kind: 'conversation', id: 'conv_1' },
    { kind: 'item', id: 'msg_1' },
  ]);
  assert.deepEqual(seen.usage, {
    ...NO_USAGE,
    inputTokens: 100,
    cachedReadTokens: 64,
    cacheWriteTokens: 20,
    outputTokens: 30,
    reasoningTokens: 10,
    toolUses: { web_search_requests: 2 },
    serviceTier: 'priority',
  });
  assert.equal(streamReader().read(frame(EVENT_SAMPLES['response.incomplete'])).finish, 'length');
});

test('a failure is a fault, in each of its forms', () => {
  assert.equal(streamReader().read(frame(EVENT_SAMPLES['response.failed'])).fault?.message, 'It broke.');
  assert.equal(streamReader().read(frame(EVENT_SAMPLES.error)).fault?.type, 'rate_limit');
  const bare = { raw: Buffer.alloc(0), name: '', data: '{"error":{"message":"no","code":"server_error"}}' };
  assert.equal(streamReader().read(bare).fault?.message, 'no');
});

test('a response that is not stored names no id', () => {
  const created = EVENT_SAMPLES['response.created'];
  const unstored = { ...created, response: { ...created.response, store: false } };
  const reader = streamReader();
  assert.deepEqual(reader.read(frame(unstored)).keptIds, []);
  assert.deepEqual(reader.read(frame(EVENT_SAMPLES['response.output_item.done'])).keptIds, []);
});

/** JSON text of an object with its keys in another order, with or without spaces, as other servers write it. */
const forms = fc.record({
  event: fc.constantFrom(...samples),
  spaced: fc.boolean(),
  named: fc.boolean(),
  turned: fc.boolean(),
  delta: fc.string({ unit: 'grapheme' }),
});

test('key order, spaces and the event line change nothing', () => {
  fc.assert(
    fc.property(forms, ({ event, spaced, named, turned, delta }) => {
      const value = 'delta' in event && typeof event.delta === 'string' ? { ...event, delta } : event;
      const entries = Object.entries(value);
      const object = Object.fromEntries(turned ? entries.reverse() : entries);
      const compact = JSON.stringify(object);
      const data = spaced ? JSON.stringify(object, null, ' ').replaceAll(/\n */g, ' ') : compact;
      const read = (text: string, name: string) => streamReader().read({ raw: Buffer.alloc(0), name, data: text });
      const seen = read(data, named ? event.type : '');
      assert.deepEqual(seen, streamReader().read(frame(value as { type: string })));
      assert.equal(seen.textBytes, plainText(value));
    }),
    { seed: 7, numRuns: 300 },
  );
});

test('odd bytes are no event of ours, in reader and decoder', () => {
  const odd = fc.record({
    data: fc.oneof(fc.string(), fc.json(), fc.constant(null)),
    name: fc.constantFrom('', 'error', ...Object.keys(EVENT_SAMPLES)),
  });
  fc.assert(
    fc.property(fc.array(odd, { maxLength: 8 }), (events) => {
      const [reader, decoder] = [streamReader(), streamDecoder()];
      for (const { data, name } of events) {
        reader.read({ raw: Buffer.alloc(0), name, data });
        decoder.push({ raw: Buffer.alloc(0), name, data });
      }
    }),
    { seed: 7, numRuns: 500 },
  );
});

test('every event of the SDK decodes alone, and unknown ones stay whole', () => {
  for (const event of samples) streamDecoder().push(frame(event));
  const unknown = { type: 'response.new_thing.started', sequence_number: 1 };
  assert.deepEqual(streamDecoder().push(frame(unknown)), [
    { type: 'opaque', dialect: 'openai-responses', name: unknown.type, value: unknown },
  ]);
});
