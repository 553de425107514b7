import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import type { Message, RawMessageStreamEvent } from '@anthropic-ai/sdk/resources/messages/messages.js';
import fc from 'fast-check';
import type { CanonicalEvent, FinishReason, ProviderFault } from '../canonical.ts';
import { sseSplitter, type SseEvent } from '../sse/splitter.ts';
import { NO_USAGE, type Usage } from '../usage.ts';
import { anthropicMessages } from './index.ts';

const context = { modelAsked: 'asked', callId: 'call_1', nowS: 0, includeUsage: true };
const split = (text: string, size = 1 << 20): SseEvent[] => {
  const splitter = sseSplitter();
  const bytes = Buffer.from(text);
  const events: SseEvent[] = [];
  for (let at = 0; at < bytes.length; at += size) events.push(...splitter.push(bytes.subarray(at, at + size)));
  return events;
};
const sse = (value: { type: string }): string => `event: ${value.type}\ndata: ${JSON.stringify(value)}\n\n`;
const encode = (events: readonly CanonicalEvent[]): string => {
  const encoder = anthropicMessages.streamEncoder(context);
  return events.map((event) => encoder.push(event)).join('');
};
const decode = (text: string, size?: number): CanonicalEvent[] => {
  const decoder = anthropicMessages.streamDecoder();
  return split(text, size).flatMap((event) => [...decoder.push(event)]);
};

const usage = {
  input_tokens: 10,
  cache_creation_input_tokens: 5,
  cache_read_input_tokens: 100,
  cache_creation: { ephemeral_5m_input_tokens: 2, ephemeral_1h_input_tokens: 3 },
  output_tokens: 1,
  output_tokens_details: null,
  server_tool_use: null,
  service_tier: 'standard' as const,
  speed: 'standard' as const,
  inference_geo: 'us',
};
const message = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'claude-x',
  content: [],
  stop_reason: null,
  stop_sequence: null,
  stop_details: null,
  container: null,
  diagnostics: null,
  usage,
} satisfies Message;
const RECORDED = [
  { type: 'message_start', message },
  { type: 'content_block_start', index: 0, content_block: { type: 'thinking', thinking: '', signature: '' } },
  { type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: 'hm' } },
  { type: 'content_block_delta', index: 0, delta: { type: 'signature_delta', signature: 'sig' } },
  { type: 'content_block_stop', index: 0 },
  { type: 'content_block_start', index: 1, content_block: { type: 'text', text: '', citations: null } },
  { type: 'content_block_delta', index: 1, delta: { type: 'text_delta', text: 'héllo' } },
  { type: 'content_block_stop', index: 1 },
  {
    type: 'content_block_start',
    index: 2,
    content_block: { type: 'tool_use', id: 't1', name: 'look', input: {}, caller: { type: 'direct' } },
  },
  { type: 'content_block_delta', index: 2, delta: { type: 'input_json_delta', partial_json: '{"a":' } },
  { type: 'content_block_delta', index: 2, delta: { type: 'input_json_delta', partial_json: '1}' } },
  { type: 'content_block_stop', index: 2 },
  {
    type: 'message_delta',
    delta: { stop_reason: 'tool_use', stop_sequence: null, stop_details: null, container: null },
    usage: {
      input_tokens: 10,
      cache_creation_input_tokens: null,
      cache_read_input_tokens: null,
      output_tokens: 42,
      output_tokens_details: { thinking_tokens: 7 },
      server_tool_use: { web_search_requests: 2, web_fetch_requests: 0 },
    },
  },
  { type: 'message_stop' },
] satisfies RawMessageStreamEvent[];
const RECORDED_TEXT = RECORDED.map(sse).join('');

test('the reader knows content, usage, end and size of each event', () => {
  const reader = anthropicMessages.streamReader();
  const views = split(RECORDED_TEXT).map((event) => reader.read(event));
  assert.deepEqual(
    views.map((view) => view.content),
    [false, false, true, true, false, false, true, false, true, true, true, false, false, false],
  );
  assert.equal(
    views.reduce((sum, view) => sum + view.textBytes, 0),
    2 + 6 + 5 + 2,
  );
  assert.equal(views[0]!.modelReturned, 'claude-x');
  assert.equal(views[0]!.usage?.inputTokens, 115);
  const last = views[12]!;
  assert.equal(last.finish, 'tool_calls');
  assert.deepEqual(last.usage, {
    ...NO_USAGE,
    inputTokens: 115,
    cachedReadTokens: 100,
    cacheWriteTokens: 5,
    cacheWrite1hTokens: 3,
    outputTokens: 42,
    reasoningTokens: 7,
    toolUses: { web_search_requests: 2 },
    serviceTier: 'standard',
    speed: 'standard',
    inferenceGeo: 'us',
  });
  assert.deepEqual(
    views.map((view) => view.terminal),
    RECORDED.map((event) => event.type === 'message_stop'),
  );
  const fault = reader.read(
    split('event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"busy"}}\n\n')[0]!,
  );
  assert.deepEqual([fault.fault?.type, fault.fault?.message, fault.terminal], ['overloaded', 'busy', false]);
});

