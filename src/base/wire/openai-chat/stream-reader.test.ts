import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { SseEvent } from '#wire/sse/splitter.ts';
import { readEvent } from './chunk-view.ts';
import { streamReader } from './stream-reader.ts';

const run = { seed: 20_261_124, numRuns: 150 };
const event = (data: string | null, name = ''): SseEvent => ({ raw: Buffer.alloc(0), name, data });

/** Text as models write it, quotes, escapes and other scripts included. */
const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc.constantFrom('', ' the', '"', '\\', '\n', '😀', '\u0001'),
);
const delta = fc.oneof(
  { weight: 24, arbitrary: fc.record({ content: text }) },
  { weight: 2, arbitrary: text.map((reasoning_content) => ({ content: null, reasoning_content })) },
  text.map((reasoning) => ({ reasoning, reasoning_details: [{ text: reasoning }] })),
  text.map((content) => ({ content, reasoning_content: 'fixed' })),
  text.map((args) => ({ tool_calls: [{ index: 0, function: { arguments: args } }] })),
  fc.constantFrom({ role: 'assistant', content: '' }, {}, { refusal: 'No.' }, { audio: { id: 'a', data: 'AA==' } }),
  text.map((content) => ({ nested: { content }, content })),
  text.map((content) => ({ content, tool_calls: [{ index: 0, function: { arguments: 'fixed' } }] })),
);
const usage = fc.option(fc.constant({ prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 }), { nil: null });

/** One server's way to write chunks: its order of keys, its space, its further fields; the same for a whole stream. */
const style = fc.record({
  usageFirst: fc.boolean(),
  indent: fc.constantFrom(0, 0, 1),
  noise: fc.boolean(),
  prompt: text,
});
const step = fc.record({
  delta,
  finish: fc.option(fc.constantFrom('stop', 'length', 'odd'), { nil: null, freq: 8 }),
  usage: fc.oneof({ weight: 8, arbitrary: fc.constant(null) }, usage),
  index: fc.constantFrom(0, 0, 0, 1),
  created: fc.constantFrom(1, 1, 1, 2),
});
const stream = fc.tuple(style, fc.array(step, { minLength: 5, maxLength: 40, size: 'max' })).map(([how, steps]) =>
  steps.map((one, i) => {
    const head = { id: 'c1', note: how.prompt, object: 'chat.completion.chunk', created: one.created, model: 'm' };
    const choices = [{ index: one.index, delta: one.delta, logprobs: null, finish_reason: one.finish }];
    const noise = how.noise ? { obfuscation: 'x'.repeat(i % 7) } : {};
    const chunk = how.usageFirst
      ? { usage: one.usage, ...head, choices, ...noise }
      : { ...head, ...noise, choices, usage: one.usage };
    return JSON.stringify(chunk, null, how.indent);
  }),
);

/** Events that are no longer what the server's form promised: a character replaced, or something behind the end. */
const damaged = fc
  .tuple(
    stream,
    fc.array(fc.tuple(fc.nat(300), fc.constantFrom('"', '\\', '\t', '{', '', '\\"'), fc.boolean()), {
      minLength: 40,
      maxLength: 40,
    }),
  )
  .map(([events, marks]) =>
    events.map((data, i) => {
      const [at, mark, behind] = marks[i % marks.length]!;
      if (i % 2 === 0) return data;
      return behind ? data + mark : data.slice(0, at) + mark + data.slice(at + 1);
    }),
  );

const agrees = (events: readonly string[]): void => {
  const reader = streamReader();
  for (const data of events) assert.deepEqual(reader.read(event(data)), readEvent(event(data)), data);
};

describe('chat stream reader', () => {
  it('says what the plain reader says, for any key order, space and text', () => {
    fc.assert(fc.property(stream, agrees), run);
  });
  it('says what the plain reader says of damaged events', () => {
    fc.assert(fc.property(damaged, agrees), run);
  });
  it('says what the plain reader says where control characters or cuts stand in the text itself', () => {
    const form = (text: string): string => `{"choices":[{"delta":{"content":"${text}"}}]}`;
    for (const odd of ['a\tb', 'a\\', '\\u12', 'a"b', '"', 'a","x":"b', '\ud83d']) {
      agrees([form('one'), form('two'), form(odd), form('three'), `${form('four')}x`, form('five').slice(0, -1)]);
    }
  });
  it('takes no other string for the text, though both once read alike', () => {
    const nested = (a: string): string => `{"a":{"content":"${a}"},"choices":[{"delta":{"content":"one"}}]}`;
    agrees(['one', 'three', 'one', 'seven'].map(nested));
    const twice = (a: string): string => `{"choices":[{"delta":{"content":"${a}","content":"one"}}]}`;
    agrees(['one', 'three', 'one', 'seven'].map(twice));
  });
  it('never throws, and an event that is no object says nothing', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (data) => {
        streamReader().read(event(data));
      }),
      run,
    );
    for (const data of ['', 'null', '[]', '1', '{', '"x"'])
      assert.equal(streamReader().read(event(data)).content, false);
  });
  it('takes usage wherever it stands, and withholds the chunk that holds nothing else', () => {
    const counts =
      '"usage":{"prompt_tokens":9,"completion_tokens":4,"total_tokens":13,"prompt_tokens_details":{"cached_tokens":8}}';
    const alone = streamReader().read(event(`{"choices":[],${counts}}`));
    assert.deepEqual([alone.usageOnly, alone.usage?.inputTokens, alone.usage?.cachedReadTokens], [true, 9, 8]);
    const beside = streamReader().read(
      event(`{${counts},"choices":[{"delta":{"content":"x"},"finish_reason":"stop"}]}`),
    );
    assert.deepEqual(
      [beside.usageOnly, beside.usage?.outputTokens, beside.finish, beside.content],
      [false, 4, 'stop', true],
    );
    const groq = streamReader().read(event('{"choices":[{"delta":{}}],"x_groq":{"usage":{"prompt_tokens":1}}}'));
    assert.equal(groq.usage?.inputTokens, 1);
    assert.equal(streamReader().read(event('{"choices":[],"prompt_filter_results":[]}')).usageOnly, false);
  });
  it('knows the end and the errors', () => {
    assert.equal(streamReader().read(event('[DONE]')).terminal, true);
    assert.equal(streamReader().read(event(null)).terminal, false);
    const fault = streamReader().read(event('{"error":{"message":"slow down","code":429}}')).fault;
    assert.deepEqual([fault?.type, fault?.message], ['rate_limit', 'slow down']);
    assert.equal(streamReader().read(event('gone', 'error')).fault?.message, 'gone');
  });
});
