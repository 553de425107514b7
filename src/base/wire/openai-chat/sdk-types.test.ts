import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type {
  ChatCompletion,
  ChatCompletionChunk,
  ChatCompletionCreateParams,
} from 'openai/resources/chat/completions';
import type { CreateEmbeddingResponse, EmbeddingCreateParams } from 'openai/resources/embeddings';
import type { Model } from 'openai/resources/models';
import type { ModelInfo } from '@anthropic-ai/sdk/resources/models';
import type { CanonicalAnswer, CanonicalEvent } from '#wire/canonical.ts';
import { EMBEDDING_FIELDS, openaiEmbeddings } from '#wire/openai-embeddings/index.ts';
import { anthropicModel, anthropicModelList, openaiModel, openaiModelList } from '#wire/openai-models/index.ts';
import { NO_USAGE } from '#wire/usage.ts';
import { CHAT_FIELDS } from './fields.ts';
import { openaiChat } from './index.ts';

/** The SDK's own types are the judge: each literal must satisfy one, and what we write must equal it. */
const CONTEXT = { modelAsked: 'asked', callId: 'call', nowS: 7, includeUsage: true };
const usage = { ...NO_USAGE, inputTokens: 10, outputTokens: 4, cachedReadTokens: 8, reasoningTokens: 1 };
const USAGE = {
  prompt_tokens: 10,
  completion_tokens: 4,
  total_tokens: 14,
  prompt_tokens_details: { cached_tokens: 8 },
  completion_tokens_details: { reasoning_tokens: 1 },
};

type AllFields<T> = Readonly<Record<keyof T, unknown>>;

