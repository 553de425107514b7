import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import type { OpenAI } from 'openai/client.js';
import { type Provider, startProvider } from './provider.ts';

let lab: Provider;
before(async () => {
  lab = await startProvider({ seed: 7 });
});
after(() => lab.close());

const CHAT = '/v1/chat/completions';
const user = (content: string): object[] => [{ role: 'user', content }];

function post(path: string, body: object, headers: Record<string, string> = {}): Promise<Response> {
  const common = {
    authorization: 'Bearer sk-lab',
    'content-type': 'application/json',
    'anthropic-version': '2023-06-01',
  };
  return fetch(lab.url + path, { method: 'POST', headers: { ...common, ...headers }, body: JSON.stringify(body) });
}

/** Data lines of a stream, parsed; `[DONE]` stays text. */
async function events(response: Response): Promise<any[]> {
  const lines = (await response.text()).split('\n').filter((line) => line.startsWith('data: '));
  return lines.map((line) => (line === 'data: [DONE]' ? '[DONE]' : JSON.parse(line.slice(6))));
}

const lastEntry = () => lab.log.at(-1)!;
const json = async (response: Response): Promise<any> => response.json();

const ODD = 'naïve 🐙🐙 text — 日本語 \u0000 "quotes"\n';

test('chat echoes byte for byte, unary and streamed', async () => {
  const unary = await json(await post(CHAT, { model: 'lab-echo', messages: user(ODD) }));
  assert.equal(unary.choices[0].message.content, ODD);
  const chunks = await events(await post(CHAT, { model: 'lab-echo', stream: true, messages: user(ODD) }));
  assert.equal(chunks.at(-1), '[DONE]');
  assert.equal(
    chunks
      .slice(0, -1)
      .map((chunk) => chunk.choices[0].delta.content ?? '')
      .join(''),
    ODD,
  );
  assert.ok(
    chunks.slice(0, -1).every((chunk) => !('usage' in chunk)),
    'no usage unless asked',
  );
  assert.equal(lastEntry().complete, true);
});

test('include_usage: null on every chunk, then a last chunk without choices', async () => {
  const body = {
    model: 'm',
    stream: true,
    stream_options: { include_usage: true },
    messages: user('[[lab output=9]]'),
  };
  const chunks = (await events(await post(CHAT, body))).slice(0, -1);
  assert.ok(chunks.slice(0, -1).every((chunk) => chunk.usage === null));
  assert.deepEqual(chunks.at(-1).choices, []);
  assert.equal(chunks.at(-1).usage.completion_tokens, 9);
  assert.equal(lastEntry().outputTokensSent, 9);
  assert.equal(lastEntry().usageSent!.output, 9);
});

test('the limit cuts and says so, in all dialects', async () => {
  const messages = user('[[lab output=30]]');
  const chat = await json(await post(CHAT, { model: 'm', max_tokens: 5, messages }));
  assert.deepEqual([chat.choices[0].finish_reason, chat.usage.completion_tokens], ['length', 5]);
  const message = await json(await post('/v1/messages', { model: 'm', max_tokens: 5, messages }));
  assert.deepEqual([message.stop_reason, message.usage.output_tokens], ['max_tokens', 5]);
  const response = await json(await post('/v1/responses', { model: 'm', max_output_tokens: 5, input: messages }));
  assert.deepEqual([response.status, response.usage.output_tokens], ['incomplete', 5]);
});

test('messages: event order, cumulative usage, thinking that only this provider signs', async () => {
  const body = {
    model: 'lab-echo',
    max_tokens: 500,
    stream: true,
    thinking: { type: 'enabled', budget_tokens: 1024 },
    messages: user(ODD),
  };
  const list = await events(await post('/v1/messages', body));
  assert.equal(list[0].type, 'message_start');
  assert.equal(list.at(-1).type, 'message_stop');
  assert.ok(list.some((event) => event.type === 'ping'));
  assert.equal(list.map((event) => event.delta?.text ?? '').join(''), ODD);
  const thinking = list.map((event) => event.delta?.thinking ?? '').join('');
  const { signature } = list.find((event) => event.delta?.type === 'signature_delta').delta;
  const turns = (sign: string) => [
    ...user('a'),
    { role: 'assistant', content: [{ type: 'thinking', thinking, signature: sign }] },
    ...user('b'),
  ];
  assert.equal((await post('/v1/messages', { model: 'm', max_tokens: 5, messages: turns(signature) })).status, 200);
  assert.equal((await post('/v1/messages', { model: 'm', max_tokens: 5, messages: turns('foreign') })).status, 400);
});

