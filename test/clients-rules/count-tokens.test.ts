import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startProvider, type Provider } from '#lab/provider/provider.ts';
import { after, before } from 'node:test';
import { startGate, type GateProcess } from '../harness/gate-process.ts';

const world = {} as { gate: GateProcess; lab: Provider };

before(async () => {
  world.lab = await startProvider();
  const { url } = world.lab;
  world.gate = await startGate({
    config: `
providers:
  messages: { kind: lab-messages, baseUrl: "${url}/v1" }
  chat: { kind: lab-chat, baseUrl: "${url}/v1" }
models:
  counts: { deployments: [{ provider: messages, model: up }] }
  guesses: { deployments: [{ provider: chat, model: up }] }
prices: [{ provider: "*", model: "*", perMillion: { input: "1000", output: "2000" } }]
`,
  });
});
after(async () => {
  await world.gate?.stop();
  await world.lab?.close();
});

const post = (path: string, body: object): Promise<Response> =>
  fetch(world.gate.url + path, {
    method: 'POST',
    headers: { 'x-api-key': world.gate.key, 'content-type': 'application/json', 'anthropic-version': '2023-06-01' },
    body: JSON.stringify(body),
  });
const count = async (model: string, content: unknown): Promise<{ tokens: number; answer: Response }> => {
  const answer = await post('/v1/messages/count_tokens', { model, messages: [{ role: 'user', content }] });
  assert.equal(answer.status, 200, await answer.clone().text());
  return { tokens: ((await answer.json()) as { input_tokens: number }).input_tokens, answer };
};
const TEXT = 'The old pier leans into the grey water, and nobody mends it. '.repeat(80);

describe('count_tokens (clients.md 1)', () => {
  test('a provider that counts is asked, and the count is its own', async () => {
    const { answer } = await count('counts', TEXT);
    assert.equal(answer.headers.get('x-headgate-estimated'), null);
    assert.equal(world.lab.log.at(-1)!.path, '/v1/messages/count_tokens');
  });

  test('where none counts the gate estimates, says so, and learns from real usage', async () => {
    for (let n = 0; n < 20; n++) {
      const body = { model: 'guesses', max_tokens: 8, messages: [{ role: 'user', content: `${n} ${TEXT}` }] };
      assert.equal((await post('/v1/messages', body)).status, 200);
    }
    const seen = world.lab.log.length;
    const { tokens, answer } = await count('guesses', TEXT);
    assert.equal(world.lab.log.length, seen, 'no provider was asked');
    assert.equal(answer.headers.get('x-headgate-estimated'), 'input_tokens');
    const real = await count('counts', TEXT);
    assert.ok(Math.abs(tokens / real.tokens - 1) < 0.1, `${tokens} of ${real.tokens}`);
  });

  test('free, with an entry that says it is an estimate', async () => {
    const { tokens, answer } = await count('guesses', TEXT);
    const id = answer.headers.get('x-headgate-call-id')!;
    let entry: any = null;
    await world.gate.until('the entry', async () => {
      entry = await world.gate.admin('GET', `/calls/${id}`).catch(() => null);
      return entry !== null;
    });
    assert.equal(entry.kind, 'count');
    assert.equal(entry.cost.total, '0');
    assert.equal(entry.usageSource, 'estimated');
    assert.equal(entry.usage.inputTokens, tokens);
    assert.equal(entry.attempts.length, 0);
  });

  test('a picture counts as one, not as the text of its bytes', async () => {
    const data = 'A'.repeat(400_000);
    const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data } };
    const { tokens } = await count('guesses', [image, { type: 'text', text: 'What is it?' }]);
    assert.ok(tokens > 1_600 && tokens < 1_800, String(tokens));
  });

  test('a model that is not there is still a 404', async () => {
    const answer = await post('/v1/messages/count_tokens', { model: 'none', messages: [] });
    assert.equal(answer.status, 404);
  });
});
