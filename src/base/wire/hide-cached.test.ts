import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { anthropicMessages } from './anthropic-messages/index.ts';
import { bedrockConverse } from './bedrock-converse/index.ts';
import type { Dialect } from './dialect.ts';
import { googleGenerate } from './google-generate/index.ts';
import { hideCached, hideCachedInEvent, hideCachedWithin, withoutCached } from './hide-cached.ts';
import { openaiChat } from './openai-chat/index.ts';
import { openaiResponses } from './openai-responses/index.ts';
import { sseSplitter } from './sse/splitter.ts';

const CHAT = { id: 'c', object: 'chat.completion', created: 1, model: 'm', choices: [] };
const chat = (usage: object, more: object = {}) => ({
  ...CHAT,
  usage: { prompt_tokens: 1000, completion_tokens: 9, ...usage },
  ...more,
});

/** Answers that tell of 777 cached tokens in the words of each API and server. */
const ANSWERS: readonly (readonly [name: string, dialect: Dialect, answer: object])[] = [
  ['OpenAI', openaiChat, chat({ prompt_tokens_details: { cached_tokens: 777, audio_tokens: 0 } })],
  ['DeepSeek', openaiChat, chat({ prompt_cache_hit_tokens: 777, prompt_cache_miss_tokens: 223 })],
  ['Moonshot', openaiChat, chat({ cached_tokens: 777 })],
  ['Mistral', openaiChat, chat({ num_cached_tokens: 777, prompt_token_details: { cached_tokens: 777 } })],
  ['a proxy of Claude', openaiChat, chat({ cache_read_input_tokens: 777, cache_creation_input_tokens: 55 })],
  [
    'OpenRouter',
    openaiChat,
    chat({ prompt_tokens_details: { cached_tokens: 777 }, cost: 0.000777, cost_details: { upstream: 777 } }),
  ],
  [
    'Groq',
    openaiChat,
    chat(
      { prompt_time: 0.0777, total_time: 0.1 },
      { x_groq: { id: 'r', usage: { prompt_tokens: 1000, prompt_tokens_details: { cached_tokens: 777 } } } },
    ),
  ],
  ['llama.cpp', openaiChat, chat({}, { timings: { cache_n: 777, prompt_n: 223, prompt_ms: 7.77 } })],
  [
    'Responses',
    openaiResponses,
    {
      id: 'r',
      object: 'response',
      output: [],
      usage: { input_tokens: 1000, input_tokens_details: { cached_tokens: 777 }, output_tokens: 9, total_tokens: 1009 },
    },
  ],
  [
    'Anthropic',
    anthropicMessages,
    {
      id: 'm',
      type: 'message',
      role: 'assistant',
      model: 'm',
      content: [],
      usage: {
        input_tokens: 168,
        cache_read_input_tokens: 777,
        cache_creation_input_tokens: 55,
        cache_creation: { ephemeral_5m_input_tokens: 55, ephemeral_1h_input_tokens: 0 },
        output_tokens: 9,
      },
    },
  ],
  [
    'Google',
    googleGenerate,
    {
      candidates: [],
      usageMetadata: {
        promptTokenCount: 1000,
        cachedContentTokenCount: 777,
        cacheTokensDetails: [{ modality: 'TEXT', tokenCount: 777 }],
        candidatesTokenCount: 9,
        totalTokenCount: 1009,
      },
    },
  ],
  [
    'Converse',
    bedrockConverse,
    {
      output: {},
      usage: {
        inputTokens: 168,
        cacheReadInputTokens: 777,
        cacheWriteInputTokens: 55,
        outputTokens: 9,
        totalTokens: 1009,
      },
    },
  ],
];

const TOLD = /777|7\.77|168|223|"[^"]*(?:cost|_time)"/;

