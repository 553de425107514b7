import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startGate, type GateProcess } from '../harness/gate-process.ts';
import { json, startUpstream, type ScriptedUpstream } from './scripted-upstream.ts';

const ANSWER =
  '{"id":"c","object":"chat.completion","created":1,"model":"up","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}';

let provider: ScriptedUpstream;
let gate: GateProcess;
before(async () => {
  provider = await startUpstream();
  provider.answer(json(ANSWER));
  gate = await startGate({
    config: `
providers: { lab: { kind: lab, baseUrl: "${provider.url}/v1" } }
models: { small: { deployments: [{ provider: lab, model: lab-small }] } }
labels: [env, tags]
attribution: { aliases: [litellm, helicone] }
log: { level: silent }
`,
  });
});
after(async () => {
  await gate?.stop();
  await provider?.close();
});

const call = (key: string, headers: Record<string, string>): Promise<Response> =>
  fetch(`${gate.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ model: 'small', messages: [{ role: 'user', content: 'hi' }] }),
  });

test('headers of an earlier gateway reach the entry by right of the key, and no header of them the provider', async () => {
  await gate.admin('POST', '/tenants', { id: 'acme' });
  const rights = { endUser: true, labels: ['env', 'tags'] };
  const { key } = await gate.admin('POST', '/keys', { tenant: 'acme', name: 'moved', rights });
  const sent = {
    'helicone-user-id': 'ada',
    'x-litellm-trace-id': 'task-1',
    'x-litellm-tags': 'env:prod,fast',
    'helicone-auth': 'Bearer x',
  };
  assert.equal((await call(key, sent)).status, 200);
  await gate.until('the entry', async () => (await gate.admin('GET', '/calls?tenant=acme')).calls.length === 1);
  const [entry] = (await gate.admin('GET', '/calls?tenant=acme')).calls;
  assert.match(entry.endUser, /^[0-9a-f]{32}$/);
  assert.deepEqual([entry.session, entry.labels], ['task-1', { env: 'prod', tags: 'fast' }]);
  const { headers } = provider.seen.at(-1)!;
  assert.deepEqual(
    Object.keys(headers).filter((name) => /litellm|helicone/.test(name)),
    [],
  );
});

test('a key without the right gets a 400 under the name that was sent', async () => {
  const { key } = await gate.admin('POST', '/keys', { tenant: 'acme', name: 'strict' });
  const refused = await call(key, { 'helicone-user-id': 'ada' });
  assert.equal(refused.status, 400);
  const { error } = (await refused.json()) as { error: { code: string; message: string } };
  assert.equal(error.code, 'header_not_allowed');
  assert.match(error.message, /`helicone-user-id`/);
});