describe('chat against the types of the SDK', () => {
  it('lists every field of a request, and no other', () => {
    // One of each: the compiler refuses this object when the SDK gains or loses a field.
    const keys = {
      model: 1,
      messages: 1,
      audio: 1,
      frequency_penalty: 1,
      function_call: 1,
      functions: 1,
      logit_bias: 1,
      logprobs: 1,
      max_completion_tokens: 1,
      max_tokens: 1,
      metadata: 1,
      modalities: 1,
      moderation: 1,
      n: 1,
      parallel_tool_calls: 1,
      prediction: 1,
      presence_penalty: 1,
      prompt_cache_key: 1,
      prompt_cache_options: 1,
      prompt_cache_retention: 1,
      reasoning_effort: 1,
      response_format: 1,
      safety_identifier: 1,
      seed: 1,
      service_tier: 1,
      stop: 1,
      store: 1,
      stream: 1,
      stream_options: 1,
      temperature: 1,
      tool_choice: 1,
      tools: 1,
      top_logprobs: 1,
      top_p: 1,
      user: 1,
      verbosity: 1,
      web_search_options: 1,
    } satisfies AllFields<ChatCompletionCreateParams>;
    assert.deepEqual(Object.keys(CHAT_FIELDS).sort(), Object.keys(keys).sort());
    const embedding = {
      input: 1,
      model: 1,
      dimensions: 1,
      encoding_format: 1,
      user: 1,
    } satisfies AllFields<EmbeddingCreateParams>;
    assert.deepEqual(Object.keys(EMBEDDING_FIELDS).sort(), Object.keys(embedding).sort());
  });

  it('writes a `ChatCompletion`', () => {
    const answer: CanonicalAnswer = {
      kind: 'generate',
      id: '',
      model: 'm',
      createdS: null,
      choices: [
        {
          parts: [
            { type: 'reasoning', text: 'hm' },
            {
              type: 'text',
              text: 'a',
              annotations: [
                { type: 'url_citation', url: 'u', title: 't', start_index: 0, end_index: 1 },
                { type: 'other' },
              ],
            },
            { type: 'text', text: 'b' },
            { type: 'tool_call', id: 'c1', name: 'f', args: '{}', custom: false },
            { type: 'tool_call', id: 'c2', name: 'g', args: 'x', custom: true },
          ],
          finish: 'tool_calls',
          stopSequence: null,
        },
        { parts: [{ type: 'refusal', text: 'No.' }], finish: 'refusal', stopSequence: null },
      ],
      usage,
      serviceTier: 'default',
      fingerprint: 'fp',
    };
    const wanted = {
      id: 'call',
      object: 'chat.completion',
      created: 7,
      model: 'm',
      choices: [
        {
          index: 0,
          message: {
            role: 'assistant',
            content: 'ab',
            refusal: null,
            annotations: [
              { type: 'url_citation', url_citation: { start_index: 0, end_index: 1, title: 't', url: 'u' } },
            ],
            tool_calls: [
              { id: 'c1', type: 'function', function: { name: 'f', arguments: '{}' } },
              { id: 'c2', type: 'custom', custom: { name: 'g', input: 'x' } },
            ],
          },
          logprobs: null,
          finish_reason: 'tool_calls',
        },
        {
          index: 1,
          message: { role: 'assistant', content: null, refusal: 'No.' },
          logprobs: null,
          finish_reason: 'content_filter',
        },
      ],
      usage: USAGE,
      service_tier: 'default',
      system_fingerprint: 'fp',
    } satisfies ChatCompletion;
    // The SDK has no type for reasoning text; servers of this dialect agree on the name.
    Object.assign(wanted.choices[0]!.message, { reasoning_content: 'hm' });
    assert.deepEqual(openaiChat.encodeAnswer(answer, CONTEXT), wanted);
  });

  it('writes `ChatCompletionChunk`s', () => {
    const events: CanonicalEvent[] = [
      { type: 'start', id: 'c', model: 'm', createdS: 5, fingerprint: null },
      { type: 'block_start', choice: 0, block: 0, kind: 'text' },
      { type: 'delta', choice: 0, block: 0, text: 'hi' },
      { type: 'block_stop', choice: 0, block: 0 },
      { type: 'ping' },
      { type: 'block_start', choice: 0, block: 1, kind: 'tool_call', id: 'c1', name: 'f', custom: false },
      { type: 'delta', choice: 0, block: 1, text: '{}' },
      { type: 'finish', choice: 0, reason: 'tool_calls', stopSequence: null },
      { type: 'usage', usage: { ...NO_USAGE, inputTokens: 10, cachedReadTokens: 8 } },
      { type: 'usage', usage: { ...NO_USAGE, outputTokens: 4, reasoningTokens: 1 } },
      { type: 'end' },
    ];
    const head = { id: 'c', object: 'chat.completion.chunk', created: 5, model: 'm' } as const;
    const part = (delta: ChatCompletionChunk.Choice.Delta, finish: 'tool_calls' | null = null) =>
      ({
        ...head,
        choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
      }) satisfies ChatCompletionChunk;
    const wanted = [
      part({ role: 'assistant', content: '' }),
      part({ content: 'hi' }),
      part({ tool_calls: [{ index: 0, id: 'c1', type: 'function', function: { name: 'f', arguments: '' } }] }),
      part({ tool_calls: [{ index: 0, function: { arguments: '{}' } }] }),
      part({}, 'tool_calls'),
      { ...head, choices: [], usage: USAGE } satisfies ChatCompletionChunk,
    ];
    const encoder = openaiChat.streamEncoder(CONTEXT);
    const text = events.map((event) => encoder.push(event)).join('');
    assert.equal(text, `${wanted.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join('')}data: [DONE]\n\n`);
    const silent = openaiChat.streamEncoder({ ...CONTEXT, includeUsage: false });
    assert.ok(
      !events
        .map((event) => silent.push(event))
        .join('')
        .includes('usage'),
    );
  });

  it('writes a `CreateEmbeddingResponse`', () => {
    const wanted = {
      object: 'list',
      data: [{ object: 'embedding', index: 0, embedding: [0.1, -2] }],
      model: 'asked',
      usage: { prompt_tokens: 10, total_tokens: 10 },
    } satisfies CreateEmbeddingResponse;
    const answer = { kind: 'embed' as const, model: '', vectors: [Float32Array.of(0.1, -2)], usage };
    assert.deepEqual(openaiEmbeddings.encodeAnswer(answer, CONTEXT), wanted);
  });

  it('writes models in both forms, and pages of them', () => {
    const listed = { name: 'fast', createdS: 1_700_000_000, maxOutputTokens: 100 };
    const model = { id: 'fast', object: 'model', created: 1_700_000_000, owned_by: 'headgate' } satisfies Model;
    assert.deepEqual(openaiModel(listed), model);
    assert.deepEqual(openaiModelList([listed]), { object: 'list', data: [model] });
    const info = {
      type: 'model',
      id: 'fast',
      display_name: 'fast',
      created_at: '2023-11-14T22:13:20Z',
      capabilities: null,
      deprecated_at: null,
      lifecycle: 'active',
      line: null,
      max_input_tokens: null,
      max_tokens: 100,
      retires_at: null,
    } satisfies ModelInfo;
    assert.deepEqual(anthropicModel(listed), info);
    const names = ['a', 'b', 'c'].map((name) => ({ name, createdS: 0 }));
    const page = (query: Parameters<typeof anthropicModelList>[1]) => {
      const { data, ...ends } = anthropicModelList(names, query) as { data: { id: string }[] };
      return [data.map((one) => one.id).join(''), ...Object.values(ends)];
    };
    assert.deepEqual(page({}), ['abc', 'a', false, 'c']);
    assert.deepEqual(page({ limit: 2 }), ['ab', 'a', true, 'b']);
    assert.deepEqual(page({ limit: 2, afterId: 'b' }), ['c', 'c', false, 'c']);
    assert.deepEqual(page({ limit: 1, beforeId: 'c' }), ['b', 'b', true, 'b']);
  });
});
