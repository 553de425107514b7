import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { json, startUpstream, stream, type ScriptedUpstream } from '../clients-rules/scripted-upstream.ts';
import { startGate, type GateProcess } from '../harness/gate-process.ts';

/** The largest count that JSON carries exactly. */
const LIE = Number.MAX_SAFE_INTEGER;

const said = (usage: object, rest: object): string => JSON.stringify({ id: 'x', model: 'up', ...rest, usage });
const chat = (usage: object): string =>
  said(usage, {
    object: 'chat.completion',
    created: 1,
    choices: [{ index: 0, message: { role: 'assistant', content: 'hello' }, finish_reason: 'stop' }],
  });

const asked = { messages: [{ role: 'user', content: 'hi' }] };
interface Lie {
  readonly path: string;
  readonly body: object;
  readonly answer: string;
}
const LIES: Readonly<Record<string, Lie>> = {
  chat: {
    path: '/v1/chat/completions',
    body: { model: 'm', ...asked },
    answer: chat({ prompt_tokens: LIE, completion_tokens: LIE, prompt_tokens_details: { cached_tokens: LIE } }),
  },
  messages: {
    path: '/v1/messages',
    body: { model: 'm', max_tokens: 10, ...asked },
    answer: said(
      { input_tokens: LIE, cache_read_input_tokens: LIE, cache_creation_input_tokens: LIE, output_tokens: LIE },
      { type: 'message', role: 'assistant', content: [{ type: 'text', text: 'hello' }], stop_reason: 'end_turn' },
    ),
  },
  responses: {
    path: '/v1/responses',
    body: { model: 'm', input: 'hi' },
    answer: said(
      { input_tokens: LIE, output_tokens: LIE },
      { object: 'response', created_at: 1, status: 'completed', output: [] },
    ),
  },
  embeddings: {
    path: '/v1/embeddings',
    body: { model: 'm', input: 'hi' },
    answer: said(
      { prompt_tokens: LIE, total_tokens: LIE },
      { object: 'list', data: [{ object: 'embedding', index: 0, embedding: [1, 2] }] },
    ),
  },
};

const configOf = (url: string): string => `
providers: { all: { kind: lab, baseUrl: "${url}/v1" } }
models: { m: { deployments: [{ provider: all, model: up }] } }
prices: [{ provider: "*", model: "*", perMillion: { input: "1", output: "2", cachedRead: "0.1", cacheWrite: "1.25" } }]
`;

describe('a provider that states counts which no answer can have', () => {
  const world = {} as { up: ScriptedUpstream; gate: GateProcess };
  before(async () => {
    world.up = await startUpstream();
    world.gate = await startGate({ config: configOf(world.up.url) });
  });
  after(async () => {
    await world.gate?.stop();
    await world.up?.close();
  });

  /** The entry of a call, once the ledger has it. */
  async function entryOf({ path, body }: Omit<Lie, 'answer'>): Promise<any> {
    const { gate } = world;
    const response = await fetch(gate.url + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${gate.key}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    assert.equal(response.status, 200, await response.text());
    const id = response.headers.get('x-headgate-call-id')!;
    let entry: any = null;
    await gate.until(`the ledger has ${id}`, async () => {
      entry = await gate.admin('GET', `/calls/${id}`).catch(() => null);
      return entry !== null;
    });
    return entry.entry ?? entry;
  }

  for (const [name, lie] of Object.entries(LIES))
    test(`${name}: is estimated, again and again, and the ledger goes on`, async () => {
      for (let i = 0; i < 3; i++) {
        world.up.answer(json(lie.answer));
        const entry = await entryOf(lie);
        assert.equal(entry.usageSource, 'estimated');
        assert.ok(entry.usage.inputTokens < 1_000, JSON.stringify(entry.usage));
      }
      world.up.answer(json(chat({ prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 })));
      const honest = await entryOf(LIES['chat']!);
      assert.deepEqual([honest.usageSource, honest.usage.inputTokens], ['provider', 5]);
    });

  test('in a stream as well', async () => {
    const chunk = (more: object): string =>
      `data: ${JSON.stringify({ id: 'x', object: 'chat.completion.chunk', created: 1, model: 'up', ...more })}\n\n`;
    world.up.answer(
      stream([
        chunk({ choices: [{ index: 0, delta: { content: 'hello' }, finish_reason: 'stop' }] }),
        chunk({ choices: [], usage: { prompt_tokens: LIE, completion_tokens: LIE } }),
        'data: [DONE]\n\n',
      ]),
    );
    const entry = await entryOf({ path: '/v1/chat/completions', body: { model: 'm', stream: true, ...asked } });
    assert.equal(entry.usageSource, 'estimated');
    assert.ok(entry.usage.outputTokens < 1_000, JSON.stringify(entry.usage));
  });

  test('and a caller who may have 2^53 tokens: what a gate that dies leaves of such calls stops no ledger', async () => {
    world.up.answer(() => new Promise(() => undefined));
    const { gate } = world;
    for (let i = 0; i < 4; i++)
      void fetch(`${gate.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${gate.key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'm', max_completion_tokens: LIE, n: 8, ...asked }),
      }).catch(() => undefined);
    const before = world.up.seen.length;
    await gate.until('the provider has them', () => world.up.seen.length >= before + 4);
    await gate.kill();
    const { key } = gate;
    world.gate = { ...(await startGate({ config: configOf(world.up.url), dataDir: gate.dataDir })), key };
    world.up.answer(json(chat({ prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 })));
    assert.equal((await entryOf(LIES['chat']!)).usage.inputTokens, 5);
    const { calls } = await world.gate.admin('GET', '/calls?outcome=interrupted');
    assert.equal(calls.length, 4, 'the calls of the dead gate have their entries');
  });
});
