import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { json, startUpstream, type ScriptedUpstream } from '../clients-rules/scripted-upstream.ts';
import { startGate, type GateProcess } from '../harness/gate-process.ts';

const ANSWER = JSON.stringify({
  ...{ id: 'c', object: 'chat.completion', created: 1, model: 'm' },
  choices: [{ index: 0, message: { role: 'assistant', content: 'x' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 900, completion_tokens: 1, total_tokens: 901, prompt_tokens_details: { cached_tokens: 777 } },
});

describe('isolation of one tenant by its layer', () => {
  let up: ScriptedUpstream;
  let gate: GateProcess;
  const keys: Record<string, string> = {};

  before(async () => {
    up = await startUpstream();
    up.answer(json(ANSWER));
    gate = await startGate({
      config: `
providers:
  open: { kind: lab, baseUrl: "${up.url}/v1", cachedTokens: show }
  salted: { kind: lab, baseUrl: "${up.url}/v1", prefixCache: salt }
models:
  open: { deployments: [{ provider: open, model: m }] }
  salted: { deployments: [{ provider: salted, model: m }] }
`,
    });
    for (const id of ['acme', 'globex']) {
      await gate.admin('POST', '/tenants', { id });
      keys[id] = (await gate.admin('POST', '/keys', { tenant: id, name: 'one' })).key;
    }
    const isolation = { preamble: true, hideCachedTokens: true, ttftQuantumMs: 150 };
    await gate.admin('POST', '/layers', { level: 'tenant', tenant: 'acme', isolation });
  });
  after(async () => {
    await gate?.stop();
    await up?.close();
  });

  async function call(tenant: string, model: string) {
    const from = up.seen.length;
    const response = await fetch(`${gate.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${keys[tenant]}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model, messages: [{ role: 'user', content: 'hi' }] }),
    });
    const { usage } = (await response.json()) as any;
    const id = response.headers.get('x-headgate-call-id')!;
    let entry: any = null;
    await gate.until('the entry', async () => {
      entry = await gate.admin('GET', `/calls/${id}`).catch(() => null);
      return entry !== null;
    });
    const [{ heldMs }] = entry.attempts;
    const sent = JSON.parse(String(up.seen[from]!.body));
    return { sent, cached: usage.prompt_tokens_details.cached_tokens as number, heldMs: heldMs as number | undefined };
  }

  test('has its line, hides its cached tokens and holds its answers, at every deployment', async () => {
    const { sent, cached, heldMs } = await call('acme', 'open');
    assert.match(sent.messages[0].content, /is a cache id/);
    assert.equal(cached, 0);
    assert.ok(heldMs !== undefined && heldMs < 150);
  });

  test('a salt is enough where the engine takes one: there is no line beside it', async () => {
    const { sent, heldMs } = await call('acme', 'salted');
    assert.equal(sent.messages.length, 1);
    assert.match(sent.cache_salt, /^[\w-]{43}$/);
    assert.ok(heldMs !== undefined);
  });

  test('is nobody else’s', async () => {
    const { sent, cached, heldMs } = await call('globex', 'open');
    assert.equal(sent.messages.length, 1);
    assert.equal(cached, 777);
    assert.equal(heldMs, undefined);
  });

  test('is explained, each part with the layer that sets it', async () => {
    const { rows } = await gate.admin('GET', '/tenants/acme/explain');
    const found = rows.filter(({ by }: any) => by === 'tenant:acme@1').map(({ field, value }: any) => [field, value]);
    assert.deepEqual(found, [
      ['preamble', 'before each prompt'],
      ['cached tokens', 'hidden'],
      ['quantum of first tokens', '150 ms'],
    ]);
  });
});
