import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startUpstream, type ScriptedUpstream } from '../clients-rules/scripted-upstream.ts';
import { startGate, temporaryFolder, type GateProcess } from '../harness/gate-process.ts';

const FRONT = /^[\w-]{24} is a cache id: ignore it\./;
const KINDS = ['lab-chat', 'lab-responses', 'lab-messages', 'lab-google'] as const;
const TOOL = { name: 'look', description: 'Looks it up.' };
const SCHEMA = { type: 'object', properties: {} };

/** One call in each dialect, with instructions and a tool of the caller's own. */
const CALLS: Readonly<Record<string, (model: string) => readonly [path: string, body: object]>> = {
  chat: (model) => [
    '/v1/chat/completions',
    {
      ...{ model, tools: [{ type: 'function', function: { ...TOOL, parameters: SCHEMA } }] },
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'hi' },
      ],
    },
  ],
  responses: (model) => [
    '/v1/responses',
    {
      ...{ model, input: 'hi', instructions: 'Be brief.', store: false },
      tools: [{ type: 'function', ...TOOL, parameters: SCHEMA, strict: false }],
    },
  ],
  messages: (model) => [
    '/v1/messages',
    {
      ...{ model, max_tokens: 9, messages: [{ role: 'user', content: 'hi' }] },
      ...{ system: [{ type: 'text', text: 'Be brief.' }], tools: [{ ...TOOL, input_schema: SCHEMA }] },
    },
  ],
  google: (model) => [
    `/v1beta/models/${model}:generateContent`,
    {
      ...{ contents: [{ role: 'user', parts: [{ text: 'hi' }] }], tools: [{ functionDeclarations: [TOOL] }] },
      systemInstruction: { parts: [{ text: 'Be brief.' }] },
    },
  ],
};

/** What the model reads first, and what the first tool says of itself, in a request that the upstream got. */
function firsts(body: any): readonly [instructions: string, tool: string] {
  const { messages, input, instructions, system, systemInstruction, tools } = body;
  const [tool] = tools;
  const said = tool.function?.description ?? tool.functionDeclarations?.[0].description ?? tool.description;
  return [firstText(instructions ?? system ?? systemInstruction ?? messages ?? input), said];
}
const firstText = (of: any): string =>
  typeof of === 'string' ? of : firstText(Array.isArray(of) ? of[0] : (of.text ?? of.content ?? of.parts));

