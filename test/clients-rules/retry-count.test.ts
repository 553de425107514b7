import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { loadSdks, sdksSkip } from '../harness/sdks.ts';
import { call, inRulesWorld, newestEntry } from './rules-world.ts';
import { json } from './scripted-upstream.ts';

const CHAT = '/v1/chat/completions';
const ANSWER =
  '{"id":"c1","object":"chat.completion","created":1,"model":"up","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":11,"completion_tokens":7,"total_tokens":18}}';

describe('an SDK’s own retry is told apart (clients.md 24)', () => {
  const world = inRulesWorld();

  test('x-stainless-retry-count is in the entry; what is no small number counts as none', async () => {
    world.first.answer(json(ANSWER));
    for (const [sent, noted] of [
      ['0', 0],
      ['2', 2],
      ['-1', 0],
      ['1e9', 0],
      ['two', 0],
    ] as const) {
      const answer = await call(world, CHAT, { model: 'm' }, { headers: { 'x-stainless-retry-count': sent } });
      const entry = await newestEntry(world, answer.headers['x-headgate-call-id']!);
      assert.equal(entry.clientRetry, noted, sent);
    }
    assert.equal(world.first.seen.at(-1)!.headers['x-stainless-retry-count'], undefined, 'it is ours to read');
  });

  test('the official SDK: the failed call and its retry are two entries', { skip: sdksSkip }, async () => {
    const { OpenAI } = await loadSdks();
    const client = new OpenAI({ apiKey: world.gate.key, baseURL: `${world.gate.url}/v1`, maxRetries: 1 });
    const before = world.first.seen.length;
    // Two attempts of the gate are one call that fails; the SDK's retry is the next.
    const busy = json('{"error":{"message":"busy"}}', 500);
    world.first.answer((response, seen) =>
      (world.first.seen.length - before <= 2 ? busy : json(ANSWER))(response, seen),
    );
    const { data, response } = await client.chat.completions
      .create({ model: 'm', messages: [{ role: 'user', content: 'hi' }] })
      .withResponse();
    assert.equal(data.choices[0]!.message.content, 'hi');
    const entry = await newestEntry(world, response.headers.get('x-headgate-call-id')!);
    assert.deepEqual([entry.clientRetry, entry.client], [1, 'openai-js']);
    const { calls } = await world.gate.admin('GET', '/calls?limit=2');
    assert.deepEqual(
      calls.map(({ clientRetry, httpStatus }: any) => [clientRetry, httpStatus]),
      [
        [1, 200],
        [0, 500],
      ],
    );
  });
});