test('a zero in a later event does not erase what was counted', () => {
  const reader = anthropicMessages.streamReader();
  const text =
    sse(RECORDED[0]!) +
    sse({ type: 'message_delta', delta: {}, usage: { input_tokens: 0, output_tokens: 9 } } as never);
  assert.equal(
    split(text)
      .map((event) => reader.read(event))
      .at(-1)!.usage?.inputTokens,
    115,
  );
});

test('decode after encode of a recorded stream is the same stream, at any split', () => {
  const events = decode(RECORDED_TEXT);
  for (const size of [1, 2, 3, 7, 64]) assert.deepEqual(decode(RECORDED_TEXT, size), events);
  assert.deepEqual(decode(encode(events)), events);
});

const REASONS: FinishReason[] = [
  'stop',
  'stop_sequence',
  'length',
  'tool_calls',
  'refusal',
  'pause',
  'context_exceeded',
];
interface Drawn {
  readonly kind: 'text' | 'reasoning' | 'tool_call';
  readonly texts: string[];
}
const drawn: fc.Arbitrary<Drawn[]> = fc.array(
  fc.record({
    kind: fc.constantFrom('text' as const, 'reasoning' as const, 'tool_call' as const),
    texts: fc.array(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 3 }),
  }),
  { minLength: 1, maxLength: 4 },
);
const blockStart = ({ kind }: Drawn, block: number): CanonicalEvent =>
  kind === 'tool_call'
    ? { type: 'block_start', choice: 0, block, kind, id: `t${block}`, name: 'look', custom: false }
    : { type: 'block_start', choice: 0, block, kind };
const delta = (block: number, text: string): CanonicalEvent => ({ type: 'delta', choice: 0, block, text });
const START: CanonicalEvent = { type: 'start', id: 'm', model: 'x', createdS: null, fingerprint: null };
const counted: Usage = { ...NO_USAGE, inputTokens: 9, cachedReadTokens: 4, outputTokens: 3 };
const ending = (reason: FinishReason): CanonicalEvent[] => [
  { type: 'finish', choice: 0, reason, stopSequence: null },
  { type: 'usage', usage: counted },
  { type: 'end' },
];

test('any stream of blocks in order comes back event by event', () => {
  fc.assert(
    fc.property(drawn, fc.constantFrom(...REASONS), fc.integer({ min: 1, max: 40 }), (blocks, reason, size) => {
      const events = [
        START,
        ...blocks.flatMap((block, i): CanonicalEvent[] => [
          blockStart(block, i),
          ...block.texts.map((text) => delta(i, text)),
          { type: 'block_stop', choice: 0, block: i },
        ]),
        ...ending(reason),
      ];
      const back = decode(encode(events), size).filter((event) => event.type !== 'usage');
      assert.deepEqual(
        back,
        events.filter((event) => event.type !== 'usage'),
      );
    }),
    { numRuns: 150, seed: 7 },
  );
});

/** The rules of the protocol, as a client's parser sees them. */
function assertLegal(text: string): RawMessageStreamEvent[] {
  const events = split(text).map((event) => JSON.parse(event.data!) as RawMessageStreamEvent);
  let open: number | null = null;
  let next = 0;
  for (const [i, event] of events.entries()) {
    assert.equal(event.type === 'message_start', i === 0);
    assert.equal(event.type === 'message_stop', i === events.length - 1);
    if (event.type === 'content_block_start') {
      assert.equal(open, null);
      assert.equal(event.index, next++);
      open = event.index;
    } else if (event.type === 'content_block_delta') assert.equal(event.index, open);
    else if (event.type === 'content_block_stop') {
      assert.equal(event.index, open);
      open = null;
    }
  }
  assert.equal(events.at(-2)?.type, 'message_delta');
  return events;
}

/** Starts in order, deltas mixed at random, stops or none: what a chat stream can become. */
const interleaved = fc.tuple(drawn, fc.array(fc.nat(), { minLength: 12, maxLength: 12 }), fc.boolean());

test('interleaved blocks become a legal stream with every text whole', () => {
  fc.assert(
    fc.property(interleaved, ([blocks, picks, stops]) => {
      const events: CanonicalEvent[] = [START, ...blocks.map(blockStart)];
      const left = blocks.map((block) => [...block.texts]);
      for (let step = 0; left.some((texts) => texts.length > 0); step++) {
        const open = left.flatMap((texts, i) => (texts.length > 0 ? [i] : []));
        const pick = open[picks[step % picks.length]! % open.length]!;
        events.push(delta(pick, left[pick]!.shift()!));
      }
      if (stops) blocks.forEach((_, block) => events.push({ type: 'block_stop', choice: 0, block }));
      const out = assertLegal(encode([...events, ...ending('stop')]));
      const joined = (field: 'text' | 'thinking'): string =>
        out
          .map((it) =>
            it.type === 'content_block_delta' && field in it.delta ? String((it.delta as never)[field]) : '',
          )
          .join('');
      const chars = (kind: Drawn['kind']): string =>
        [
          ...blocks
            .filter((it) => it.kind === kind)
            .flatMap((it) => it.texts)
            .join(''),
        ]
          .sort()
          .join('');
      assert.equal([...joined('text')].sort().join(''), chars('text'));
      assert.equal([...joined('thinking')].sort().join(''), chars('reasoning'));
      const args = new Map<string, string>();
      let id = '';
      for (const it of out) {
        if (it.type === 'content_block_start' && it.content_block.type === 'tool_use') id = it.content_block.id;
        if (it.type === 'content_block_delta' && it.delta.type === 'input_json_delta')
          args.set(id, (args.get(id) ?? '') + it.delta.partial_json);
      }
      for (const [i, block] of blocks.entries())
        if (block.kind === 'tool_call') assert.equal(args.get(`t${i}`), block.texts.join(''));
    }),
    { numRuns: 300, seed: 11 },
  );
});

