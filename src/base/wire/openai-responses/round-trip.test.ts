import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Response, ResponseCreateParamsBase } from 'openai/resources/responses/responses.js';
import type { CanonicalAnswer, CanonicalEvent, GenerateCall, Part, Turn } from '#wire/canonical.ts';
import { parseStrict } from '#wire/json/strict.ts';
import { sseSplitter } from '#wire/sse/splitter.ts';
import { NO_USAGE } from '#wire/usage.ts';
import { openaiResponses, RESPONSES_FIELDS } from './index.ts';

const RUNS = { seed: 20261124, numRuns: 300 };
const word = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 });
const id = fc.stringMatching(/^[a-z0-9]{1,10}$/);
const orNull = <T>(arb: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(arb, { nil: null });
/** Optional members that are absent, never undefined. */
const some = <T>(shape: { [K in keyof T]: fc.Arbitrary<T[K]> }) => fc.record(shape, { requiredKeys: [] });

const cache = fc.constantFrom({ ttl: '30m' }, { ttl: '12h' });
const textPart = fc.tuple(word, some({ cache })).map(([text, more]): Part => ({ type: 'text', text, ...more }));
const media = fc.oneof(
  id.map((name) => ({ at: 'url', url: `https://a.test/${name}` }) as const),
  id.map((fileId) => ({ at: 'file', fileId }) as const),
  fc.base64String({ minLength: 4 }).map((data) => ({ at: 'data', mediaType: 'image/png', data }) as const),
);
const inputPart: fc.Arbitrary<Part> = fc.oneof(
  textPart,
  fc.record({ type: fc.constant('image' as const), media, detail: fc.constantFrom('auto', 'low', 'high') }),
  fc.tuple(media, some({ name: word })).map(([m, more]): Part => ({ type: 'document', media: m, ...more })),
  fc.record({ type: fc.constant('audio' as const), data: fc.base64String(), format: fc.constantFrom('mp3', 'wav') }),
);
const citation = fc.record({
  type: fc.constant('url_citation'),
  url: fc.webUrl(),
  title: word,
  start_index: fc.nat(9),
  end_index: fc.nat(9),
});
const saidPart: fc.Arbitrary<Part> = fc.oneof(
  fc
    .tuple(word, some({ annotations: fc.array(citation, { minLength: 1, maxLength: 2 }) }))
    .map(([text, more]): Part => ({ type: 'text', text, ...more })),
  word.map((text): Part => ({ type: 'refusal', text })),
);
const callPart = fc.record({
  type: fc.constant('tool_call' as const),
  id,
  name: id,
  args: fc.oneof(fc.json(), word),
  custom: fc.boolean(),
});
const resultPart = fc.record({
  type: fc.constant('tool_result' as const),
  id,
  content: fc.array(inputPart, { maxLength: 3 }),
  isError: fc.constant(false),
  custom: fc.boolean(),
});
const reasoningPart = fc
  .tuple(fc.oneof(word, fc.constant('')), fc.base64String({ minLength: 4 }), id)
  .map(([text, encrypted, name]): Part => ({ type: 'reasoning', text, encrypted, id: `rs_${name}` }));
const opaquePart = id.map((name): Part => ({
  type: 'opaque',
  dialect: 'openai-responses',
  value: { type: 'web_search_call', id: name, status: 'completed' },
}));
const modelPart = fc.oneof(saidPart, callPart, reasoningPart, opaquePart);

const otherTurn: fc.Arbitrary<Turn> = fc.oneof(
  fc.record({
    role: fc.constantFrom('user', 'system', 'developer'),
    parts: fc.array(inputPart, { minLength: 1, maxLength: 3 }),
  }) as fc.Arbitrary<Turn>,
  fc.record({ role: fc.constant('user' as const), parts: fc.array(resultPart, { minLength: 1, maxLength: 3 }) }),
);
const modelTurn = fc.record({
  role: fc.constant('assistant' as const),
  parts: fc.array(modelPart, { minLength: 1, maxLength: 5 }),
});
const isResults = (turn: Turn | undefined): boolean => turn?.parts[0]?.type === 'tool_result';
/** Turns as a decoder leaves them: what the model made in a row is one turn, and so are results in a row. */
const turns = fc
  .array(fc.oneof(otherTurn, modelTurn), { minLength: 1, maxLength: 6 })
  .map((all) =>
    all.filter((turn, i) => {
      const before = all[i - 1];
      return !(turn.role === 'assistant' && before?.role === 'assistant') && !(isResults(turn) && isResults(before));
    }),
  )
  .filter((all) =>
    all.every(
      (turn, i) =>
        !(turn.role === 'assistant' && all[i - 1]?.role === 'assistant') && !(isResults(turn) && isResults(all[i - 1])),
    ),
  );

const schema = fc.constant({ type: 'object', properties: { a: { type: 'string' } } });
const tool = fc.oneof(
  fc
    .tuple(id, fc.boolean(), some({ description: word }))
    .map(([name, strict, more]) => ({ type: 'function' as const, name, ...more, schema: { type: 'object' }, strict })),
  fc.tuple(id, some({ description: word, format: fc.constant({ type: 'text' }) })).map(([name, more]) => ({
    type: 'custom' as const,
    name,
    ...more,
  })),
  fc.constant({
    type: 'hosted' as const,
    dialect: 'openai-responses' as const,
    name: 'web_search',
    value: { type: 'web_search' },
  }),
);
const extras = fc
  .subarray(Object.keys(RESPONSES_FIELDS).filter((name) => !RESPONSES_FIELDS[name]!.carried))
  .map((names) =>
    names.map((field) => ({ field, value: RESPONSES_FIELDS[field]!.sample, class: RESPONSES_FIELDS[field]!.class })),
  );
const call: fc.Arbitrary<GenerateCall> = fc.record({
  kind: fc.constant('generate' as const),
  model: word,
  turns,
  tools: fc.array(tool, { maxLength: 3 }),
  toolChoice: orNull(
    fc.oneof(
      fc.record({ type: fc.constantFrom('auto' as const, 'none' as const, 'required' as const) }),
      fc.record({ type: fc.constant('named' as const), name: id, custom: fc.boolean() }),
    ),
  ),
  parallelTools: orNull(fc.boolean()),
  maxOutputTokens: orNull(fc.integer({ min: 1, max: 1e6 })),
  temperature: orNull(fc.double({ min: 0, max: 2, noNaN: true }).map((t) => t + 0)),
  topP: orNull(fc.constantFrom(0.1, 0.9)),
  topK: fc.constant(null),
  stop: fc.constant([]),
  seed: fc.constant(null),
  n: fc.constant(1),
  presencePenalty: fc.constant(null),
  frequencyPenalty: fc.constant(null),
  logitBias: fc.constant(null),
  topLogprobs: orNull(fc.integer({ min: 0, max: 20 })),
  format: orNull(
    fc.oneof(
      fc.constant({ type: 'text' as const }),
      fc.constant({ type: 'json' as const }),
      fc
        .tuple(id, schema, some({ strict: fc.boolean(), description: word }))
        .map(([name, s, more]) => ({ type: 'json_schema' as const, name, schema: s, ...more })),
    ),
  ),
  reasoning: orNull(
    fc.record({
      effort: fc.constantFrom('low', 'xhigh'),
      budgetTokens: fc.constant(null),
      enabled: fc.constant(null),
      summary: orNull(fc.constant('auto')),
    }),
  ),
  verbosity: orNull(fc.constantFrom('low', 'high')),
  stream: fc.boolean(),
  includeUsage: fc.constant(true),
  endUser: orNull(word),
  metadata: orNull(fc.dictionary(id, word, { maxKeys: 3 })),
  serviceTier: orNull(fc.constantFrom('flex', 'priority')),
  store: orNull(fc.boolean()),
  promptCacheKey: orNull(word),
  extras,
});

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
const byField = (value: GenerateCall): GenerateCall => ({
  ...value,
  extras: value.extras.toSorted((a, b) => (a.field < b.field ? -1 : 1)),
});

test('a call that Responses can express comes back as it went', () => {
  fc.assert(
    fc.property(call, (source) => {
      const { value, unsupported } = openaiResponses.encodeCall(source);
      assert.deepEqual(unsupported, []);
      const request = parseStrict(Buffer.from(JSON.stringify(value)));
      assert.ok(request.ok);
      const back = openaiResponses.decodeCall(request.value);
      assert.ok(back.ok, JSON.stringify(back));
      assert.deepEqual(plain(byField(back.value as GenerateCall)), plain(byField(source)));
    }),
    RUNS,
  );
});

const usage = orNull(
  fc
    .record({ a: fc.nat(999), b: fc.nat(99), c: fc.nat(99), d: fc.nat(999), e: fc.nat(99) })
    .map(({ a, b, c, d, e }) => ({
      ...NO_USAGE,
      inputTokens: a,
      cachedReadTokens: b,
      cacheWriteTokens: c,
      outputTokens: d,
      reasoningTokens: e,
    })),
);
const ends = (parts: readonly Part[]) =>
  fc.constantFrom(
    ...(parts.some((part) => part.type === 'tool_call') ? (['tool_calls'] as const) : []),
    ...(parts.every((part) => part.type !== 'tool_call' && part.type !== 'refusal') ? (['stop'] as const) : []),
    'length' as const,
    'content_filter' as const,
  );
const answer: fc.Arbitrary<CanonicalAnswer> = fc
  .array(modelPart, { maxLength: 6 })
  .chain((parts) => fc.tuple(fc.constant(parts), ends(parts), usage, orNull(fc.constantFrom('flex', 'default')), id))
  .map(([parts, finish, spent, serviceTier, name]) => ({
    kind: 'generate' as const,
    id: `resp_${name}`,
    model: 'm-1',
    createdS: 1_790_000_000,
    choices: [{ parts, finish, stopSequence: null }],
    usage: spent && { ...spent, serviceTier, toolUses: searches(parts) },
    serviceTier,
    fingerprint: null,
  }));
const searches = (parts: readonly Part[]): Record<string, number> => {
  const n = parts.filter((part) => part.type === 'opaque').length;
  return n > 0 ? { web_search_requests: n } : {};
};
const context = { modelAsked: 'm', callId: 'call7', nowS: 1, includeUsage: true };

test('an answer that Responses can express comes back as it went', () => {
  fc.assert(
    fc.property(answer, (source) => {
      const value = plain(openaiResponses.encodeAnswer(source, context));
      assert.deepEqual(plain(openaiResponses.decodeAnswer(value)), plain(source));
      assert.equal(openaiResponses.readAnswer(value).finish, source.choices[0]!.finish);
    }),
    RUNS,
  );
});

test('what the encoder writes is a Response of the SDK', () => {
  const source: CanonicalAnswer = {
    kind: 'generate',
    id: 'chatcmpl-1',
    model: 'm-1',
    createdS: null,
    choices: [{ parts: [{ type: 'text', text: 'hi' }], finish: 'length', stopSequence: null }],
    usage: { ...NO_USAGE, inputTokens: 3, outputTokens: 2 },
    serviceTier: 'flex',
    fingerprint: 'fp',
  };
  const expected = {
    id: 'resp_call7',
    object: 'response',
    created_at: 1,
    status: 'incomplete',
    access_programs: null,
    background: false,
    error: null,
    incomplete_details: { reason: 'max_output_tokens' },
    instructions: null,
    max_output_tokens: null,
    metadata: {},
    model: 'm-1',
    output: [
      {
        id: 'msg_hg_call7_0',
        type: 'message',
        status: 'incomplete',
        role: 'assistant',
        content: [{ type: 'output_text', text: 'hi', annotations: [], logprobs: [] }],
      },
    ],
    parallel_tool_calls: true,
    previous_response_id: null,
    reasoning: { effort: null, summary: null },
    service_tier: 'flex',
    temperature: null,
    text: { format: { type: 'text' } },
    tool_choice: 'auto',
    tools: [],
    top_p: null,
    truncation: 'disabled',
    usage: {
      input_tokens: 3,
      input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
      output_tokens: 2,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: 5,
    },
    // `output_text` is the SDK's own addition; `store` is on the wire but not in its types.
  } satisfies Omit<Response, 'output_text'>;
  assert.deepEqual(plain(openaiResponses.encodeAnswer(source, context)), { ...expected, store: false });
});

interface StreamedBlock {
  readonly part: Part;
  readonly cuts: readonly number[];
}
const streamedPart: fc.Arbitrary<Part> = fc.oneof(
  word.map((text): Part => ({ type: 'text', text })),
  word.map((text): Part => ({ type: 'refusal', text })),
  callPart.filter((part) => part.args !== ''),
  fc
    .tuple(word, fc.base64String({ minLength: 4 }))
    .map(([text, encrypted]): Part => ({ type: 'reasoning', text, encrypted })),
);
const streamed: fc.Arbitrary<StreamedBlock[]> = fc.array(
  fc.record({ part: streamedPart, cuts: fc.array(fc.nat(20), { maxLength: 3 }) }),
  { maxLength: 6 },
);

function pieces(text: string, cuts: readonly number[]): string[] {
  const at = [...new Set([0, ...cuts.filter((cut) => cut > 0 && cut < text.length), text.length])].toSorted(
    (a, b) => a - b,
  );
  return at
    .slice(1)
    .map((end, i) => text.slice(at[i], end))
    .filter((piece) => piece !== '' && piece.isWellFormed());
}

function eventsOf(blocks: readonly StreamedBlock[]): CanonicalEvent[] {
  const events: CanonicalEvent[] = [{ type: 'start', id: 'resp_7', model: 'm-1', createdS: 5, fingerprint: null }];
  blocks.forEach(({ part, cuts }, block) => {
    const at = { choice: 0, block };
    if (part.type === 'tool_call') {
      events.push({ type: 'block_start', ...at, kind: 'tool_call', id: part.id, name: part.name, custom: part.custom });
    } else events.push({ type: 'block_start', ...at, kind: part.type as 'text' | 'refusal' | 'reasoning' });
    const whole = part.type === 'tool_call' ? part.args : (part as { text: string }).text;
    const cut = pieces(whole, cuts);
    for (const text of cut.join('') === whole ? cut : [whole]) events.push({ type: 'delta', ...at, text });
    if (part.type === 'reasoning') events.push({ type: 'signature', ...at, encrypted: part.encrypted! });
    events.push({ type: 'block_stop', ...at });
  });
  const kinds = new Set(blocks.map(({ part }) => part.type));
  const reason = kinds.has('tool_call') ? 'tool_calls' : kinds.has('refusal') ? 'refusal' : 'stop';
  events.push({ type: 'finish', choice: 0, reason, stopSequence: null });
  events.push({
    type: 'usage',
    usage: {
      ...NO_USAGE,
      inputTokens: 9,
      cachedReadTokens: 4,
      cacheWriteTokens: 0,
      outputTokens: 3,
      reasoningTokens: 1,
    },
  });
  return [...events, { type: 'end' }];
}

function encode(events: readonly CanonicalEvent[]): string {
  const encoder = openaiResponses.streamEncoder(context);
  return events.map((event) => encoder.push(event)).join('');
}

function decode(bytes: Buffer, cuts: readonly number[]): CanonicalEvent[] {
  const splitter = sseSplitter();
  const decoder = openaiResponses.streamDecoder();
  const at = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].toSorted((a, b) => a - b);
  const chunks = [...at, bytes.length].map((end, i) => bytes.subarray(at[i - 1] ?? 0, end));
  return chunks.flatMap((chunk) => splitter.push(chunk)).flatMap((event) => [...decoder.push(event)]);
}

