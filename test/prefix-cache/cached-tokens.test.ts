import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { Headgate } from '#wire/grpc/headgate-messages.ts';
import {
  json,
  startUpstream,
  stream,
  type ScriptedUpstream,
  type StreamPart,
} from '../clients-rules/scripted-upstream.ts';
import { startGate, type GateProcess } from '../harness/gate-process.ts';
import { callIdOf, endOf, eventsOf, lastIdOf, openWith, type Reading } from '../streams/stream-client.ts';

/** Of 1,000 tokens 777 came of a cache, and 55 went into one: figures that stand for nothing else here. */
const TOLD = /777|"?\b(?:168|223|55)\b/;
const OPENAI = {
  prompt_tokens: 1000,
  completion_tokens: 9,
  total_tokens: 1009,
  prompt_tokens_details: { cached_tokens: 777 },
};
const RESPONSES = {
  ...{ input_tokens: 1000, input_tokens_details: { cached_tokens: 777 } },
  ...{ output_tokens: 9, output_tokens_details: { reasoning_tokens: 0 }, total_tokens: 1009 },
};
const CLAUDE = {
  ...{ input_tokens: 168, cache_read_input_tokens: 777, cache_creation_input_tokens: 55, output_tokens: 9 },
  cache_creation: { ephemeral_5m_input_tokens: 55, ephemeral_1h_input_tokens: 0 },
};
const GOOGLE = { promptTokenCount: 1000, cachedContentTokenCount: 777, candidatesTokenCount: 9, totalTokenCount: 1009 };

const response = (more: object = {}) => ({
  ...{ id: 'resp_1', object: 'response', created_at: 1, status: 'completed', model: 'm', parallel_tool_calls: true },
  output: [
    {
      ...{ type: 'message', id: 'msg_1', role: 'assistant', status: 'completed' },
      content: [{ type: 'output_text', text: 'hello', annotations: [] }],
    },
  ],
  usage: RESPONSES,
  ...more,
});
const CHUNK = { id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm' };
const sse = (...events: object[]): StreamPart[] => events.map((event) => `data: ${JSON.stringify(event)}\n\n`);
const named = (...events: { readonly type: string }[]): StreamPart[] =>
  events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);

const MESSAGE = { id: 'msg_1', type: 'message', role: 'assistant', model: 'm', stop_sequence: null };
/** What each API answers, whole and streamed. */
const ANSWERS: Readonly<Record<string, { readonly whole: object; readonly parts: readonly StreamPart[] }>> = {
  'lab-chat': {
    whole: {
      ...{ id: 'c', object: 'chat.completion', created: 1, model: 'm', usage: OPENAI },
      choices: [{ index: 0, message: { role: 'assistant', content: 'hello' }, finish_reason: 'stop' }],
      timings: { cache_n: 777, prompt_n: 223 },
    },
    parts: [
      ...sse(
        { ...CHUNK, choices: [{ index: 0, delta: { role: 'assistant', content: 'hello' }, finish_reason: null }] },
        { ...CHUNK, choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], timings: { cache_n: 777 } },
        { ...CHUNK, choices: [], usage: OPENAI },
      ),
      'data: [DONE]\n\n',
    ],
  },
  'lab-responses': {
    whole: response(),
    parts: named(
      { type: 'response.created', response: response({ status: 'in_progress', output: [], usage: null }) } as never,
      {
        type: 'response.output_item.added',
        output_index: 0,
        item: { type: 'message', id: 'msg_1', role: 'assistant', status: 'in_progress', content: [] },
      } as never,
      {
        type: 'response.content_part.added',
        item_id: 'msg_1',
        output_index: 0,
        content_index: 0,
        part: { type: 'output_text', text: '', annotations: [] },
      } as never,
      {
        type: 'response.output_text.delta',
        item_id: 'msg_1',
        output_index: 0,
        content_index: 0,
        delta: 'hello',
      } as never,
      { type: 'response.completed', response: response() } as never,
    ),
  },
  'lab-messages': {
    whole: { ...MESSAGE, content: [{ type: 'text', text: 'hello' }], stop_reason: 'end_turn', usage: CLAUDE },
    parts: named(
      {
        type: 'message_start',
        message: { ...MESSAGE, content: [], stop_reason: null, usage: { ...CLAUDE, output_tokens: 1 } },
      } as never,
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } } as never,
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'hello' } } as never,
      { type: 'content_block_stop', index: 0 } as never,
      {
        type: 'message_delta',
        delta: { stop_reason: 'end_turn', stop_sequence: null },
        usage: { output_tokens: 9 },
      } as never,
      { type: 'message_stop' },
    ),
  },
  'lab-google': {
    whole: {
      candidates: [{ content: { role: 'model', parts: [{ text: 'hello' }] }, finishReason: 'STOP', index: 0 }],
      ...{ usageMetadata: GOOGLE, modelVersion: 'm' },
    },
    parts: sse({
      candidates: [{ content: { role: 'model', parts: [{ text: 'hello' }] }, finishReason: 'STOP', index: 0 }],
      ...{ usageMetadata: GOOGLE, modelVersion: 'm' },
    }),
  },
};
const KINDS = Object.keys(ANSWERS);