test('the official SDK reads what the encoder writes', async () => {
  const require = createRequire(new URL('../../../../test/sdk/package.json', import.meta.url));
  const { default: Anthropic } = require('@anthropic-ai/sdk') as typeof import('@anthropic-ai/sdk/index.js');
  const redacted: CanonicalEvent[] = [
    { type: 'block_start', choice: 0, block: 0, kind: 'reasoning' },
    { type: 'signature', choice: 0, block: 0, encrypted: 'enc' },
    { type: 'block_stop', choice: 0, block: 0 },
  ];
  const text = encode([
    START,
    { type: 'ping' },
    ...redacted,
    blockStart({ kind: 'tool_call', texts: [] }, 1),
    blockStart({ kind: 'tool_call', texts: [] }, 2),
    delta(1, '{"a":'),
    delta(2, '{"b":2}'),
    delta(1, '1}'),
    ...ending('tool_calls'),
  ]);
  const client = new Anthropic({
    apiKey: 'k',
    fetch: async () => new Response(text, { headers: { 'content-type': 'text/event-stream' } }),
  });
  const final = await client.messages
    .stream({ model: 'x', max_tokens: 9, messages: [{ role: 'user', content: 'hi' }] })
    .finalMessage();
  assert.deepEqual(
    final.content.map((block) => (block.type === 'tool_use' ? [block.id, block.input] : block.type)),
    ['redacted_thinking', ['t1', { a: 1 }], ['t2', { b: 2 }]],
  );
  assert.equal(final.stop_reason, 'tool_use');
  assert.deepEqual(
    [final.usage.input_tokens, final.usage.cache_read_input_tokens, final.usage.output_tokens],
    [5, 4, 3],
  );
});

test('answers come back, with their usage', () => {
  const answer = anthropicMessages.decodeAnswer({
    ...message,
    content: [
      { type: 'thinking', thinking: 'hm', signature: 's' },
      { type: 'redacted_thinking', data: 'd' },
      { type: 'text', text: 'a', citations: [{ type: 'char_location' }] },
      { type: 'tool_use', id: 't', name: 'n', input: { x: 1 } },
      { type: 'server_tool_use', id: 's', name: 'web_search', input: {} },
    ],
    stop_reason: 'stop_sequence',
    stop_sequence: 'END',
  });
  const encoded = anthropicMessages.encodeAnswer(answer, context);
  assert.deepEqual(anthropicMessages.decodeAnswer(encoded), answer);
  assert.deepEqual((encoded as Message).usage, usage);
});

test('a fault keeps its type there and back', () => {
  const types: ProviderFault['type'][] = [
    ...(['invalid_request', 'authentication', 'permission', 'not_found', 'too_large', 'rate_limit'] as const),
    ...(['overloaded', 'timeout', 'billing', 'server'] as const),
  ];
  for (const type of types) {
    const fault: ProviderFault = { type, status: null, message: 'm', code: 'c', field: 'f' };
    const { status, body } = anthropicMessages.encodeFault(fault, 'r');
    assert.deepEqual(anthropicMessages.readFault(status, body), { ...fault, status });
    assert.equal(
      anthropicMessages.readFault(status, '<html>').type,
      type === 'invalid_request' ? 'invalid_request' : type,
    );
  }
  assert.equal(
    anthropicMessages.encodeFault({ type: 'overloaded', status: 503, message: '', code: null, field: null }, 'r')
      .status,
    529,
  );
});

test('odd events are quiet, and tokens of a compaction are counted', () => {
  const reader = anthropicMessages.streamReader();
  const decoder = anthropicMessages.streamDecoder();
  for (const event of split(
    'data: nope\n\ndata: 7\n\nevent: x\ndata: {"type":"constructor"}\n\n: note\n\ndata: {"type":"content_block_delta","index":9}\n\n',
  )) {
    reader.read(event);
    decoder.push(event);
  }
  const iterations = [
    { type: 'compaction', input_tokens: 1000, output_tokens: 50 },
    { type: 'message', input_tokens: 10, output_tokens: 1 },
  ];
  const read = anthropicMessages.readAnswer({ ...message, usage: { ...usage, iterations } }).usage;
  assert.deepEqual([read?.inputTokens, read?.outputTokens], [1115, 51]);
});
