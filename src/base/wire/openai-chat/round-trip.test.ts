import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { CanonicalAnswer, CanonicalEvent, GenerateCall, Part, ToolDefinition, Turn } from '#wire/canonical.ts';
import { parseStrict } from '#wire/json/strict.ts';
import { sseSplitter } from '#wire/sse/splitter.ts';
import { NO_USAGE, type Usage } from '#wire/usage.ts';
import { CHAT_FIELDS, CHAT_MESSAGES, PLACELESS } from './fields.ts';
import { openaiChat } from './index.ts';

const run = { seed: 20_261_124, numRuns: 300 };
const CONTEXT = { modelAsked: 'asked', callId: 'call', nowS: 1, includeUsage: true };

/** fast-check makes some objects without a prototype; a clone has the usual one. */
const plain = <T>(value: T): T => structuredClone(value);
const word = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 });
const nullable = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null });
const count = fc.integer({ min: 0, max: 1_000_000 });
const schema = fc.constant({ type: 'object', properties: { a: { type: 'string' } } });
const text = word.map((t): Part => ({ type: 'text', text: t }));
const marked = word.map((t): Part => ({ type: 'text', text: t, cache: { ttl: '30m' } }));

const userPart: fc.Arbitrary<Part> = fc.oneof(
  text,
  marked,
  fc.constantFrom<Part>(
    { type: 'image', media: { at: 'url', url: 'https://example.org/a.png' }, detail: 'low' },
    { type: 'image', media: { at: 'data', mediaType: 'image/png', data: 'AAAA' } },
    { type: 'audio', data: 'AAAA', format: 'wav' },
    { type: 'document', media: { at: 'data', mediaType: 'application/pdf', data: 'AAAA' }, name: 'a.pdf' },
    { type: 'document', media: { at: 'file', fileId: 'file-1' } },
  ),
);
const calls = fc.uniqueArray(
  fc.record({ type: fc.constant('tool_call' as const), id: word, name: word, args: fc.string(), custom: fc.boolean() }),
  { selector: (call) => call.id, maxLength: 3 },
);
/** What an assistant message holds, in the order in which chat says it. */
const assistantParts = fc
  .tuple(fc.option(word), fc.array(text, { maxLength: 2 }), fc.option(word), calls)
  .map(([thought, said, refusal, called]): Part[] => [
    ...(thought === null ? [] : [{ type: 'reasoning', text: thought } as const]),
    ...said,
    ...(refusal === null ? [] : [{ type: 'refusal', text: refusal } as const]),
    ...called,
  ])
  .filter((parts) => parts.length > 0);

const named = <T extends object>(turn: T) =>
  fc.oneof(
    fc.constant(turn),
    word.map((name) => ({ ...turn, name })),
  );
const instruction = fc
  .tuple(fc.constantFrom('system' as const, 'developer' as const), fc.array(text, { minLength: 1, maxLength: 2 }))
  .chain(([role, parts]) => named({ role, parts }));
const userTurn = fc
  .array(userPart, { minLength: 1, maxLength: 3 })
  .chain((parts) => named({ role: 'user' as const, parts }));
/** An assistant turn, and behind it a turn with the result of each of its calls. */
const exchange = assistantParts.chain((parts) =>
  word.map((result): Turn[] => {
    const results = parts.flatMap((part): Part[] =>
      part.type === 'tool_call'
        ? [
            {
              type: 'tool_result',
              id: part.id,
              content: [{ type: 'text', text: result }],
              isError: false,
              custom: part.custom,
            },
          ]
        : [],
    );
    return [{ role: 'assistant', parts }, ...(results.length > 0 ? [{ role: 'user', parts: results } as const] : [])];
  }),
);
/** A call id names its first call, so that ids do not stand twice with two kinds. */
const onceEach = (turns: Turn[]): boolean => {
  const ids = turns.flatMap((turn) => turn.parts.flatMap((part) => (part.type === 'tool_call' ? [part.id] : [])));
  return new Set(ids).size === ids.length;
};
const turns: fc.Arbitrary<Turn[]> = fc
  .array(
    fc.oneof(
      userTurn.map((t): Turn[] => [t]),
      instruction.map((t): Turn[] => [t]),
      exchange,
    ),
    { minLength: 1, maxLength: 5 },
  )
  .map((groups) => groups.flat())
  .filter(onceEach);

