import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { MessageCreateParamsNonStreaming } from '@anthropic-ai/sdk/resources/messages/messages.js';
import type { GenerateCall, Part } from '../canonical.ts';
import { parseStrict, type StrictJson } from '../json/strict.ts';
import { anthropicCount } from '../anthropic-count/index.ts';
import { anthropicMessages, CARRIED_FIELDS, MESSAGES_FIELDS, withDefaultMaxTokens } from './index.ts';

const strict = (value: unknown): StrictJson => {
  const read = parseStrict(Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)));
  assert.ok(read.ok, JSON.stringify(read));
  return read.value;
};
const base = { model: 'claude-sonnet-5', max_tokens: 64, messages: [{ role: 'user', content: 'hi' }] };
const policy = (value: object) => anthropicMessages.policy(strict({ ...base, ...value }));
const decode = (value: object): GenerateCall => {
  const read = anthropicMessages.decodeCall(strict({ ...base, ...value }));
  assert.ok(read.ok, JSON.stringify(read));
  return read.value as GenerateCall;
};

test('policy reads what it must', () => {
  const file = (file_id: string) => ({ type: 'image', source: { type: 'file', file_id } });
  const read = policy({
    stream: true,
    service_tier: 'auto',
    container: {
      id: 'c1',
      skills: [
        { type: 'custom', skill_id: 's1' },
        { type: 'anthropic', skill_id: 'pdf' },
      ],
    },
    metadata: { user_id: 'user_ab_account_cd_session_0e8f5a52-1111-2222-3333-444455556666' },
    tools: [
      { name: 'look', input_schema: {} },
      { type: 'bash_20250124', name: 'bash' },
      { type: 'web_search_20260318', name: 'web_search' },
      { type: 'dream_20300101', name: 'dream' },
    ],
    messages: [
      {
        role: 'user',
        content: [
          file('f1'),
          { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'x' } },
          { type: 'document', source: { type: 'content', content: [file('f2')] } },
          { type: 'tool_result', tool_use_id: 't', content: [file('f3')] },
        ],
      },
    ],
  });
  assert.ok(read.ok);
  assert.deepEqual(read.value.hostedTools, ['web_search', 'dream']);
  assert.equal(read.value.endUser, 'user_ab_account_cd');
  assert.equal(read.value.sessionHint, '0e8f5a52-1111-2222-3333-444455556666');
  assert.deepEqual(
    read.value.keptIds.map((it) => it.id),
    ['c1', 's1', 'f1', 'f2', 'f3'],
  );
  assert.deepEqual(read.value.media, { images: 3, audios: 0, files: 0 });
  assert.equal(read.value.maxOutputTokens, 64);
});

test('the JSON form of a coding agent’s user id names the session', () => {
  const read = policy({
    metadata: { user_id: JSON.stringify({ device_id: 'd', account_uuid: '', session_id: 's-1' }) },
  });
  assert.ok(read.ok);
  assert.equal(read.value.endUser, 'd');
  assert.equal(read.value.sessionHint, 's-1');
});

test('policy refuses wrong types and names the field', () => {
  const wrong: readonly [object, string][] = [
    [{ model: 7 }, 'model'],
    [{ model: '' }, 'model'],
    [{ max_tokens: '64' }, 'max_tokens'],
    [{ max_tokens: 1.5 }, 'max_tokens'],
    [{ max_tokens: -1 }, 'max_tokens'],
    [{ max_tokens: undefined }, 'max_tokens'],
    [{ stream: 'yes' }, 'stream'],
    [{ service_tier: 1 }, 'service_tier'],
    [{ metadata: { user_id: 3 } }, 'metadata.user_id'],
    [{ tools: {} }, 'tools'],
    [{ tools: [{ type: 4 }] }, 'tools[0].type'],
    [{ messages: 'hi' }, 'messages'],
    [{ messages: [{ role: 'user', content: [{ type: 'image' }] }] }, 'messages[0].content[0].source'],
    [{ container: 5 }, 'container'],
  ];
  for (const [value, field] of wrong) {
    const read = policy(value);
    assert.ok(!read.ok, JSON.stringify(value));
    assert.equal(read.error.field, field);
  }
});

