import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startGate, type GateProcess } from '../harness/gate-process.ts';
import { json, startUpstream, type ScriptedUpstream } from './scripted-upstream.ts';

const world = {} as { gate: GateProcess; up: ScriptedUpstream };

before(async () => {
  world.up = await startUpstream();
  world.gate = await startGate({
    config: `
providers:
  proxy: { kind: openai-compatible, baseUrl: "${world.up.url}/v1", cacheControl: true }
  plain: { kind: openai-compatible, baseUrl: "${world.up.url}/v1" }
models:
  proxied: { deployments: [{ provider: proxy, model: claude-up }] }
  plain: { deployments: [{ provider: plain, model: up }] }
`,
  });
});
after(async () => {
  await world.gate?.stop();
  await world.up?.close();
});

const MARK = { cache_control: { type: 'ephemeral' } };
const body = (model: string) => ({
  model,
  max_tokens: 50,
  system: [{ type: 'text', text: 'Be brief.', cache_control: { type: 'ephemeral', ttl: '1h' } }],
  tools: [{ name: 'look', input_schema: { type: 'object' }, ...MARK }],
  messages: [
    { role: 'user', content: [{ type: 'text', text: 'Look.' }] },
    { role: 'assistant', content: [{ type: 'tool_use', id: 't1', name: 'look', input: {} }] },
    {
      role: 'user',
      content: [{ type: 'tool_result', tool_use_id: 't1', content: [{ type: 'text', text: 'wall', ...MARK }] }],
    },
    { role: 'user', content: [{ type: 'text', text: 'And now?', ...MARK }] },
  ],
});
/** As proxies of Claude count it in a chat. */
const ANSWER = JSON.stringify({
  id: 'c',
  object: 'chat.completion',
  created: 1,
  model: 'claude-up',
  choices: [{ index: 0, message: { role: 'assistant', content: 'hi' }, finish_reason: 'stop' }],
  usage: {
    prompt_tokens: 3000,
    completion_tokens: 2,
    total_tokens: 3002,
    prompt_tokens_details: { cached_tokens: 2500, cache_write_tokens: 400 },
  },
});

const post = (model: string): Promise<Response> =>
  fetch(`${world.gate.url}/v1/messages`, {
    method: 'POST',
    headers: { 'x-api-key': world.gate.key, 'content-type': 'application/json' },
    body: JSON.stringify(body(model)),
  });
const marksOf = (value: unknown): string[] =>
  [...JSON.stringify(value).matchAll(/"cache_control":\{[^}]*\}/g)].map(String);

describe('cache markers (clients.md 7)', () => {
  test('reach a server of chats that takes them, at every place, with their life', async () => {
    world.up.answer(json(ANSWER));
    const answer = await post('proxied');
    assert.equal(answer.status, 200);
    const sent = JSON.parse(world.up.seen.at(-1)!.body.toString()) as { messages: any[]; tools: any[] };
    assert.equal(marksOf(sent).length, 4);
    assert.deepEqual(sent.messages[0].content[0].cache_control, { type: 'ephemeral', ttl: '1h' });
    assert.deepEqual(sent.tools[0].cache_control, { type: 'ephemeral' });
    assert.equal(answer.headers.get('x-headgate-dropped'), null);
    const { usage } = (await answer.json()) as { usage: Record<string, number> };
    assert.equal(usage['cache_read_input_tokens'], 2500);
    assert.equal(usage['cache_creation_input_tokens'], 400);
  });

  test('are left out, and listed, where nobody says that they are taken', async () => {
    world.up.answer(json(ANSWER));
    const answer = await post('plain');
    assert.equal(answer.status, 200);
    assert.deepEqual(marksOf(JSON.parse(world.up.seen.at(-1)!.body.toString())), []);
    assert.match(answer.headers.get('x-headgate-dropped')!, /cache/);
  });
});