const tool: fc.Arbitrary<ToolDefinition> = fc.oneof(
  fc.record(
    {
      type: fc.constant('function' as const),
      name: word,
      schema: nullable(schema),
      description: word,
      strict: fc.boolean(),
    },
    { requiredKeys: ['type', 'name', 'schema'] },
  ),
  fc.record(
    { type: fc.constant('custom' as const), name: word, description: word, format: fc.constant({ type: 'text' }) },
    { requiredKeys: ['type', 'name'] },
  ),
  fc.constant<ToolDefinition>({
    type: 'hosted',
    dialect: 'openai-chat',
    name: 'web_search',
    value: { type: 'web_search', filters: {} },
  }),
);

const call: fc.Arbitrary<GenerateCall> = fc.record({
  kind: fc.constant('generate' as const),
  model: word,
  turns,
  tools: fc.array(tool, { maxLength: 3 }),
  toolChoice: nullable(
    fc.oneof(
      fc.constantFrom({ type: 'auto' as const }, { type: 'none' as const }, { type: 'required' as const }),
      fc.record({ type: fc.constant('named' as const), name: word, custom: fc.boolean() }),
    ),
  ),
  parallelTools: nullable(fc.boolean()),
  maxOutputTokens: nullable(fc.integer({ min: 1, max: 100_000 })),
  temperature: nullable(fc.double({ min: 0, max: 2, noNaN: true }).map((x) => Math.abs(x))),
  topP: nullable(fc.constantFrom(0.1, 0.5, 1)),
  topK: fc.constant(null),
  stop: fc.array(word, { maxLength: 3 }),
  seed: nullable(count),
  n: fc.integer({ min: 1, max: 8 }),
  presencePenalty: nullable(fc.constantFrom(-1, 0, 0.5)),
  frequencyPenalty: nullable(fc.constantFrom(-1, 0, 0.5)),
  logitBias: nullable(
    fc.dictionary(fc.constantFrom('1', '17'), fc.integer({ min: -100, max: 100 }), { noNullPrototype: true }),
  ),
  topLogprobs: nullable(fc.integer({ min: 0, max: 20 })),
  format: nullable(
    fc.oneof(
      fc.constantFrom({ type: 'text' as const }, { type: 'json' as const }),
      fc.record(
        { type: fc.constant('json_schema' as const), name: word, schema, strict: fc.boolean(), description: word },
        { requiredKeys: ['type', 'name', 'schema'] },
      ),
    ),
  ),
  reasoning: nullable(
    fc.record({
      effort: fc.constantFrom('none', 'low', 'high'),
      budgetTokens: fc.constant(null),
      enabled: fc.constant(null),
      summary: fc.constant(null),
    }),
  ),
  verbosity: nullable(fc.constantFrom('low', 'high')),
  stream: fc.constant(true),
  includeUsage: fc.boolean(),
  endUser: nullable(word),
  metadata: nullable(fc.dictionary(fc.constantFrom('a', 'b'), word, { noNullPrototype: true })),
  serviceTier: nullable(fc.constantFrom('auto', 'flex')),
  store: nullable(fc.boolean()),
  promptCacheKey: nullable(word),
  extras: fc.constantFrom(
    [],
    [{ field: 'prompt_cache_retention', value: '24h', class: 'hint' as const }],
    [{ field: 'prediction', value: { type: 'content', content: 'x' }, class: 'meaning' as const }],
  ),
});

const decode = (value: object) => {
  const parsed = parseStrict(Buffer.from(JSON.stringify(value)));
  assert.ok(parsed.ok);
  return openaiChat.decodeCall(parsed.value);
};

