import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startUpstream, type ScriptedUpstream } from '../clients-rules/scripted-upstream.ts';
import { startGate, type GateProcess } from '../harness/gate-process.ts';

const TOLD = /777|168|\b55\b/;
const CLAUDE = { input_tokens: 168, cache_read_input_tokens: 777, cache_creation_input_tokens: 55, output_tokens: 9 };
const RESULTS = `${JSON.stringify({
  custom_id: 'a',
  result: {
    type: 'succeeded',
    message: {
      ...{ id: 'msg_1', type: 'message', role: 'assistant', model: 'm', content: [{ type: 'text', text: 'hello' }] },
      ...{ stop_reason: 'end_turn', stop_sequence: null, usage: CLAUDE },
    },
  },
})}\n`;
const OUTPUT = `${JSON.stringify({
  ...{ id: 'batch_req_1', custom_id: 'a', error: null },
  response: {
    ...{ status_code: 200, request_id: 'r' },
    body: {
      ...{ id: 'c', object: 'chat.completion', created: 1, model: 'm' },
      choices: [{ index: 0, message: { role: 'assistant', content: 'hello' }, finish_reason: 'stop' }],
      usage: {
        prompt_tokens: 1000,
        completion_tokens: 9,
        total_tokens: 1009,
        prompt_tokens_details: { cached_tokens: 777 },
      },
    },
  },
})}\n`;
const UPLOADED = '{"custom_id":"a","response":{"body":{"usage":{"cached_tokens":777}}}}\n';
const MESSAGE_BATCH = {
  ...{ id: 'msgbatch_1', type: 'message_batch', processing_status: 'ended', results_url: 'https://up/results' },
  ...{ created_at: '2026-11-27T00:00:00Z', expires_at: '2026-11-28T00:00:00Z', ended_at: '2026-11-27T00:00:01Z' },
  ...{ archived_at: null, cancel_initiated_at: null },
  request_counts: { processing: 0, succeeded: 1, errored: 0, canceled: 0, expired: 0 },
};
const BATCH = {
  ...{
    id: 'batch_1',
    object: 'batch',
    endpoint: '/v1/chat/completions',
    status: 'completed',
    input_file_id: 'file-in',
  },
  ...{ output_file_id: 'file-out', error_file_id: null, completion_window: '24h', created_at: 1 },
  request_counts: { total: 1, completed: 1, failed: 0 },
};
const file = (id: string, purpose: string) => ({ id, object: 'file', bytes: 9, created_at: 1, filename: 'f', purpose });

describe('batches and the cache that their lines meet', () => {
  let up: ScriptedUpstream;
  let gate: GateProcess;
  let key = '';
  /** What was sent to the provider, by path. */
  const sent: { readonly path: string; readonly text: string }[] = [];

  before(async () => {
    up = await startUpstream();
    up.answer((response, { method, path, body }) => {
      const text = String(body);
      if (method === 'POST') sent.push({ path, text });
      const json = (value: object) =>
        void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
      const lines = (value: string) =>
        void response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(value);
      if (path.endsWith('/results')) return lines(RESULTS);
      if (path.endsWith('/file-out/content')) return lines(OUTPUT);
      if (path.endsWith('/file-in/content')) return lines(UPLOADED);
      if (path.includes('/messages/batches')) return json(MESSAGE_BATCH);
      if (path.includes('/batches')) return json(BATCH);
      if (path.includes('/file-out')) return json(file('file-out', 'batch_output'));
      return json(file('file-in', 'batch'));
    });
    gate = await startGate({
      config: `
providers:
  fronted: { kind: lab, baseUrl: "${up.url}/v1", prefixCache: preamble, cachedTokens: hide }
models: { m: { deployments: [{ provider: fronted, model: m }] } }
files: { provider: fronted }
jobs: { poll: 50ms }
prices: [{ provider: "*", model: "*", perMillion: { input: "1", cachedRead: "0.1", output: "2" } }]
`,
    });
    await gate.admin('POST', '/tenants', { id: 'acme' });
    key = (await gate.admin('POST', '/keys', { tenant: 'acme', name: 'one' })).key;
  });
  after(async () => {
    await gate?.stop();
    await up?.close();
  });

  async function ask(method: string, path: string, body?: object | FormData): Promise<string> {
    const isForm = body instanceof FormData;
    const response = await fetch(`${gate.url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(path.includes('/messages') && { 'anthropic-version': '2023-06-01' }),
        ...(body && !isForm && { 'content-type': 'application/json' }),
      },
      ...(body && { body: isForm ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    assert.equal(response.status, 200, `${method} ${path}: ${text}`);
    return text;
  }
  const cachedOf = async (calls: number): Promise<number> => {
    let entries: any[] = [];
    await gate.until('entries of the lines', async () => {
      ({ calls: entries } = await gate.admin('GET', '/calls?tenant=acme'));
      return entries.length >= calls;
    });
    return entries.reduce((sum, { usage }) => sum + (usage.cachedReadTokens ?? 0), 0);
  };

  test('of Anthropic: lines begin with the tenant’s own, results tell nothing, the ledger has it', async () => {
    const params = { model: 'm', max_tokens: 9, messages: [{ role: 'user', content: 'hi' }] };
    await ask('POST', '/v1/messages/batches', { requests: [{ custom_id: 'a', params }] });
    const made = sent.find(({ path }) => path.endsWith('/messages/batches'))!;
    assert.match(JSON.parse(made.text).requests[0].params.system[0].text, /^[\w-]{24} is a cache id/);
    const results = await ask('GET', '/v1/messages/batches/msgbatch_1/results');
    assert.match(results, /hello/);
    assert.match(results, /"input_tokens":1000/);
    assert.doesNotMatch(results, TOLD);
    assert.equal(await cachedOf(1), 777);
  });

  test('of OpenAI: the same, and a file that the caller wrote itself is as it was', async () => {
    const form = new FormData();
    const body = { model: 'm', messages: [{ role: 'user', content: 'hi' }] };
    const line = JSON.stringify({ custom_id: 'a', method: 'POST', url: '/v1/chat/completions', body });
    form.append('purpose', 'batch');
    form.append('file', new Blob([`${line}\n`]), 'in.jsonl');
    await ask('POST', '/v1/files', form);
    const uploaded = sent.find(({ path }) => path.endsWith('/files'))!;
    assert.match(uploaded.text, /"content":"[\w-]{24} is a cache id: ignore it\."/);
    await ask('POST', '/v1/batches', {
      ...{ input_file_id: 'file-in', endpoint: '/v1/chat/completions', completion_window: '24h' },
    });
    await ask('GET', '/v1/batches/batch_1');
    const output = await ask('GET', '/v1/files/file-out/content');
    assert.match(output, /hello/);
    assert.match(output, /"prompt_tokens":1000/);
    assert.doesNotMatch(output, TOLD);
    assert.equal(await ask('GET', '/v1/files/file-in/content'), UPLOADED);
    assert.equal(await cachedOf(2), 2 * 777);
  });
});
