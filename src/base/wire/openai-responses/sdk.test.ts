import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import type { OpenAI as Client } from 'openai/index.js';
import type { CanonicalEvent } from '#wire/canonical.ts';
import { NO_USAGE } from '#wire/usage.ts';
import { openaiResponses } from './index.ts';

// The SDK has a lock file of its own below test/sdk; it is no dependency of the package.
const { OpenAI } = createRequire(new URL('../../../../test/sdk/package.json', import.meta.url))('openai') as {
  OpenAI: typeof Client;
};

const context = { modelAsked: 'm', callId: 'call7', nowS: 1_790_000_000, includeUsage: true };

/** The official SDK, for which the encoder's text is the provider's answer. */
function clientOf(events: readonly CanonicalEvent[]): Client {
  const encoder = openaiResponses.streamEncoder(context);
  const body = events.map((event) => encoder.push(event)).join('');
  const headers = { 'content-type': 'text/event-stream' };
  return new OpenAI({ apiKey: 'k', maxRetries: 0, fetch: async () => new Response(body, { headers }) });
}

const at = (block: number) => ({ choice: 0, block });
const START: CanonicalEvent = { type: 'start', id: 'chatcmpl-1', model: 'm-1', createdS: null, fingerprint: null };
const EVENTS: readonly CanonicalEvent[] = [
  START,
  { type: 'block_start', ...at(0), kind: 'reasoning' },
  { type: 'delta', ...at(0), text: 'Let me ' },
  { type: 'delta', ...at(0), text: 'think.' },
  { type: 'signature', ...at(0), encrypted: 'gAAA' },
  { type: 'block_stop', ...at(0) },
  { type: 'block_start', ...at(1), kind: 'text' },
  { type: 'delta', ...at(1), text: 'Grüße ' },
  { type: 'delta', ...at(1), text: '👋' },
  {
    type: 'annotation',
    ...at(1),
    value: { type: 'url_citation', url_citation: { url: 'https://a.test', title: 'A', start_index: 0, end_index: 2 } },
  },
  { type: 'block_stop', ...at(1) },
  { type: 'block_start', ...at(2), kind: 'refusal' },
  { type: 'delta', ...at(2), text: 'No.' },
  { type: 'block_stop', ...at(2) },
  // Chat leaves parallel calls open together and their pieces may alternate.
  { type: 'block_start', ...at(3), kind: 'tool_call', id: 'call_a', name: 'weather', custom: false },
  { type: 'delta', ...at(3), text: '{"city":' },
  { type: 'block_start', ...at(4), kind: 'tool_call', id: 'call_b', name: 'patch', custom: true },
  { type: 'delta', ...at(4), text: '*** Begin' },
  { type: 'delta', ...at(3), text: '"Bern"}' },
  { type: 'block_stop', ...at(3) },
  { type: 'block_stop', ...at(4) },
  { type: 'finish', choice: 0, reason: 'tool_calls', stopSequence: null },
  { type: 'usage', usage: { ...NO_USAGE, inputTokens: 9, outputTokens: 5 } },
  { type: 'end' },
];

const kinds = (output: readonly { type: string }[]): string[] => output.map((item) => item.type);

test('the SDK rebuilds the response from the encoder’s events', async () => {
  const stream = clientOf(EVENTS).responses.stream({ model: 'm', input: 'hi' });
  let said = '';
  stream.on('response.output_text.delta', (event) => (said += event.delta));
  const final = await stream.finalResponse();
  assert.equal(said, 'Grüße 👋');
  assert.equal(final.output_text, 'Grüße 👋');
  assert.equal(final.id, 'resp_call7');
  assert.equal(final.status, 'completed');
  assert.equal(final.usage?.total_tokens, 14);
  assert.deepEqual(kinds(final.output), ['reasoning', 'message', 'function_call', 'custom_tool_call']);
  const [thought, message, call, custom] = final.output;
  assert.ok(thought?.type === 'reasoning' && thought.summary[0]?.text === 'Let me think.');
  assert.equal(thought.encrypted_content, 'gAAA');
  assert.ok(message?.type === 'message');
  assert.deepEqual(kinds(message.content), ['output_text', 'refusal']);
  assert.ok(call?.type === 'function_call' && call.arguments === '{"city":"Bern"}' && call.call_id === 'call_a');
  assert.ok(custom?.type === 'custom_tool_call' && custom.input === '*** Begin');
});

test('every item is done once', async () => {
  const stream = await clientOf(EVENTS).responses.create({ model: 'm', input: 'hi', stream: true });
  const done: string[] = [];
  for await (const event of stream) if (event.type === 'response.output_item.done') done.push(event.item.type);
  assert.deepEqual(done.toSorted(), ['custom_tool_call', 'function_call', 'message', 'reasoning']);
});

test('a cut answer is incomplete for the SDK', async () => {
  const cut: CanonicalEvent[] = [
    ...EVENTS.slice(0, 11),
    { type: 'finish', choice: 0, reason: 'length', stopSequence: null },
    { type: 'end' },
  ];
  const final = await clientOf(cut).responses.stream({ model: 'm', input: 'hi' }).finalResponse();
  assert.equal(final.status, 'incomplete');
  assert.equal(final.incomplete_details?.reason, 'max_output_tokens');
});

test('a fault in the stream is thrown by the SDK, with its words', async () => {
  const fault = { type: 'overloaded', status: 529, message: 'Too much.', code: null, field: null } as const;
  const read = async (): Promise<void> => {
    const failed = clientOf([...EVENTS.slice(0, 8), { type: 'error', error: fault }]);
    for await (const event of await failed.responses.create({ model: 'm', input: 'hi', stream: true })) void event;
  };
  await assert.rejects(read, /Too much\./);
});
