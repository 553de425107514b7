import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startGate, type GateProcess } from '../harness/gate-process.ts';
import { json, startUpstream, type ScriptedUpstream } from './scripted-upstream.ts';

/** What the agents of test/clients have shown, kept without them: they take a gigabyte. */
const COMPLETION =
  '{"id":"c1","object":"chat.completion","created":1,"model":"up","choices":[{"index":0,"message":{"role":"assistant","content":"ok"},"finish_reason":"stop"}],"usage":{"prompt_tokens":11,"completion_tokens":7,"total_tokens":18}}';

describe('what agents send', () => {
  let upstream: ScriptedUpstream;
  let gate: GateProcess;
  before(async () => {
    upstream = await startUpstream();
    upstream.answer(json(COMPLETION));
    gate = await startGate({
      config: `
providers: { up: { kind: lab-chat, baseUrl: "${upstream.url}/v1" } }
models: { m: { deployments: [{ provider: up }] } }
log: { level: silent }
`,
    });
  });
  after(async () => {
    await gate?.stop();
    await upstream?.close();
  });

  const post = (path: string, body: string, headers: object = {}): Promise<Response> =>
    fetch(gate.url + path, {
      method: 'POST',
      headers: { 'x-api-key': gate.key, 'content-type': 'application/json', ...headers },
      body,
    });

  test('a tool whose schema bounds an integer as zod does crosses; what would be rounded is refused', async () => {
    const ask = (most: string): Promise<Response> =>
      post(
        '/v1/messages',
        `{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"tools":[{"name":"Read","input_schema":{"type":"object","properties":{"limit":{"type":"integer","minimum":-9007199254740991,"maximum":${most}}}}}]}`,
      );
    const fine = await ask('9007199254740991');
    assert.equal(fine.status, 200, await fine.text());
    assert.match(upstream.seen.at(-1)!.body.toString(), /"minimum":-9007199254740991,"maximum":9007199254740991/);
    assert.equal((await ask('9007199254740993')).status, 400);
  });

  for (const name of ['x-claude-code-session-id', 'session_id', 'x-session-affinity']) {
    test(`${name} is the session of the entry`, async () => {
      const chat = '{"model":"m","messages":[{"role":"user","content":"x"}]}';
      const answer = await post('/v1/chat/completions', chat, { [name]: 'task-4' });
      assert.equal(answer.status, 200);
      const id = answer.headers.get('x-headgate-call-id')!;
      await gate.until('the entry', async () => (await gate.admin('GET', `/calls/${id}`).catch(() => null)) !== null);
      assert.equal((await gate.admin('GET', `/calls/${id}`)).session, 'task-4');
    });
  }
});