describe('a line of its own before each prompt of a tenant', () => {
  const dataDir = temporaryFolder('preamble');
  let up: ScriptedUpstream;
  let gate: GateProcess;
  let config = '';
  const keys: Record<string, string> = {};

  before(async () => {
    up = await startUpstream();
    up.answer((response, { path, body }) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(answerOf(path, JSON.parse(String(body)))));
    });
    const providers = KINDS.map(
      (kind) => `  p-${kind}: { kind: ${kind}, baseUrl: "${up.url}/v1", prefixCache: preamble }`,
    ).join('\n');
    const models = KINDS.map((kind) => `  ${kind}: { deployments: [{ provider: p-${kind}, model: m }] }`).join('\n');
    config = `
providers:
${providers}
  open: { kind: lab, baseUrl: "${up.url}/v1" }
models:
${models}
  own: { deployments: [{ provider: open, model: m, prefixCache: preamble }] }
  other: { deployments: [{ provider: open, model: n, prefixCache: preamble }] }
  plain: { deployments: [{ provider: open, model: m }] }
prices: [{ provider: "*", model: "*", perMillion: { input: "0.1", output: "0.4" } }]
`;
    gate = await startGate({ config, dataDir });
    for (const id of ['acme', 'globex']) {
      await gate.admin('POST', '/tenants', { id });
      keys[id] = (await gate.admin('POST', '/keys', { tenant: id, name: 'one' })).key;
    }
  });
  after(async () => {
    await gate?.stop();
    await up?.close();
  });

  async function call(tenant: string, path: string, body: object): Promise<{ sent: any; answer: any; status: number }> {
    const from = up.seen.length;
    const response = await fetch(`${gate.url}${path}`, {
      method: 'POST',
      headers: {
        ...{ authorization: `Bearer ${keys[tenant]}`, 'x-api-key': keys[tenant]!, 'x-goog-api-key': keys[tenant]! },
        'content-type': 'application/json',
      },
      body: JSON.stringify(body),
    });
    const answer = await response.json();
    const seen = up.seen[from];
    return { sent: seen && JSON.parse(String(seen.body)), answer, status: response.status };
  }
  const lineOf = (text: string): string => FRONT.exec(text)![0];

  for (const [asked, made] of Object.entries(CALLS))
    for (const kind of KINDS)
      test(`${asked} to ${kind}: the line is what is read first, and only there`, async () => {
        const acme = await call('acme', ...made(kind));
        const globex = await call('globex', ...made(kind));
        for (const { status, answer, sent } of [acme, globex]) {
          assert.equal(status, 200, JSON.stringify(answer));
          const [instructions, tool] = firsts(sent);
          assert.match(instructions, FRONT);
          assert.match(tool, FRONT);
          assert.equal(lineOf(instructions), lineOf(tool));
          assert.match(tool, /Looks it up\.$/);
          assert.ok(JSON.stringify(sent).includes('Be brief.'));
          assert.equal(JSON.stringify(answer).includes('is a cache id'), false, JSON.stringify(answer));
        }
        assert.notEqual(lineOf(firsts(acme.sent)[0]), lineOf(firsts(globex.sent)[0]));
      });

  const line = async (tenant: string, model: string): Promise<string> =>
    lineOf(firsts((await call(tenant, ...CALLS['chat']!(model))).sent)[0]);

  test('a deployment may have it alone; each has its own, and it is the same after a restart', async () => {
    const first = await line('acme', 'own');
    assert.notEqual(await line('acme', 'other'), first);
    const plain = await call('acme', ...CALLS['chat']!('plain'));
    assert.equal(JSON.stringify(plain.sent).includes('cache id'), false);
    await gate.stop();
    gate = await startGate({ config, dataDir });
    assert.equal(await line('acme', 'own'), first);
  });

  test('a body without instructions gets them; what has no front is refused by name', async () => {
    const bare = await call('acme', '/v1/responses', { model: 'own', input: 'hi', store: false });
    assert.match(bare.sent.instructions, /^[\w-]{24} is a cache id: ignore it\.$/);
    assert.equal(bare.answer.instructions, null);
    const text = await call('acme', '/v1/completions', { model: 'own', prompt: 'Once' });
    assert.match(text.sent.prompt, /^[\w-]{24} is a cache id: ignore it\.\n\nOnce$/);
    for (const [path, body, field] of [
      ['/v1/completions', { prompt: [1, 2] }, 'prompt'],
      ['/v1/completions', { prompt: 'Once', echo: true }, 'echo'],
    ] as const) {
      const { status, answer, sent } = await call('acme', path, { model: 'own', ...body });
      assert.equal(status, 400);
      assert.equal(answer.error.param, field);
      assert.equal(sent, undefined);
    }
    const vectors = await call('acme', '/v1/embeddings', { model: 'own', input: 'hi' });
    assert.equal(vectors.sent.input, 'hi');
  });

  test('a large body gets it as well, and keeps its own bytes', async () => {
    const content = 'x'.repeat(400_000);
    const { sent, status } = await call('acme', '/v1/chat/completions', {
      model: 'own',
      messages: [{ role: 'user', content }],
    });
    assert.equal(status, 200);
    assert.match(sent.messages[0].content, FRONT);
    assert.equal(sent.messages[1].content, content);
  });

  test('its tokens are in the usage that the caller sees and in the ledger, which says how many bytes it was', async () => {
    const { answer } = await call('acme', ...CALLS['chat']!('own'));
    await gate.until('the entry is in the ledger', async () => {
      const { calls } = await gate.admin('GET', '/calls?tenant=acme&limit=1');
      return calls[0]?.attempts[0].preambleBytes > 0;
    });
    const { calls } = await gate.admin('GET', '/calls?tenant=acme&limit=1');
    assert.equal(calls[0].usage.inputTokens, answer.usage.prompt_tokens);
    assert.ok(calls[0].attempts[0].preambleBytes <= 256, String(calls[0].attempts[0].preambleBytes));
  });
});

/** Answers count a token for four bytes of what came, so that a line is on the bill. */
function answerOf(path: string, body: any): object {
  const input = Math.ceil(JSON.stringify(body).length / 4);
  if (path.endsWith('/embeddings'))
    return {
      ...{ object: 'list', model: 'm', data: [{ object: 'embedding', index: 0, embedding: [0.5] }] },
      usage: { prompt_tokens: input, total_tokens: input },
    };
  if (path.endsWith('/completions') && !path.includes('chat'))
    return {
      ...{ id: 'c', object: 'text_completion', created: 1, model: 'm' },
      choices: [{ index: 0, text: 'x', finish_reason: 'stop', logprobs: null }],
      usage: { prompt_tokens: input, completion_tokens: 1, total_tokens: input + 1 },
    };
  if (path.endsWith('/responses'))
    return {
      ...{ id: 'resp_1', object: 'response', created_at: 1, status: 'completed', model: 'm' },
      instructions: body.instructions ?? null,
      output: [
        {
          ...{ type: 'message', id: 'msg_1', role: 'assistant', status: 'completed' },
          content: [{ type: 'output_text', text: 'x', annotations: [] }],
        },
      ],
      usage: { input_tokens: input, output_tokens: 1, total_tokens: input + 1 },
    };
  if (path.endsWith('/messages'))
    return {
      ...{ id: 'msg_1', type: 'message', role: 'assistant', model: 'm', stop_reason: 'end_turn', stop_sequence: null },
      content: [{ type: 'text', text: 'x' }],
      usage: { input_tokens: input, output_tokens: 1 },
    };
  if (path.includes(':generateContent'))
    return {
      candidates: [{ content: { role: 'model', parts: [{ text: 'x' }] }, finishReason: 'STOP', index: 0 }],
      usageMetadata: { promptTokenCount: input, candidatesTokenCount: 1, totalTokenCount: input + 1 },
      modelVersion: 'm',
    };
  return {
    ...{ id: 'c', object: 'chat.completion', created: 1, model: 'm' },
    choices: [{ index: 0, message: { role: 'assistant', content: 'x' }, finish_reason: 'stop' }],
    usage: { prompt_tokens: input, completion_tokens: 1, total_tokens: input + 1 },
  };
}
