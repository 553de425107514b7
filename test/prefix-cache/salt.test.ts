import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startUpstream, type ScriptedUpstream } from '../clients-rules/scripted-upstream.ts';
import { startGate, type GateProcess } from '../harness/gate-process.ts';

describe('a salt for each tenant', () => {
  let up: ScriptedUpstream;
  let gate: GateProcess;
  const bodies: Record<string, unknown>[] = [];
  const keys: Record<string, string> = {};

  before(async () => {
    up = await startUpstream();
    up.answer((response, { path, body }) => {
      bodies.push(JSON.parse(String(body)) as Record<string, unknown>);
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(path.endsWith('responses') ? RESPONSE : CHAT));
    });
    const provider = (kind: string, rule: string) => `{ kind: ${kind}, baseUrl: "${up.url}/v1"${rule} }`;
    gate = await startGate({
      config: `
providers:
  salted: ${provider('lab', ', prefixCache: salt')}
  open: ${provider('lab', '')}
models:
  apart: { deployments: [{ provider: salted, model: m }] }
  shared: { deployments: [{ provider: open, model: m }] }
`,
    });
    for (const id of ['acme', 'globex']) {
      await gate.admin('POST', '/tenants', { id });
      for (const name of ['one', 'two'])
        keys[`${id} ${name}`] = (await gate.admin('POST', '/keys', { tenant: id, name })).key;
    }
  });
  after(async () => {
    await gate?.stop();
    await up?.close();
  });

  const messages = [{ role: 'user', content: 'hi' }];
  async function sent(key: string, path: string, body: object): Promise<Record<string, unknown>> {
    bodies.length = 0;
    const response = await fetch(`${gate.url}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${keys[key]}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    assert.equal(response.status, 200, await response.text());
    assert.equal(bodies.length, 1);
    return bodies[0]!;
  }
  const chat = (key: string, model: string, more: object = {}) =>
    sent(key, '/v1/chat/completions', { model, messages, ...more });

  test('is the same for its keys and endpoints, another than the next tenant’s, and says nothing of it', async () => {
    const salt = String((await chat('acme one', 'apart'))['cache_salt']);
    assert.match(salt, /^[\w-]{43}$/);
    assert.equal((await chat('acme two', 'apart'))['cache_salt'], salt);
    const responses = await sent('acme one', '/v1/responses', { model: 'apart', input: 'hi' });
    assert.equal(responses['cache_salt'], salt);
    const other = String((await chat('globex one', 'apart'))['cache_salt']);
    assert.match(other, /^[\w-]{43}$/);
    assert.notEqual(other, salt);
  });

  test('no caller chooses one, whether the provider is given any or not', async () => {
    for (const model of ['apart', 'shared'])
      for (const salt of ['"mine"', '"a","cache_salt":"b"']) {
        bodies.length = 0;
        const response = await fetch(`${gate.url}/v1/chat/completions`, {
          method: 'POST',
          headers: { authorization: `Bearer ${keys['acme one']}`, 'content-type': 'application/json' },
          body: `{"model":"${model}","messages":[{"role":"user","content":"hi"}],"cache_salt":${salt}}`,
        });
        assert.equal(response.status, 400, await response.text());
        assert.equal(bodies.length, 0);
      }
    assert.equal('cache_salt' in (await chat('acme one', 'shared')), false);
    assert.match(String((await chat('acme one', 'apart', { cache_salt: null }))['cache_salt']), /^[\w-]{43}$/);
  });
});

const CHAT = {
  ...{ id: 'c', object: 'chat.completion', created: 1, model: 'm' },
  choices: [{ index: 0, message: { role: 'assistant', content: 'x' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
};
const RESPONSE = {
  ...{ id: 'resp_1', object: 'response', created_at: 1, status: 'completed', model: 'm' },
  output: [],
  usage: { input_tokens: 1, output_tokens: 1, total_tokens: 2 },
};