test('a stream comes back event by event, at any byte split', () => {
  fc.assert(
    fc.property(streamed, fc.array(fc.nat(), { maxLength: 20 }), (blocks, cuts) => {
      const events = eventsOf(blocks);
      const bytes = Buffer.from(encode(events));
      assert.deepEqual(plain(decode(bytes, cuts)), plain(events));
    }),
    { ...RUNS, numRuns: 200 },
  );
});

test('events are numbered without a gap, and their names are their types', () => {
  fc.assert(
    fc.property(streamed, (blocks) => {
      const events = sseSplitter().push(Buffer.from(encode(eventsOf(blocks))));
      events.forEach((event, i) => {
        const value = JSON.parse(event.data!) as { type: string; sequence_number: number };
        assert.equal(value.sequence_number, i);
        assert.equal(value.type, event.name);
      });
      assert.equal(events[0]!.name, 'response.created');
      assert.equal(events.at(-1)!.name, 'response.completed');
    }),
    { ...RUNS, numRuns: 100 },
  );
});

test('the reader counts the text bytes that the encoder wrote', () => {
  fc.assert(
    fc.property(streamed, (blocks) => {
      const reader = openaiResponses.streamReader();
      const seen = sseSplitter()
        .push(Buffer.from(encode(eventsOf(blocks))))
        .map((event) => reader.read(event));
      const said = blocks.reduce(
        (n, { part }) => n + Buffer.byteLength(part.type === 'tool_call' ? part.args : (part as { text: string }).text),
        0,
      );
      assert.equal(
        seen.reduce((n, view) => n + view.textBytes, 0),
        said,
      );
      assert.equal(seen.at(-1)!.terminal, true);
      assert.equal(seen.at(-1)!.usage?.outputTokens, 3);
    }),
    { ...RUNS, numRuns: 100 },
  );
});

test('the table of fields has every field of the SDK', () => {
  const all = Object.keys(RESPONSES_FIELDS).filter((name) => name !== 'client_metadata');
  const sdk = {
    access_programs: 1,
    background: 1,
    context_management: 1,
    conversation: 1,
    image: 1,
    include: 1,
    input: 1,
    instructions: 1,
    max_output_tokens: 1,
    max_tool_calls: 1,
    metadata: 1,
    model: 1,
    moderation: 1,
    parallel_tool_calls: 1,
    previous_response_id: 1,
    prompt: 1,
    prompt_cache_key: 1,
    prompt_cache_options: 1,
    prompt_cache_retention: 1,
    reasoning: 1,
    safety_identifier: 1,
    service_tier: 1,
    store: 1,
    stream: 1,
    stream_options: 1,
    temperature: 1,
    text: 1,
    tool_choice: 1,
    tools: 1,
    top_logprobs: 1,
    top_p: 1,
    truncation: 1,
    user: 1,
  } satisfies Record<keyof ResponseCreateParamsBase, 1>;
  assert.deepEqual(all.toSorted(), Object.keys(sdk).toSorted());
});