describe('cached tokens are counted as any others', () => {
  for (const [name, dialect, answer] of ANSWERS)
    test(`${name}: nothing tells of them, and the sum of the input stays`, () => {
      fc.assert(
        fc.property(fc.constantFrom(0, 1, 2), fc.jsonValue({ maxDepth: 2 }), (space, more) => {
          const body = Buffer.from(JSON.stringify({ ...answer, more: { cache: 'é', more } }, null, space));
          const shown = hideCached(body, dialect.name);
          assert.ok(
            hideCached(body, dialect.name, JSON.parse(String(body))).equals(shown),
            'of a body that is read already',
          );
          const value = JSON.parse(String(shown));
          const { more: _, ...own } = value;
          assert.doesNotMatch(JSON.stringify(own), TOLD);
          const before = dialect.readAnswer(JSON.parse(String(body))).usage!;
          const wanted = withoutCached(before);
          assert.deepEqual(
            { ...wanted, ...noCache(wanted) },
            { ...dialect.readAnswer(value).usage, ...noCache(wanted) },
          );
          assert.equal(dialect.readAnswer(value).usage!.cachedReadTokens ?? 0, 0);
          assert.equal(wanted.inputTokens, 1000);
          // Other members keep their bytes.
          const [from, to] = ['"more":', '"more": '].map((key) => body.indexOf(key));
          assert.ok(shown.includes(body.subarray(Math.max(from!, to!))));
          assert.equal(hideCached(shown, dialect.name).equals(shown), true, 'once is enough');
        }),
      );
    });

  test('an answer that tells nothing is the very same buffer', () => {
    for (const answer of [chat({}), { ...CHAT, choices: [{ text: 'the cache and its usage' }] }]) {
      const body = Buffer.from(JSON.stringify(answer));
      assert.equal(hideCached(body, 'openai-chat'), body);
      assert.equal(hideCached(body, 'openai-chat', answer), body);
    }
  });

  test('in events: Anthropic’s start, the completed response, a chunk, and data in several lines', () => {
    const read = (text: string) => sseSplitter().push(Buffer.from(text))[0]!;
    const start = read(
      'event: message_start\ndata: {"type":"message_start","message":{"id":"m","usage":{"input_tokens":168,"cache_read_input_tokens":777,"cache_creation_input_tokens":55,"output_tokens":1}}}\n\n',
    );
    assert.equal(
      String(hideCachedInEvent(start, 'anthropic-messages')),
      'event: message_start\ndata: {"type":"message_start","message":{"id":"m","usage":{"input_tokens":1000,"cache_read_input_tokens":0,"cache_creation_input_tokens":0,"output_tokens":1}}}\n\n',
    );
    const completed = read(
      'data: {"type":"response.completed","response":{"usage":{"input_tokens":9,"input_tokens_details":{"cached_tokens":7}},"id":"r"}}\r\n\r\n',
    );
    assert.equal(
      String(hideCachedInEvent(completed, 'openai-responses')),
      'data: {"type":"response.completed","response":{"usage":{"input_tokens":9,"input_tokens_details":{"cached_tokens":0}},"id":"r"}}\r\n\r\n',
    );
    const several = read('event: x\ndata: {"usage":{"prompt_tokens":9,\ndata: "cached_tokens":7}}\n\n');
    assert.equal(
      String(hideCachedInEvent(several, 'openai-chat')),
      'event: x\ndata: {"usage":{"prompt_tokens":9,"cached_tokens":0}}\n\n',
    );
    const text = read('data: {"choices":[{"delta":{"content":"cache usage timings"}}]}\n\n');
    assert.equal(hideCachedInEvent(text, 'openai-chat'), text.raw);
    const done = read('data: [DONE]\n\n');
    assert.equal(hideCachedInEvent(done, 'openai-chat'), done.raw);
  });

  test('in a line of results, and nowhere else in it', () => {
    const line = Buffer.from(
      '{"custom_id":"a","response":{"status_code":200,"body":{"usage":{"prompt_tokens":9,"cached_tokens":7}}},"usage":{"cached_tokens":7}}',
    );
    assert.equal(
      String(hideCachedWithin(line, ['response', 'body'], 'openai-chat')),
      '{"custom_id":"a","response":{"status_code":200,"body":{"usage":{"prompt_tokens":9,"cached_tokens":0}}},"usage":{"cached_tokens":7}}',
    );
    const other = Buffer.from('{"response":null}');
    assert.equal(hideCachedWithin(other, ['response', 'body'], 'openai-chat'), other);
  });
});

/** What an API may leave out or say as a zero. */
const noCache = ({ inputTokens }: { readonly inputTokens: number | null }) => ({
  ...{ inputTokens, cachedReadTokens: 0, cacheWriteTokens: 0, cacheWrite1hTokens: 0, statedCostUsd: null },
});
