import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { inRulesWorld } from './rules-world.ts';
import { json } from './scripted-upstream.ts';

const ANSWER =
  '{"id":"c","object":"chat.completion","created":1,"model":"up","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}';
const VECTOR =
  '{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.5]}],"model":"up","usage":{"prompt_tokens":1,"total_tokens":1}}';
const CHUNKS = [
  '{"id":"c","object":"chat.completion.chunk","created":1,"model":"up","choices":[{"index":0,"delta":{"role":"assistant","content":"hi"},"finish_reason":null}]}',
  '{"id":"c","object":"chat.completion.chunk","created":1,"model":"up","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}',
  '{"id":"c","object":"chat.completion.chunk","created":1,"model":"up","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}',
];
const STREAM = `${CHUNKS.map((chunk) => `data: ${chunk}\n\n`).join('')}data: [DONE]\n\n`;
const CHAT = { messages: [{ role: 'user', content: 'hi' }] };

const world = inRulesWorld();
const post = (path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(world.gate.url + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${world.gate.key}`, 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
const upstream = () => world.first.seen.at(-1)!;
const sent = (): Record<string, unknown> => JSON.parse(upstream().body.toString()) as Record<string, unknown>;

describe('Cursor (clients.md 6)', () => {
  const cursor = {
    model: 'm',
    input: [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: [{ type: 'input_text', text: 'hi' }] },
      { type: 'function_call', call_id: 'c1', name: 'read', arguments: '{}' },
      { type: 'function_call_output', call_id: 'c1', output: 'a file' },
    ],
    tools: [{ type: 'function', name: 'read', description: 'Reads.', parameters: { type: 'object', properties: {} } }],
    store: false,
    include: ['reasoning.encrypted_content'],
  };

  test('a body of the Responses API on the path of chats is sent as a chat, and answered as one', async () => {
    world.first.answer(json(ANSWER));
    const answer = await post('/v1/chat/completions', cursor);
    assert.equal(answer.status, 200);
    assert.equal(((await answer.json()) as { object: string }).object, 'chat.completion');
    assert.match(answer.headers.get('x-headgate-dropped')!, /include/, 'what a chat cannot say is listed');
    assert.equal(upstream().path, '/v1/chat/completions');
    const body = sent() as { input?: unknown; messages: { role: string }[]; tools: { function: { name: string } }[] };
    assert.equal(body.input, undefined);
    assert.deepEqual(
      body.messages.map(({ role }) => role),
      ['system', 'user', 'assistant', 'tool'],
    );
    assert.equal(body.tools[0]!.function.name, 'read');
  });

  test('streamed, it gets chunks of a chat and their end', async () => {
    world.first.answer((response) => void response.writeHead(200, { 'content-type': 'text/event-stream' }).end(STREAM));
    const text = await (await post('/v1/chat/completions', { ...cursor, stream: true })).text();
    assert.match(text, /"chat\.completion\.chunk".*"content":"hi"/);
    assert.match(text, /data: \[DONE\]\n\n$/);
    assert.equal(sent()['stream'], true);
  });

  test('a large one is rewritten by the other thread', async () => {
    world.first.answer(json(ANSWER));
    const long = 'word '.repeat(80_000);
    const answer = await post('/v1/chat/completions', { model: 'm', input: [{ role: 'user', content: long }] });
    assert.equal(answer.status, 200, await answer.text());
    assert.equal((sent() as { messages: { content: string }[] }).messages[0]!.content, long);
  });

  test('what is wrong in it is a 400 that names the field as it was sent', async () => {
    const wrong = await post('/v1/chat/completions', { model: 'm', input: 7 });
    assert.equal(wrong.status, 400);
    assert.equal(((await wrong.json()) as { error: { param: string } }).error.param, 'input');
    const neither = await post('/v1/chat/completions', { model: 'm' });
    assert.equal(((await neither.json()) as { error: { param: string } }).error.param, 'messages');
  });
});

describe('Azure’s paths', () => {
  test('the model of the path counts, with a body that names none, the same or another', async () => {
    world.first.answer(json(ANSWER));
    for (const body of [CHAT, { model: 'm', ...CHAT }, { model: 'gpt-4o', ...CHAT }]) {
      const answer = await post('/openai/deployments/m/chat/completions?api-version=2024-10-21', body);
      assert.equal(answer.status, 200, await answer.text());
      assert.equal(sent()['model'], 'up');
      assert.equal(upstream().path, '/v1/chat/completions', 'the api-version is Azure’s alone');
    }
    world.first.answer(json(VECTOR));
    const vector = await post('/openai/deployments/m/embeddings?api-version=2024-10-21&x=1', { input: 'a' });
    assert.equal(vector.status, 200, await vector.text());
    assert.equal(upstream().path, '/v1/embeddings?x=1');
  });

  test('a large body too', async () => {
    world.first.answer(json(ANSWER));
    const content = 'word '.repeat(80_000);
    const answer = await post('/openai/deployments/m/chat/completions', { messages: [{ role: 'user', content }] });
    assert.equal(answer.status, 200, await answer.text());
    assert.equal(sent()['model'], 'up');
  });

  test('the key comes by api-key, and a model that the key may not call is unknown', async () => {
    world.first.answer(json(ANSWER));
    const body = JSON.stringify(CHAT);
    const call = (model: string) =>
      fetch(`${world.gate.url}/openai/deployments/${model}/chat/completions`, {
        method: 'POST',
        headers: { 'api-key': world.gate.key, 'content-type': 'application/json' },
        body,
      });
    assert.equal((await call('m')).status, 200);
    const unknown = await call('nobody');
    assert.equal(unknown.status, 404);
    assert.equal(((await unknown.json()) as { error: { code: string } }).error.code, 'model_not_found');
    assert.equal((await call('%E0%A4')).status, 404);
  });

  test('a duplicate model in the body stays a 400', async () => {
    const twice = await post(
      '/openai/deployments/m/chat/completions',
      '{"model":"a","model":"b","messages":[{"role":"user","content":"x"}]}',
    );
    assert.equal(twice.status, 400);
    assert.equal(((await twice.json()) as { error: { code: string } }).error.code, 'duplicate_field');
  });

  test('/openai/v1 is /v1', async () => {
    world.first.answer(json(ANSWER));
    assert.equal((await post('/openai/v1/chat/completions?api-version=preview', { model: 'm', ...CHAT })).status, 200);
    const models = await fetch(`${world.gate.url}/openai/v1/models`, { headers: { 'api-key': world.gate.key } });
    assert.equal(models.status, 200);
    assert.equal((await fetch(`${world.gate.url}/openai/v1/chat/completions`)).status, 405);
    assert.equal((await post('/openai/deployments/m/images', {})).status, 404);
    assert.equal((await fetch(`${world.gate.url}/openai/v1/admin/tenants`)).status, 404);
    assert.equal((await fetch(`${world.gate.url}/openai/admin/tenants`)).status, 404);
  });
});

describe('credentials and first words', () => {
  test('x-headgate-key is ours beside a credential that is somebody else’s, which goes nowhere', async () => {
    world.first.answer(json(ANSWER));
    const headers = { authorization: 'Bearer sk-ant-oat-of-a-subscription', 'x-headgate-key': world.gate.key };
    assert.equal((await post('/v1/chat/completions', { model: 'm', ...CHAT }, headers)).status, 200);
    assert.ok(!JSON.stringify(upstream().headers).includes('subscription'));
    assert.ok(!JSON.stringify(upstream().headers).includes(world.gate.key));
    const wrong = await post('/v1/chat/completions', { model: 'm', ...CHAT }, { 'x-headgate-key': 'hg_other' });
    assert.equal(wrong.status, 401, 'the key beside it does not help');
  });

  test('HEAD / is answered (clients.md 1)', async () => {
    const answer = await fetch(`${world.gate.url}/`, { method: 'HEAD' });
    assert.equal(answer.status, 200);
    assert.equal(await answer.text(), '');
  });
});