test('a marked prefix is written, then read; input_tokens excludes both', async () => {
  const system = [{ type: 'text', text: 'rule '.repeat(2_000), cache_control: { type: 'ephemeral', ttl: '1h' } }];
  const ask = async () =>
    (await json(await post('/v1/messages', { model: 'm', max_tokens: 5, system, messages: user('hi') }))).usage;
  const [first, second] = [await ask(), await ask()];
  assert.ok(first.cache_creation.ephemeral_1h_input_tokens > 2_000 && first.cache_read_input_tokens === 0);
  assert.ok(second.cache_read_input_tokens > 2_000);
  assert.ok(second.input_tokens < 100);
});

test('openai caches a long prefix by itself, in steps of 128', async () => {
  const messages = [{ role: 'system', content: 'law '.repeat(2_000) }, ...user('hi')];
  await post(CHAT, { model: 'm', messages });
  const { usage } = await json(await post(CHAT, { model: 'm', messages }));
  assert.ok(usage.prompt_tokens_details.cached_tokens >= 1_920);
  assert.equal(usage.prompt_tokens_details.cached_tokens % 128, 0);
});

test('responses: stored, continued, fetched, deleted; an unknown one is refused', async () => {
  const first = await json(await post('/v1/responses', { model: 'm', input: 'one' }));
  const second = await json(await post('/v1/responses', { model: 'm', input: 'two', previous_response_id: first.id }));
  assert.ok(second.usage.input_tokens > first.usage.input_tokens);
  const headers = { authorization: 'Bearer x' };
  assert.equal((await json(await fetch(`${lab.url}/v1/responses/${first.id}`, { headers }))).id, first.id);
  await fetch(`${lab.url}/v1/responses/${first.id}`, { headers, method: 'DELETE' });
  assert.equal((await fetch(`${lab.url}/v1/responses/${first.id}`, { headers })).status, 404);
  assert.equal(
    (await post('/v1/responses', { model: 'm', input: 'x', previous_response_id: 'resp_none' })).status,
    400,
  );
});

test('embeddings: float and base64 agree, dimensions hold, token lists count', async () => {
  const body = { model: 'text-embedding-3-small', input: ['one text', 'another'], dimensions: 64 };
  const float = await json(await post('/v1/embeddings', body));
  const base64 = await json(await post('/v1/embeddings', { ...body, encoding_format: 'base64' }));
  const bytes = Buffer.from(base64.data[1].embedding, 'base64');
  const vector = [...new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length))];
  assert.deepEqual(vector, float.data[1].embedding);
  assert.equal(vector.length, 64);
  const tokens = await json(await post('/v1/embeddings', { model: 'm', input: [1, 2, 3] }));
  assert.equal(tokens.usage.prompt_tokens, 3);
});

test('azure paths want api-version, and add filter results', async () => {
  const path = '/openai/deployments/lab-echo/chat/completions';
  assert.equal((await post(path, { messages: user('x') })).status, 404);
  const answer = await json(await post(`${path}?api-version=2024-10-21`, { messages: user('x') }));
  assert.equal(answer.choices[0].content_filter_results.hate.severity, 'safe');
});

test('a script calls tools, then ends; a schema is obeyed', async () => {
  const tools = [
    {
      type: 'function',
      function: { name: 'get_weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
    },
  ];
  const first = await json(await post(CHAT, { model: 'lab-script:weather', tools, messages: user('?') }));
  const [call] = first.choices[0].message.tool_calls;
  assert.equal(first.choices[0].finish_reason, 'tool_calls');
  assert.deepEqual(JSON.parse(call.function.arguments), { city: 'Paris' });
  const messages = [...user('?'), first.choices[0].message, { role: 'tool', tool_call_id: call.id, content: '18 °C' }];
  const second = await json(await post(CHAT, { model: 'lab-script:weather', tools, messages }));
  assert.equal(second.choices[0].message.content, 'It is 18 °C in Paris.');
  const schema = { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] };
  const format = { type: 'json_schema', json_schema: { name: 's', schema } };
  const shaped = await json(await post(CHAT, { model: 'm', response_format: format, messages: user('?') }));
  assert.deepEqual(JSON.parse(shaped.choices[0].message.content), { n: 1 });
});