const MESSAGES = [{ role: 'user', content: 'hi' }];
const CALLS: Readonly<Record<string, (model: string, streams: boolean) => readonly [path: string, body: object]>> = {
  chat: (model, streams) => [
    '/v1/chat/completions',
    { model, messages: MESSAGES, ...(streams && { stream: true, stream_options: { include_usage: true } }) },
  ],
  responses: (model, streams) => ['/v1/responses', { model, input: 'hi', stream: streams }],
  messages: (model, streams) => ['/v1/messages', { model, max_tokens: 9, messages: MESSAGES, stream: streams }],
  google: (model, streams) => [
    `/v1beta/models/${model}:${streams ? 'streamGenerateContent?alt=sse' : 'generateContent'}`,
    { contents: [{ role: 'user', parts: [{ text: 'hi' }] }] },
  ],
};

describe('cached tokens of a cache that tenants share', () => {
  let up: ScriptedUpstream;
  let gate: GateProcess;
  let acme: { readonly url: string; readonly key: string };
  let token = '';

  before(async () => {
    up = await startUpstream();
    const providers = KINDS.map((kind) => `  ${kind}: { kind: ${kind}, baseUrl: "${up.url}/v1" }`).join('\n');
    const models = KINDS.map((kind) => `  ${kind}: { deployments: [{ provider: ${kind}, model: m }] }`).join('\n');
    gate = await startGate({
      config: `
providers:
${providers}
  salted: { kind: lab-chat, baseUrl: "${up.url}/v1", prefixCache: salt }
models:
${models}
  salted: { deployments: [{ provider: salted, model: m }] }
  shown: { deployments: [{ provider: lab-chat, model: m, cachedTokens: show }] }
  hidden: { deployments: [{ provider: salted, model: m, cachedTokens: hide }] }
features: { again: { cache: {} } }
prices: [{ provider: "*", model: "*", perMillion: { input: "10", cachedRead: "1", cacheWrite: "20", output: "40" } }]
`,
    });
    for (const id of ['acme', 'globex']) await gate.admin('POST', '/tenants', { id });
    const rights = { features: ['again'] };
    acme = { url: gate.url, key: (await gate.admin('POST', '/keys', { tenant: 'acme', name: 'one', rights })).key };
    token = (await gate.admin('POST', '/tokens', { name: 'acme’s own', scope: 'tenant', tenant: 'acme' })).token;
  });
  after(async () => {
    await gate?.stop();
    await up?.close();
  });

  async function call(
    asked: string,
    model: string,
    streams: boolean,
    headers: Record<string, string> = {},
  ): Promise<Reading> {
    const [path, body] = CALLS[asked]!(model, streams);
    const own = { 'x-api-key': acme.key, 'x-goog-api-key': acme.key, ...headers };
    const reading = await openWith(acme, { method: 'POST', path, body, headers: own });
    assert.equal(await reading.ended, 'clean', reading.text());
    assert.equal(reading.response.statusCode, 200, reading.text());
    return reading;
  }
  async function entryOf(reading: Reading): Promise<any> {
    let entry: any = null;
    await gate.until('the entry', async () => {
      entry = await gate.admin('GET', `/calls/${callIdOf(reading)}`).catch(() => null);
      return entry !== null;
    });
    return entry;
  }
  const answers = (kind: string, streams: boolean): void =>
    up.answer(streams ? stream(ANSWERS[kind]!.parts) : json(JSON.stringify(ANSWERS[kind]!.whole)));

  for (const asked of Object.keys(CALLS))
    for (const kind of KINDS)
      for (const streams of [false, true])
        test(`${asked} from ${kind}, ${streams ? 'streamed' : 'whole'}: not told, and the ledger and the bill have them`, async () => {
          answers(kind, streams);
          const reading = await call(asked, kind, streams);
          assert.match(reading.text(), /hello/);
          assert.match(reading.text(), /\b1000\b/, 'all of the input is told');
          assert.doesNotMatch(reading.text(), TOLD);
          const { usage, cost } = await entryOf(reading);
          const writes = kind === 'lab-messages' ? 55 : 0;
          assert.equal(usage.inputTokens, 1000);
          assert.equal(usage.cachedReadTokens, 777);
          assert.equal(usage.cacheWriteTokens ?? 0, writes);
          const nanos = (1000 - 777 - writes) * 10_000 + 777 * 1_000 + writes * 20_000 + 9 * 40_000;
          assert.equal(Number(cost.total), nanos / 1e9);
        });

  test('they are told where tenants share nothing, and where the operator says so; not where he says not', async () => {
    answers('lab-chat', false);
    for (const [model, told] of [
      ['salted', true],
      ['shown', true],
      ['hidden', false],
    ] as const) {
      const reading = await call('chat', model, false);
      assert.equal(JSON.parse(reading.text()).usage.prompt_tokens_details.cached_tokens, told ? 777 : 0, model);
      assert.equal(reading.text() === JSON.stringify(ANSWERS['lab-chat']!.whole), told, 'bytes pass as they came');
    }
  });

  test('a stream says the same when it is read again, and so does its end', async () => {
    for (const kind of ['lab-chat', 'lab-messages']) {
      answers(kind, true);
      const live = await call('chat', kind, true, { 'x-headgate-resume': 'true' });
      assert.equal(endOf(live.text()).usage.cachedReadTokens, 0);
      assert.equal(endOf(live.text()).usage.inputTokens, 1000);
      const again = await openWith(acme, {
        method: 'GET',
        path: `/v1/streams/${callIdOf(live)}`,
        headers: { 'last-event-id': `${lastIdOf(live.text()).split('.')[0]}.0` },
      });
      await again.ended;
      assert.ok(live.text().includes(eventsOf(again.text())) || eventsOf(live.text()).endsWith(eventsOf(again.text())));
      for (const reading of [live, again]) assert.doesNotMatch(reading.text(), TOLD);
      assert.deepEqual(endOf(again.text()), endOf(live.text()));
    }
  });

  test('nor over gRPC, whole or streamed, nor in the stream of Vercel’s UI', async () => {
    const client = createClient(Headgate, createGrpcTransport({ baseUrl: gate.url }));
    const headers = { authorization: `Bearer ${acme.key}` };
    for (const model of KINDS) {
      const messages = [{ role: 'user', parts: [{ kind: { case: 'text' as const, value: 'hi' } }] }];
      answers(model, false);
      const { usage } = await client.generate({ model, messages }, { headers });
      assert.deepEqual([usage?.inputTokens, usage?.cachedReadTokens], [1000n, 0n], model);
      answers(model, true);
      const told: unknown[] = [];
      for await (const { steps } of client.generateStream({ model, messages }, { headers }))
        for (const { kind } of steps) {
          if (kind.case === 'usage') told.push(kind.value.cachedReadTokens ?? 0n);
          if (kind.case === 'end') told.push(kind.value.usage?.cachedReadTokens ?? 0n);
        }
      assert.ok(told.length >= 2 && told.every((count) => count === 0n), String(told));
      const path = '/v1/ui/chat';
      const message = { id: '1', role: 'user', parts: [{ type: 'text', text: 'hi' }] };
      const ui = await openWith(acme, { method: 'POST', path, body: { id: 'c1', model, messages: [message] } });
      await ui.ended;
      assert.match(ui.text(), /"inputTokens":1000/);
      assert.doesNotMatch(ui.text(), TOLD);
    }
  });

  test('nor by an answer from the gate’s own cache, by the provider’s time, or by a response that it keeps', async () => {
    answers('lab-chat', false);
    const feature = { 'x-headgate-feature': 'again' };
    const [first, second] = [
      await call('chat', 'lab-chat', false, feature),
      await call('chat', 'lab-chat', false, feature),
    ];
    assert.equal(second.response.headers['x-headgate-cache'], 'hit');
    assert.equal(second.text(), first.text());
    assert.doesNotMatch(second.text(), TOLD);

    up.answer(json(JSON.stringify(response()), 200, { 'openai-processing-ms': '777' }));
    const made = await call('responses', 'lab-responses', false);
    assert.equal(made.response.headers['openai-processing-ms'], undefined);
    const kept = await openWith(acme, { method: 'GET', path: '/v1/responses/resp_1' });
    await kept.ended;
    assert.equal(kept.response.statusCode, 200, kept.text());
    assert.equal(JSON.parse(kept.text()).usage.input_tokens, 1000);
    assert.doesNotMatch(kept.text(), TOLD);
    up.answer(stream(ANSWERS['lab-responses']!.parts));
    const events = await openWith(acme, { method: 'GET', path: '/v1/responses/resp_1?stream=true' });
    await events.ended;
    assert.match(events.text(), /response\.completed/);
    assert.doesNotMatch(events.text(), TOLD);
  });

  test('nor by what the tenant’s own token reads of the ledger, where its total is the bill', async () => {
    answers('lab-messages', false);
    const reading = await call('messages', 'lab-messages', false);
    const { cost } = await entryOf(reading);
    const as = async (path: string): Promise<any> => {
      const answer = await fetch(`${gate.url}/admin${path}`, { headers: { authorization: `Bearer ${token}` } });
      assert.equal(answer.status, 200);
      return answer.json();
    };
    const own = await as(`/calls/${callIdOf(reading)}`);
    assert.equal(own.usage.cachedReadTokens, 0);
    assert.equal(own.attempts[0].usage.cachedReadTokens, 0);
    assert.equal(own.usage.cacheWriteTokens, 0);
    assert.equal(own.usage.inputTokens, 1000);
    assert.equal(own.cost.total, cost.total);
    assert.equal((Number(own.cost.input) + Number(own.cost.output)).toFixed(9), Number(cost.total).toFixed(9));
    assert.equal(own.cost.cachedRead, '0');
    const { calls } = await as('/calls?limit=1');
    assert.equal(calls[0].usage.cachedReadTokens, 0);
    const { rows } = await as('/spend?by=model');
    assert.ok(rows.length > 0 && rows.every((row: any) => row.cachedReadTokens === 0));
    const operators = await gate.admin('GET', '/spend?by=model&tenant=acme');
    assert.ok(operators.rows.some((row: any) => row.cachedReadTokens >= 777));
  });
});