test('policy and decode are total on any JSON', () => {
  const seed = Date.now() & 0xffff;
  const shape = fc.record(
    {
      model: fc.jsonValue(),
      max_tokens: fc.jsonValue(),
      messages: fc.jsonValue(),
      tools: fc.jsonValue(),
      thinking: fc.jsonValue(),
      system: fc.jsonValue(),
      output_config: fc.jsonValue(),
      tool_choice: fc.jsonValue(),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(shape, (value) => {
      const read = parseStrict(Buffer.from(JSON.stringify(value)));
      if (!read.ok) return;
      anthropicMessages.policy(read.value);
      anthropicMessages.decodeCall(read.value);
      anthropicMessages.readAnswer(value);
      anthropicMessages.decodeAnswer(value);
      anthropicMessages.readFault(500, value);
    }),
    { seed, numRuns: 300 },
  );
});

test('patch changes nothing but what it must', () => {
  const text =
    '{ "model" : "a",\n "max_tokens":5, "betas":["x"], "messages":[{"role":"user","content":"é  \\u00e9"}] }';
  const patched = Buffer.from(
    anthropicMessages.patch(strict(text), { model: 'b', maxOutputTokens: 9, drop: ['betas'] }),
  );
  assert.equal(patched.toString(), text.replace('"a"', '"b"').replace(' "betas":["x"],', ''));
  assert.equal(anthropicMessages.patch(strict(text), { includeUsage: true }).length, Buffer.byteLength(text));
});

test('every field of the SDK types is in the table', () => {
  const sample = {
    ...base,
    messages: [{ role: 'user' as const, content: 'hi' }],
  } satisfies MessageCreateParamsNonStreaming;
  for (const name of Object.keys(sample)) assert.ok(name in MESSAGES_FIELDS);
  const named: Record<keyof MessageCreateParamsNonStreaming, true> = {
    model: true,
    messages: true,
    max_tokens: true,
    cache_control: true,
    container: true,
    diagnostics: true,
    inference_geo: true,
    metadata: true,
    output_config: true,
    service_tier: true,
    speed: true,
    stop_sequences: true,
    stream: true,
    system: true,
    thinking: true,
    tool_choice: true,
    tools: true,
    user_profile_id: true,
    workspace_id: true,
  };
  for (const name of Object.keys(named)) assert.ok(name in MESSAGES_FIELDS, name);
});

test('a field that the canonical call does not carry is an extra of its class', () => {
  for (const [field, { class: kind, sample }] of Object.entries(MESSAGES_FIELDS)) {
    const extras = decode({ [field]: sample }).extras.filter((it) => it.field === field);
    assert.deepEqual(
      extras,
      CARRIED_FIELDS.has(field) || (field === 'diagnostics' && sample === null)
        ? []
        : [{ field, value: sample, class: kind }],
    );
  }
  assert.deepEqual(decode({ brand_new: 1 }).extras, [{ field: 'brand_new', value: 1, class: 'meaning' }]);
});

const word = fc.string({ minLength: 1, maxLength: 12 });
const cache = fc.option(fc.record({ ttl: fc.constantFrom(null, '5m', '1h') }), { nil: undefined });
const withCache = <T extends object>(part: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.tuple(part, cache).map(([value, mark]) => (mark ? { ...value, cache: mark } : value));
const media = fc.oneof(
  fc.record({ at: fc.constant('url' as const), url: fc.webUrl() }),
  fc.record({ at: fc.constant('data' as const), mediaType: fc.constant('image/png'), data: fc.base64String() }),
  fc.record({ at: fc.constant('file' as const), fileId: word }),
);
const textPart = withCache(fc.record({ type: fc.constant('text' as const), text: word }));
const imagePart = withCache(fc.record({ type: fc.constant('image' as const), media }));
const resultPart = withCache(
  fc.record({
    type: fc.constant('tool_result' as const),
    id: word,
    content: fc.array(fc.oneof(textPart, imagePart), { maxLength: 2 }),
    isError: fc.boolean(),
    custom: fc.constant(false),
  }),
);
const callPart = withCache(
  fc.record({
    type: fc.constant('tool_call' as const),
    id: word,
    name: word,
    args: fc.dictionary(word, fc.jsonValue()).map((value) => JSON.stringify(JSON.parse(JSON.stringify(value)))),
    custom: fc.constant(false),
  }),
);
const reasoningPart = fc.oneof(
  fc.record({ type: fc.constant('reasoning' as const), text: fc.string(), signature: word }),
  fc.record({ type: fc.constant('reasoning' as const), text: fc.constant(''), encrypted: word }),
);
const userParts = fc
  .tuple(
    fc.array(resultPart, { maxLength: 2 }),
    fc.array(fc.oneof(textPart, imagePart), { minLength: 1, maxLength: 3 }),
  )
  .map(([results, rest]): Part[] => [...results, ...rest]);
const assistantParts = fc.array(fc.oneof(textPart, callPart, reasoningPart), { minLength: 1, maxLength: 3 });
const turns = fc
  .tuple(
    fc.option(fc.array(textPart, { minLength: 1, maxLength: 2 })),
    fc.array(fc.tuple(userParts, assistantParts), { minLength: 1, maxLength: 3 }),
  )
  .map(([system, pairs]) => [
    ...(system ? [{ role: 'system' as const, parts: system as Part[] }] : []),
    ...pairs.flatMap(([user, assistant]) => [
      { role: 'user' as const, parts: user },
      { role: 'assistant' as const, parts: assistant as Part[] },
    ]),
  ]);
const nullable = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: null });
const call: fc.Arbitrary<GenerateCall> = fc.record({
  kind: fc.constant('generate' as const),
  model: word,
  turns,
  tools: fc.array(
    fc.record({
      type: fc.constant('function' as const),
      name: word,
      schema: fc.constant({ type: 'object' }),
      strict: fc.boolean(),
    }),
    { minLength: 1, maxLength: 2 },
  ),
  toolChoice: fc.oneof(
    fc.record({ type: fc.constantFrom('auto' as const, 'required' as const) }),
    fc.record({ type: fc.constant('named' as const), name: word, custom: fc.constant(false) }),
  ),
  parallelTools: nullable(fc.boolean()),
  maxOutputTokens: fc.nat(),
  temperature: nullable(fc.double({ min: 0, max: 1, noNaN: true }).map(Math.abs)),
  topP: nullable(fc.constantFrom(0.1, 0.9)),
  topK: nullable(fc.nat()),
  stop: fc.array(word, { maxLength: 2 }),
  seed: fc.constant(null),
  n: fc.constant(1),
  presencePenalty: fc.constant(null),
  frequencyPenalty: fc.constant(null),
  logitBias: fc.constant(null),
  topLogprobs: fc.constant(null),
  format: nullable(
    fc.constant({ type: 'json_schema' as const, name: 'answer', schema: { type: 'object' }, strict: true }),
  ),
  reasoning: fc.constantFrom(
    null,
    { effort: 'high', budgetTokens: null, enabled: null, summary: null },
    { effort: null, budgetTokens: 2048, enabled: true, summary: 'omitted' },
    { effort: 'max', budgetTokens: null, enabled: true, summary: 'summarized' },
    { effort: null, budgetTokens: null, enabled: false, summary: null },
  ),
  verbosity: fc.constant(null),
  stream: fc.boolean(),
  includeUsage: fc.constant(true),
  endUser: nullable(word),
  metadata: fc.constant(null),
  serviceTier: fc.constantFrom(null, 'auto', 'default'),
  store: fc.constant(null),
  promptCacheKey: fc.constant(null),
  extras: fc.constant([]),
});