test('errors come in the dialect, with their waits', async () => {
  const limited = await post(CHAT, { model: 'm', messages: user('[[lab fault=429@1.5]]') });
  assert.deepEqual(
    [limited.status, limited.headers.get('retry-after'), limited.headers.get('retry-after-ms')],
    [429, '2', '1500'],
  );
  assert.equal((await json(limited)).error.code, 'rate_limit_exceeded');
  const over = await post('/v1/messages', { model: 'm', max_tokens: 5, messages: user('[[lab fault=529]]') });
  assert.deepEqual([over.status, (await json(over)).error.type], [529, 'overloaded_error']);
  assert.equal((await fetch(lab.url + CHAT, { method: 'POST', body: '{}' })).status, 401);
  assert.equal((await post('/v1/messages', { model: 'm', messages: user('x') })).status, 400);
});

test('a cut stream breaks, and the log says what was really sent', async () => {
  const response = await post(CHAT, { model: 'm', stream: true, messages: user('[[lab output=40 fault=cut@11]]') });
  await assert.rejects(response.text());
  await until(() => lastEntry().endedAfterMs !== null);
  // One event opens the answer; each of the others is a token.
  assert.deepEqual([lastEntry().eventsSent, lastEntry().outputTokensSent], [11, 10]);
  assert.deepEqual([lastEntry().complete, lastEntry().aborted, lastEntry().usageSent], [false, false, null]);
});

test('each stream fault does what it says', async () => {
  const run = async (fault: string) =>
    (await post(CHAT, { model: 'm', stream: true, messages: user(`[[lab output=12 fault=${fault}]]`) })).text();
  assert.ok(!(await run('clean-end@4')).includes('[DONE]'));
  assert.ok((await run('error-event@4')).includes('"error":'));
  const duplicated = (await run('dup@3')).split('\n\n');
  assert.equal(duplicated[2], duplicated[3]);
  const [, , broken] = (await run('malformed@3')).split('\n\n');
  assert.throws(() => JSON.parse(broken!.slice('data: '.length)), SyntaxError);
  assert.ok((await run('split@7')).endsWith('[DONE]\n\n'));
  await assert.rejects(run('half-event@3'));
  await assert.rejects(run('reset'));
});

test('an abort by the client is seen, and frees the engine', async () => {
  const controller = new AbortController();
  const headers = { authorization: 'Bearer x', 'content-type': 'application/json' };
  const body = JSON.stringify({ model: 'm', stream: true, messages: user('[[lab output=20 fault=stall@4]]') });
  const response = await fetch(lab.url + CHAT, { method: 'POST', headers, body, signal: controller.signal });
  await response.body!.getReader().read();
  controller.abort();
  await until(() => lastEntry().aborted);
  assert.equal((lab.stats().engine as { running: number }).running, 0);
});

test('refused connections are refused, and come back', async () => {
  const away = lab.refuse(60);
  await assert.rejects(fetch(`${lab.url}/v1/models`, { headers: { connection: 'close' } }));
  await away;
  assert.equal((await fetch(`${lab.url}/v1/models`, { headers: { authorization: 'Bearer x' } })).status, 200);
});

test('official SDKs read it', async () => {
  const load = createRequire(new URL('../../test/sdk/package.json', import.meta.url));
  const { OpenAI: Client } = load('openai') as { OpenAI: new (options: object) => OpenAI };
  const openai = new Client({ baseURL: `${lab.url}/v1`, apiKey: 'k', maxRetries: 0 });
  const response = await openai.responses.stream({ model: 'lab-echo', input: ODD }).finalResponse();
  assert.equal(response.output_text, ODD);
  const { Anthropic } = load('@anthropic-ai/sdk') as { Anthropic: new (options: object) => any };
  const anthropic = new Anthropic({ baseURL: lab.url, apiKey: 'k', maxRetries: 0 });
  const message = await anthropic.messages
    .stream({ model: 'lab-echo', max_tokens: 200, messages: user(ODD) })
    .finalMessage();
  assert.equal(message.content[0].text, ODD);
  const embedded = await openai.embeddings.create({ model: 'm', input: 'x', dimensions: 8 });
  assert.equal(embedded.data[0]!.embedding.length, 8);
  await assert.rejects(
    openai.chat.completions.create({ model: 'm', messages: [{ role: 'user', content: '[[lab fault=429]]' }] }),
    { status: 429 },
  );
});

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !condition(); i++) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.ok(condition(), 'condition came true within 2.5 s');
}