describe('chat calls', () => {
  it('decode what was encoded', () => {
    fc.assert(
      fc.property(call, (canonical) => {
        const { value, unsupported } = openaiChat.encodeCall(canonical);
        assert.deepEqual(unsupported, []);
        assert.deepEqual(decode(value), { ok: true, value: plain(canonical) });
      }),
      run,
    );
  });

  const base = { model: 'm', messages: [{ role: 'user', content: 'hi' }] };
  for (const [field, { sample }] of Object.entries(CHAT_FIELDS)) {
    it(`carry \`${field}\` through decode and encode`, () => {
      const body = {
        ...base,
        ...(field === 'top_logprobs' && { logprobs: true }),
        ...(field === 'stream_options' && { stream: true }),
        [field]: sample,
      };
      const decoded = decode(body);
      assert.ok(decoded.ok);
      const again = openaiChat.encodeCall(decoded.value);
      assert.deepEqual(again.unsupported, []);
      // Two old names are written under their new ones.
      const written = field === 'max_tokens' ? 'max_completion_tokens' : field === 'safety_identifier' ? 'user' : field;
      assert.deepEqual(again.value[written], sample);
      if (PLACELESS.has(field) && field !== 'safety_identifier') {
        assert.equal(decoded.value.extras[0]?.field, field);
        assert.equal(decoded.value.extras[0]?.class, CHAT_FIELDS[field]!.class);
      }
    });
  }
  for (const [name, { sample }] of Object.entries(CHAT_MESSAGES)) {
    it(`carry a message: ${name}`, () => {
      const decoded = decode({ ...base, messages: [sample] });
      assert.ok(decoded.ok);
      const again = openaiChat.encodeCall(decoded.value);
      assert.deepEqual(again.unsupported, []);
      const [written] = again.value['messages'] as Record<string, unknown>[];
      const wanted = sample as Record<string, unknown>;
      const content = wanted['content'] as { text?: string }[] | string | null | undefined;
      // A lone text part is written as a string; an absent content as null.
      const plain =
        Array.isArray(content) && content.length === 1 && Object.keys(content[0]!).length === 2
          ? content[0]!.text
          : undefined;
      assert.deepEqual(written, { ...wanted, content: plain ?? content ?? null });
    });
  }

  it('name a field that nobody knows as meaning, and a known foreign one as hint', () => {
    const decoded = decode({
      ...base,
      guided_json: {},
      min_p: 0.1,
      messages: [{ role: 'assistant', content: 'a', prefix: true, odd: 1 }],
    });
    assert.ok(decoded.ok);
    assert.deepEqual(
      decoded.value.extras.map((extra) => [extra.field, extra.class]),
      [
        ['guided_json', 'meaning'],
        ['min_p', 'hint'],
        ['messages[0].prefix', 'meaning'],
        ['messages[0].odd', 'hint'],
      ],
    );
    assert.deepEqual(openaiChat.encodeCall(decoded.value).unsupported.length, 4);
  });

  it('refuse a number that a translation would round', () => {
    const parsed = parseStrict(
      Buffer.from('{"model":"m","messages":[{"role":"user","content":"x"}],"seed":9007199254740993}'),
    );
    assert.ok(parsed.ok);
    const decoded = openaiChat.decodeCall(parsed.value);
    assert.equal(decoded.ok ? null : decoded.error.field, 'seed');
  });

  it('list what chat cannot say', () => {
    const decoded = decode(base);
    assert.ok(decoded.ok && decoded.value.kind === 'generate');
    const canonical: GenerateCall = {
      ...decoded.value,
      topK: 5,
      reasoning: { effort: null, budgetTokens: 100, enabled: true, summary: 'auto' },
      tools: [{ type: 'hosted', dialect: 'anthropic-messages', name: 'web_search', value: {} }],
      turns: [
        { role: 'user', parts: [{ type: 'document', media: { at: 'url', url: 'https://example.org/a.pdf' } }] },
        {
          role: 'assistant',
          parts: [
            { type: 'reasoning', text: 'h', signature: 's' },
            { type: 'text', text: 'a' },
          ],
        },
        { role: 'user', parts: [{ type: 'opaque', dialect: 'anthropic-messages', value: {} }] },
      ],
    };
    const lost = openaiChat.encodeCall(canonical).unsupported;
    const meaning = lost.filter((one) => one.class === 'meaning').map((one) => one.field);
    assert.deepEqual(meaning, ['messages[0].content[0]', 'messages[2].content[0]', 'tools[0]']);
    const hints = lost.filter((one) => one.class === 'hint').map((one) => one.field);
    assert.deepEqual(hints, [
      'messages[1].reasoning',
      'top_k',
      'reasoning.budgetTokens',
      'reasoning.enabled',
      'reasoning.summary',
    ]);
  });

  it('puts pictures of a tool result in a message behind the results', () => {
    const decoded = decode(base);
    assert.ok(decoded.ok && decoded.value.kind === 'generate');
    const image: Part = { type: 'image', media: { at: 'data', mediaType: 'image/png', data: 'AA' } };
    const result: Part = {
      type: 'tool_result',
      id: 'c',
      content: [{ type: 'text', text: 'see' }, image],
      isError: false,
      custom: false,
    };
    const { value, unsupported } = openaiChat.encodeCall({
      ...decoded.value,
      turns: [{ role: 'user', parts: [result] }],
    });
    assert.deepEqual(unsupported, []);
    assert.deepEqual(value['messages'], [
      { role: 'tool', tool_call_id: 'c', content: 'see' },
      { role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AA' } }] },
    ]);
  });
});

const usage: fc.Arbitrary<Usage> = fc
  .record({
    inputTokens: count,
    outputTokens: count,
    cachedReadTokens: nullable(count),
    cacheWriteTokens: nullable(count),
    inputAudioTokens: nullable(count),
    inputImageTokens: nullable(count),
    reasoningTokens: nullable(count),
    outputAudioTokens: nullable(count),
    toolUses: fc.constantFrom({}, { web_search_requests: 2 }),
  })
  .map((known) => ({ ...NO_USAGE, ...known }));
const finish = fc.constantFrom('stop' as const, 'length' as const, 'tool_calls' as const, 'content_filter' as const);

const answer: fc.Arbitrary<CanonicalAnswer> = fc.record({
  kind: fc.constant('generate' as const),
  id: word,
  model: word,
  createdS: count,
  choices: fc.array(
    fc.record({
      // One text only: several would be joined.
      parts: assistantParts.filter((parts) => parts.filter((part) => part.type === 'text').length < 2),
      finish,
      stopSequence: fc.constant(null),
    }),
    { maxLength: 3 },
  ),
  usage: nullable(usage),
  serviceTier: fc.constant(null),
  fingerprint: nullable(word),
});

describe('chat answers', () => {
  it('decode what was encoded', () => {
    fc.assert(
      fc.property(answer, (canonical) => {
        const value: unknown = JSON.parse(JSON.stringify(openaiChat.encodeAnswer(canonical, CONTEXT)));
        assert.deepEqual(openaiChat.decodeAnswer(value), plain(canonical));
        assert.deepEqual(openaiChat.readAnswer(value).usage, plain(canonical.usage));
      }),
      run,
    );
  });
  it('decode anything without an exception', () => {
    const odd = fc.oneof(
      fc.jsonValue(),
      fc.record({ choices: fc.array(fc.record({ message: fc.jsonValue(), delta: fc.jsonValue() })) }),
    );
    fc.assert(
      fc.property(odd, (value) => {
        openaiChat.decodeAnswer(value);
        openaiChat.readAnswer(value);
        openaiChat.readFault(500, value);
        const decoder = openaiChat.streamDecoder();
        decoder.push({ raw: Buffer.alloc(0), name: '', data: JSON.stringify(value) });
      }),
      run,
    );
  });
});

interface Block {
  readonly kind: 'text' | 'reasoning' | 'refusal' | 'tool_call';
  readonly custom: boolean;
  readonly pieces: readonly string[];
}
const block: fc.Arbitrary<Block> = fc.record({
  kind: fc.constantFrom('text', 'reasoning', 'refusal', 'tool_call'),
  custom: fc.boolean(),
  pieces: fc.array(word, { minLength: 1, maxLength: 4 }),
});
/** Neighbours of one kind would be one block, since chat has no mark between them; calls come last. */
const blocks = fc
  .array(block, { minLength: 1, maxLength: 5 })
  .map((list) => list.filter((one, i) => one.kind === 'tool_call' || one.kind !== list[i - 1]?.kind))
  .map((list) => [...list.filter((one) => one.kind !== 'tool_call'), ...list.filter((one) => one.kind === 'tool_call')])
  .map((list) => list.filter((one, i) => one.kind === 'tool_call' || one.kind !== list[i - 1]?.kind));

function blockEvents(choice: number, list: readonly Block[]): CanonicalEvent[] {
  const stopsAtEnd: CanonicalEvent[] = [];
  const events = list.flatMap((one, at): CanonicalEvent[] => {
    const where = { choice, block: at };
    const stop: CanonicalEvent = { type: 'block_stop', ...where };
    if (one.kind === 'tool_call') stopsAtEnd.push(stop);
    const tool = one.kind === 'tool_call' ? { id: `call_${at}`, name: 'look', custom: one.custom } : {};
    return [
      { type: 'block_start', ...where, kind: one.kind, ...tool },
      ...one.pieces.map((piece): CanonicalEvent => ({ type: 'delta', ...where, text: piece })),
      ...(one.kind === 'tool_call' ? [] : [stop]),
    ];
  });
  return [...events, ...stopsAtEnd];
}
const eventStream = fc
  .tuple(fc.array(blocks, { minLength: 1, maxLength: 2 }), finish, nullable(usage))
  .map(([choices, reason, used]): CanonicalEvent[] => [
    { type: 'start', id: 'c1', model: 'm', createdS: 5, fingerprint: 'fp' },
    ...choices.flatMap((list, choice): CanonicalEvent[] => [
      ...blockEvents(choice, list),
      { type: 'finish', choice, reason, stopSequence: null },
    ]),
    ...(used ? [{ type: 'usage', usage: used } as const] : []),
    { type: 'end' },
  ]);

describe('chat streams', () => {
  it('decode what was encoded, at any byte split', () => {
    fc.assert(
      fc.property(eventStream, fc.integer({ min: 1, max: 60 }), (events, size) => {
        const encoder = openaiChat.streamEncoder(CONTEXT);
        const bytes = Buffer.from(events.map((event) => encoder.push(event)).join(''));
        const [splitter, decoder] = [sseSplitter(), openaiChat.streamDecoder()];
        const seen: CanonicalEvent[] = [];
        for (let at = 0; at < bytes.length; at += size) {
          for (const event of splitter.push(bytes.subarray(at, at + size))) seen.push(...decoder.push(event));
        }
        assert.deepEqual(seen, plain(events));
      }),
      run,
    );
  });

  const decodeAll = (chunks: readonly object[]): CanonicalEvent[] => {
    const decoder = openaiChat.streamDecoder();
    const all = [...chunks.map((chunk) => JSON.stringify(chunk)), '[DONE]'];
    return all.flatMap((data) => decoder.push({ raw: Buffer.alloc(0), name: '', data }));
  };
  const delta = (value: object) => ({ choices: [{ index: 0, delta: value, finish_reason: null }] });
  const toolPiece = (call: object) => delta({ tool_calls: [call] });

  it('keeps parallel calls apart whose pieces alternate, or whose index is always 0', () => {
    const argsOf = (events: readonly CanonicalEvent[]): Record<number, string> => {
      const out: Record<number, string> = {};
      for (const event of events) if (event.type === 'delta') out[event.block] = (out[event.block] ?? '') + event.text;
      return out;
    };
    const alternating = decodeAll([
      toolPiece({ index: 0, id: 'a', function: { name: 'f', arguments: '1' } }),
      toolPiece({ index: 1, id: 'b', function: { name: 'g', arguments: '2' } }),
      toolPiece({ index: 0, function: { arguments: '3' } }),
      toolPiece({ index: 1, function: { arguments: '4' } }),
    ]);
    assert.deepEqual(argsOf(alternating), { 0: '13', 1: '24' });
    const zeros = decodeAll([
      toolPiece({ index: 0, id: 'a', function: { name: 'f', arguments: '1' } }),
      toolPiece({ index: 0, id: 'b', function: { name: 'g', arguments: '2' } }),
    ]);
    assert.deepEqual(argsOf(zeros), { 0: '1', 1: '2' });
  });

  it('reads reasoning under each name that providers use', () => {
    for (const piece of [
      { reasoning_content: 'hm' },
      { reasoning: 'hm', reasoning_details: [{ type: 'reasoning.text', text: 'hm' }] },
      { reasoning_details: [{ type: 'reasoning.text', text: 'hm' }] },
      { content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'hm' }] }] },
    ]) {
      const events = decodeAll([delta(piece)]);
      assert.deepEqual(events[1], { type: 'block_start', choice: 0, block: 0, kind: 'reasoning' });
      assert.deepEqual(events[2], { type: 'delta', choice: 0, block: 0, text: 'hm' });
    }
  });

  it('turns an error into an error event, and writes one that the SDK throws on', () => {
    const [event] = decodeAll([{ error: { message: 'boom', type: 'server_error' } }]);
    assert.ok(event?.type === 'error');
    const written = openaiChat.streamEncoder(CONTEXT).push(event);
    assert.deepEqual(JSON.parse(written.slice('data: '.length)), {
      error: { message: 'boom', type: 'server_error', param: null, code: 'server_error' },
    });
  });
});