test('decode after encode gives the call back', () => {
  const seed = Date.now() & 0xffff;
  fc.assert(
    fc.property(call, (wanted) => {
      const encoded = anthropicMessages.encodeCall(wanted);
      assert.deepEqual(encoded.unsupported, []);
      const back = anthropicMessages.decodeCall(strict(encoded.value));
      assert.ok(back.ok, JSON.stringify(back));
      assert.deepEqual(JSON.parse(JSON.stringify(back.value)), JSON.parse(JSON.stringify(wanted)));
      assert.ok(anthropicMessages.policy(strict(encoded.value)).ok);
    }),
    { seed, numRuns: 200 },
  );
});

test('what Anthropic cannot say is named with its class', () => {
  const foreign: GenerateCall = {
    ...decode({}),
    maxOutputTokens: null,
    seed: 1,
    n: 2,
    temperature: 1.5,
    store: true,
    serviceTier: 'flex',
    format: { type: 'json' },
    tools: [{ type: 'custom', name: 'sql' }],
    turns: [
      { role: 'developer', parts: [{ type: 'text', text: 'a' }] },
      { role: 'system', parts: [{ type: 'text', text: 'b' }] },
      { role: 'user', name: 'ann', parts: [{ type: 'audio', data: '', format: 'wav' }] },
      {
        role: 'assistant',
        parts: [
          { type: 'reasoning', text: '', encrypted: 'x', id: 'rs_1' },
          { type: 'text', text: 'c' },
        ],
      },
      { role: 'developer', parts: [{ type: 'text', text: 'd' }] },
    ],
  };
  const { value, unsupported } = withDefaultMaxTokens(1000)(foreign);
  assert.deepEqual(value['system'], [
    { type: 'text', text: 'a' },
    { type: 'text', text: 'b' },
  ]);
  assert.deepEqual(value['messages'], [
    { role: 'user', content: '' },
    { role: 'assistant', content: 'c' },
    { role: 'system', content: 'd' },
  ]);
  assert.equal(value['max_tokens'], 1000);
  assert.equal(value['temperature'], 1);
  assert.deepEqual(Object.fromEntries(unsupported.map((it) => [it.field, it.class])), {
    seed: 'hint',
    n: 'meaning',
    store: 'hint',
    'tools[0]': 'meaning',
    response_format: 'meaning',
    service_tier: 'hint',
    'messages[2].name': 'hint',
    'messages[2].content[0]': 'meaning',
    'messages[3].content[0]': 'hint',
    temperature: 'hint',
  });
});

