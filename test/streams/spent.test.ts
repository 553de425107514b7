import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startUpstream, type ScriptedUpstream } from '../clients-rules/scripted-upstream.ts';
import { startGate, type GateProcess } from '../harness/gate-process.ts';

let up: ScriptedUpstream;
let gate: GateProcess;
before(async () => {
  up = await startUpstream();
  up.answer(async (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const chunk = { id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm' };
    const choice = { index: 0, delta: { content: 'word '.repeat(400) }, finish_reason: null };
    for (let i = 0; i < 100 && !response.destroyed; i++) {
      response.write(`data: ${JSON.stringify({ ...chunk, choices: [choice] })}\n\n`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    response.end();
  });
  gate = await startGate({
    config: `
providers: { lab: { kind: lab-chat, baseUrl: "${up.url}/v1" } }
models: { m: { deployments: [{ provider: lab }] } }
prices: [{ provider: "*", model: "*", perMillion: { input: "1", output: "1000" } }]
`,
  });
});
after(async () => {
  await gate?.stop();
  await up?.close();
});

test('a stream that is ended because the money is gone says so to its client, and in its entry', async () => {
  await gate.admin('POST', '/tenants', { id: 'acme' });
  const { key } = await gate.admin('POST', '/keys', { tenant: 'acme', name: 'k' });
  await gate.admin('POST', '/budgets', {
    ...{ level: 'tenant', tenant: 'acme', limitUsd: '5', endWhenSpent: true },
    window: 'month',
  });
  const response = await fetch(`${gate.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'm', stream: true, messages: [{ role: 'user', content: 'hi' }] }),
  });
  let [text, broken] = ['', false];
  try {
    for await (const piece of response.body!) text += Buffer.from(piece).toString();
  } catch {
    broken = true;
  }
  assert.ok(broken);
  assert.match(text, /"message":"The budget is spent; the answer ends here."[^\n]*\n\n$/);
  const id = response.headers.get('x-headgate-call-id')!;
  let entry: any = null;
  await gate.until('the entry', async () => {
    entry = await gate.admin('GET', `/calls/${id}`).catch(() => null);
    return entry !== null;
  });
  assert.deepEqual([entry.status, entry.cancelledBy, entry.errorCode], ['cancelled', 'budget', 'budget_exceeded']);
});
