import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ACME_KEY, entryOf, inLayersWorld, keyFor, OPERATOR_KEY, post } from './layers-world.ts';

const CHAT = '/v1/chat/completions';
const HI = [{ role: 'user', content: 'hi' }];
const GOOGLE = '/v1beta/models/fast:generateContent';

describe('rules of layers', () => {
  const world = inLayersWorld();
  const layer = (body: object): Promise<any> => world.gate.admin('POST', '/layers', body);
  const tool = (name: string): object => ({ type: 'function', function: { name, parameters: {} } });

  test('an alias is the model that it means, and the entry keeps both names', async () => {
    const key = await keyFor(world, 'aliases', { models: ['m', 'fast', 'hidden'] });
    await layer({ level: 'tenant', tenant: 'aliases', aliases: { fast: 'm', loop: 'fast', hidden: 'big' } });
    const { status, sent, callId } = await post(world, CHAT, { model: 'fast', messages: HI }, key);
    assert.equal(status, 200);
    assert.equal(JSON.parse(sent).model, 'm');
    const entry = await entryOf(world, callId);
    assert.deepEqual([entry.alias, entry.modelAsked, entry.deployment], ['fast', 'm', 'lab/m']);
    const path = await post(world, GOOGLE, { contents: [{ role: 'user', parts: [{ text: 'hi' }] }] }, key);
    assert.match(path.seen!.path, /models\/m:generateContent/);
    // An alias of an alias means nothing, and no alias opens a model that the key may not call.
    for (const model of ['loop', 'hidden'])
      assert.equal((await post(world, CHAT, { model, messages: HI }, key)).status, 404, model);
    assert.equal((await post(world, '/v1/embeddings', { model: 'fast', input: 'x' }, key)).status, 200);
    const listing = await fetch(`${world.gate.url}/v1/models`, { headers: { authorization: `Bearer ${key}` } });
    const { data } = (await listing.json()) as { data: readonly { id: string }[] };
    assert.deepEqual(data.map(({ id }) => id).toSorted(), ['fast', 'm']);
  });

  test('a tool must be allowed by every layer, in each API, and the refusal names level and tool alone', async () => {
    const key = await keyFor(world, 'tools');
    await layer({ level: 'tenant', tenant: 'tools', tools: ['look_*', 'web_search'] });
    const chat = (names: readonly string[]): Promise<any> =>
      post(world, CHAT, { model: 'm', messages: HI, tools: names.map(tool) }, key);
    assert.equal((await chat(['look_up'])).status, 200);
    const refused = await chat(['look_up', 'run_code']);
    assert.equal(refused.status, 400);
    assert.equal(refused.seen, null);
    assert.match(refused.body.error.message, /The tool `run_code` is not allowed by the tenant layer/);
    assert.ok(!refused.body.error.message.includes('look_'));
    const others: readonly (readonly [string, object])[] = [
      [CHAT, { model: 'm', messages: HI, functions: [{ name: 'run_code', parameters: {} }] }],
      [
        '/v1/responses',
        { model: 'm', input: 'hi', tools: [{ type: 'mcp', server_label: 's', server_url: 'https://x' }] },
      ],
      ['/v1/responses', { model: 'm', input: 'hi', tools: [{ type: 'function', name: 'run_code', parameters: {} }] }],
      [
        '/v1/messages',
        { model: 'm', max_tokens: 9, messages: HI, tools: [{ name: 'run_code', input_schema: { type: 'object' } }] },
      ],
      [
        '/v1beta/models/m:generateContent',
        {
          contents: [{ role: 'user', parts: [{ text: 'hi' }] }],
          tools: [{ function_declarations: [{ name: 'run_code' }] }],
        },
      ],
      [
        '/model/m/converse',
        {
          messages: [{ role: 'user', content: [{ text: 'hi' }] }],
          toolConfig: { tools: [{ toolSpec: { name: 'run_code', inputSchema: { json: {} } } }] },
        },
      ],
    ];
    for (const [path, body] of others) {
      const answer = await post(world, path, body, key);
      assert.equal(answer.status, 400, path + JSON.stringify(answer.body));
      assert.equal(answer.seen, null, path);
      assert.match(JSON.stringify(answer.body), /is not allowed by the tenant layer/, path);
    }
  });

  test('parameters: a default, a forced value and a cap, and the money is reserved for what is sent', async () => {
    const key = await keyFor(world, 'parameters');
    await layer({
      level: 'tenant',
      tenant: 'parameters',
      parameters: { temperature: { force: 0.25 }, topP: { default: 0.5 }, maxOutputTokens: { max: 100 } },
    });
    const sentFor = async (path: string, body: object): Promise<any> => {
      const answer = await post(world, path, body, key);
      assert.equal(answer.status, 200, JSON.stringify(answer.body));
      return JSON.parse(answer.sent);
    };
    const bare = await sentFor(CHAT, { model: 'm', messages: HI });
    assert.deepEqual([bare.temperature, bare.top_p, bare.max_completion_tokens ?? bare.max_tokens], [0.25, 0.5, 100]);
    const asked = { model: 'm', messages: HI, temperature: 2, top_p: 0.9, max_tokens: 4_000 };
    const chat = await sentFor(CHAT, asked);
    assert.deepEqual([chat.temperature, chat.top_p, chat.max_tokens], [0.25, 0.9, 100]);
    assert.equal((await sentFor(CHAT, { ...asked, max_tokens: 7 })).max_tokens, 7);
    const messages = await sentFor('/v1/messages', { model: 'm', max_tokens: 500, messages: HI });
    assert.deepEqual([messages.temperature, messages.max_tokens], [0.25, 100]);
    const responses = await sentFor('/v1/responses', { model: 'm', input: 'hi' });
    assert.deepEqual([responses.temperature, responses.max_output_tokens], [0.25, 100]);
    const google = await sentFor('/v1beta/models/m:generateContent', {
      contents: [{ role: 'user', parts: [{ text: 'hi' }] }],
      generation_config: { max_output_tokens: '900', topK: 3 },
    });
    assert.deepEqual(google.generation_config, { max_output_tokens: 100, topK: 3, temperature: 0.25, topP: 0.5 });
    const converse = await post(
      world,
      '/model/m/converse',
      { messages: [{ role: 'user', content: [{ text: 'hi' }] }], inferenceConfig: { maxTokens: 900 } },
      key,
    );
    assert.equal(converse.status, 200, JSON.stringify(converse.body));
    assert.match(converse.sent, /100/);
    assert.ok(!converse.sent.includes('900'));
    const embedded = await sentFor('/v1/embeddings', { model: 'm', input: 'hi' });
    assert.deepEqual(embedded, { model: 'm', input: 'hi' });
    // A budget that could not pay for 4,000 tokens pays for 100.
    await world.gate.admin('POST', '/budgets', {
      ...{ level: 'tenant', tenant: 'parameters', limitUsd: '2', mode: 'strict', window: 'total' },
    });
    assert.equal((await post(world, CHAT, asked, key)).status, 200);
  });

  test('the template is counted where money is held', async () => {
    const [plain, long] = [await keyFor(world, 'plain'), await keyFor(world, 'long')];
    await layer({ level: 'tenant', tenant: 'long', template: { text: 'word '.repeat(4_000) } });
    const costOf = async (key: string): Promise<number> => {
      const { callId } = await post(world, CHAT, { model: 'm', messages: HI, max_tokens: 5 }, key);
      return Number((await entryOf(world, callId)).reservedUsd);
    };
    for (const tenant of ['plain', 'long'])
      await world.gate.admin('POST', '/budgets', { level: 'tenant', tenant, limitUsd: '1000', mode: 'strict' });
    // 20,000 bytes more, at 1,000 dollars a million tokens.
    assert.ok((await costOf(long)) - (await costOf(plain)) > 4);
  });

  test('data stays in the regions that every layer allows; a fallback and an unmarked deployment are in none', async () => {
    const key = await keyFor(world, 'regions', { rights: { features: ['support'] } });
    await layer({ level: 'tenant', tenant: 'regions', regions: ['eu', 'ch'] });
    await layer({ level: 'feature', tenant: 'regions', id: 'support', regions: ['eu', 'us'] });
    const served = async (model: string, headers: Record<string, string> = {}): Promise<string | number> => {
      const answer = await post(world, CHAT, { model, messages: HI }, key, headers);
      return answer.status === 200 ? (await entryOf(world, answer.callId)).provider : answer.status;
    };
    assert.equal(await served('both'), 'europe');
    assert.equal(await served('mixed'), 'lab');
    assert.equal(await served('m'), 400);
    const chained = { 'x-headgate-feature': 'support' };
    assert.equal(await served('m', chained), 'europe');
    await world.gate.admin('PATCH', '/layers/feature%3Aregions%2Bsupport', { regions: ['us'] });
    assert.equal(await served('both', chained), 400);
  });

  test('keys of a tenant’s own: an account and a bill of their own, and never printed', async () => {
    const key = await keyFor(world, 'byok');
    const mine = await post(world, CHAT, { model: 'm', messages: HI }, key);
    assert.equal(mine.seen!.headers.authorization, `Bearer ${ACME_KEY}`);
    const entry = await entryOf(world, mine.callId);
    assert.deepEqual([entry.provider, entry.deployment], ['lab@acme-keys', 'lab@acme-keys/m']);
    const other = await post(world, CHAT, { model: 'm', messages: HI }, await keyFor(world, 'other'));
    assert.equal(other.seen!.headers.authorization, `Bearer ${OPERATOR_KEY}`);
    // An id that is kept at the operator's account is none at the tenant's own, and the other way round.
    const kept = await post(world, '/v1/responses', { model: 'm', input: 'hi', previous_response_id: 'resp_x' }, key);
    assert.equal(kept.status, 404);
    const shown = JSON.stringify([
      await world.gate.admin('GET', '/layers'),
      await world.gate.admin('GET', '/tenants/byok/explain'),
      await world.gate.admin('GET', '/audit?limit=100'),
      await world.gate.admin('GET', '/configuration'),
    ]);
    assert.ok(!shown.includes(ACME_KEY));
    assert.ok(!world.gate.stderr().includes(ACME_KEY));
    await assert.rejects(
      layer({ level: 'tenant', tenant: 'other', ownKeys: { lab: '${env:OPERATOR_KEY}' } }),
      /There is no field/,
    );
    // What drains the provider drains it for whoever brings a key.
    await world.gate.admin('POST', '/drains', { target: 'lab', for: '1m', reason: 'a test' });
    assert.equal((await post(world, CHAT, { model: 'm', messages: HI }, key)).status, 503);
    const { drains } = await world.gate.admin('GET', '/drains');
    await world.gate.admin('DELETE', `/drains/${drains[0].id}`);
  });
});