test('results of parallel tool calls come in one message, before text', () => {
  const result = (id: string): Part => ({ type: 'tool_result', id, content: [], isError: false, custom: false });
  const { value } = anthropicMessages.encodeCall({
    ...decode({}),
    turns: [
      { role: 'user', parts: [result('a')] },
      { role: 'user', parts: [{ type: 'text', text: 'x' }, result('b')] },
    ],
  });
  assert.deepEqual(
    (value['messages'] as { content: { type: string }[] }[]).map((it) => it.content.map((block) => block.type)),
    [['tool_result', 'tool_result', 'text']],
  );
});

test('argument text that is no object is wrapped, never lost', () => {
  const { value } = anthropicMessages.encodeCall({
    ...decode({}),
    turns: [{ role: 'assistant', parts: [{ type: 'tool_call', id: 't', name: 'n', args: '{"a":', custom: false }] }],
  });
  assert.deepEqual((value['messages'] as { content: { input: unknown }[] }[])[0]!.content[0]!.input, {
    INVALID_JSON: '{"a":',
  });
});

test('count_tokens needs no max_tokens and reads its one figure', () => {
  const { max_tokens: _, ...body } = base;
  const read = anthropicCount.policy(strict(body));
  assert.ok(read.ok && read.value.maxOutputTokens === null);
  assert.equal(anthropicCount.readAnswer({ input_tokens: 12 }).usage?.inputTokens, 12);
  const encoded = anthropicCount.encodeCall(decode({ temperature: 1, stream: true }));
  assert.deepEqual(Object.keys(encoded.value).sort(), ['messages', 'model']);
});
