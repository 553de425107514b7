import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { entryOf, inLayersWorld, keyFor, post } from './layers-world.ts';

const CHAT = '/v1/chat/completions';
const MESSAGES = '/v1/messages';
const RESPONSES = '/v1/responses';

describe('templates', () => {
  const world = inLayersWorld();
  const layer = (body: object): Promise<any> => world.gate.admin('POST', '/layers', body);
  const templateOf = (tenant: string, text: string, more: object = {}): Promise<any> =>
    layer({ level: 'tenant', tenant, template: { text, ...more } });

  test('a chat gets the template behind its own instructions, and no other byte changes', async () => {
    const key = await keyFor(world, 'chat');
    await templateOf('chat', 'Say "please".');
    const own =
      '{ "model": "m",  "messages": [{"role":"system","content":"Caller\\u2019s own."} , {"role":"user","content":"hi"}] }';
    const { status, sent, callId } = await post(world, CHAT, own, key);
    assert.equal(status, 200);
    const added = ',{"role":"system","content":"Say \\"please\\"."}';
    assert.equal(sent, own.replace('own."}', `own."}${added}`));
    const entry = await entryOf(world, callId);
    assert.deepEqual(entry.layers, ['tenant:chat@1']);
    assert.match(entry.templateHash, /^[0-9a-f]{16}$/);
    assert.equal(entry.bytesIn, own.length);
  });

  test('a chat without instructions gets them first, in the role that the caller uses', async () => {
    const key = await keyFor(world, 'first');
    await templateOf('first', 'T');
    const bare = await post(world, CHAT, '{"model":"m","messages":[{"role":"user","content":"hi"}]}', key);
    assert.equal(
      bare.sent,
      '{"model":"m","messages":[{"role":"system","content":"T"},{"role":"user","content":"hi"}]}',
    );
    const developer = '{"model":"m","messages":[{"content":"D","role":"developer"},{"role":"user","content":"hi"}]}';
    assert.match(
      (await post(world, CHAT, developer, key)).sent,
      /\{"role":"developer","content":"T"\},\{"role":"user"/,
    );
  });

  test('blocks of an Anthropic caller stay first, byte by byte, unless it is forced', async () => {
    const [key, forced] = [await keyFor(world, 'anthropic'), await keyFor(world, 'forced')];
    await templateOf('anthropic', 'T');
    await templateOf('forced', 'T', { place: 'before' });
    const blocks = '[ {"type":"text","text":"A","cache_control":{"type":"ephemeral"}} ,{"type":"text","text":"B"}]';
    const body = (system: string): string =>
      `{"model":"m","max_tokens":9,"system":${system},"messages":[{"role":"user","content":"hi"}]}`;
    const sentFor = async (system: string, which = key): Promise<string> =>
      (await post(world, MESSAGES, body(system), which)).sent;
    const added = '{"type":"text","text":"T"}';
    assert.equal(await sentFor(blocks), body(`${blocks.slice(0, -1)},${added}]`));
    assert.equal(await sentFor('"A \\u0041"'), body(`[{"type":"text","text":"A \\u0041"},${added}]`));
    assert.equal(await sentFor('[]'), body(`[${added}]`));
    assert.equal(await sentFor(blocks, forced), body(`[${added},${blocks.slice(1)}`));
    const none = await post(world, MESSAGES, body('1').replace('"system":1,', ''), key);
    assert.equal(JSON.parse(none.sent).system[0].text, 'T');
  });

  test('instructions of Responses are one text, which grows at its end', async () => {
    const key = await keyFor(world, 'responses');
    await templateOf('responses', 'T "1"');
    const own = '{"model":"m","instructions":"Be brief.","input":"hi"}';
    assert.equal((await post(world, RESPONSES, own, key)).sent, own.replace('brief.', 'brief.\\n\\nT \\"1\\"'));
    const bare = await post(world, RESPONSES, '{"model":"m","input":"hi"}', key);
    assert.equal(JSON.parse(bare.sent).instructions, 'T "1"');
  });

  test('Gemini’s and Bedrock’s own calls get a part and a block', async () => {
    const key = await keyFor(world, 'vendors');
    await templateOf('vendors', 'T');
    const google = '/v1beta/models/m:generateContent';
    const contents = '"contents":[{"role":"user","parts":[{"text":"hi"}]}]';
    const sentFor = async (system: string): Promise<string> =>
      (await post(world, google, `{${system}${contents}}`, key)).sent;
    assert.equal(
      await sentFor('"system_instruction":{"parts":[{"text":"A"}]},'),
      `{"system_instruction":{"parts":[{"text":"A"},{"text":"T"}]},${contents}}`,
    );
    assert.equal(await sentFor('"systemInstruction":{"parts":{"text":"A"}},').then(partsOf), 'A|T');
    assert.equal(await sentFor('"systemInstruction":{},').then(partsOf), 'T');
    assert.equal(await sentFor('').then(partsOf), 'T');
    const cached = await post(world, google, `{"cachedContent":"cachedContents/x",${contents}}`, key);
    assert.notEqual(cached.status, 200);
    assert.equal(cached.seen, null);
    const converse = await post(
      world,
      '/model/m/converse',
      '{"system":[{"text":"A"},{"cachePoint":{"type":"default"}}],"messages":[{"role":"user","content":[{"text":"hi"}]}]}',
      key,
    );
    assert.match(converse.sent, /"text":"A".*"T"/, converse.sent);
  });
  const partsOf = (sent: string): string => {
    const body = JSON.parse(sent);
    return body.systemInstruction.parts.map(({ text }: { text: string }) => text).join('|');
  };

  test('an endpoint without a place for instructions is refused, and one that has no use for them is not', async () => {
    const key = await keyFor(world, 'places');
    await templateOf('places', 'secret words');
    const old = await post(world, '/v1/completions', { model: 'm', prompt: 'hi' }, key);
    assert.equal(old.status, 400);
    assert.equal(old.seen, null);
    assert.match(old.body.error.message, /no place for the instructions of the tenant layer/);
    assert.ok(!JSON.stringify(old.body).includes('secret'));
    const embedded = await post(world, '/v1/embeddings', { model: 'm', input: 'hi' }, key);
    assert.equal(embedded.status, 200);
    assert.deepEqual(JSON.parse(embedded.sent), { model: 'm', input: 'hi' });
    const batch = await post(world, '/v1/messages/batches', { requests: [] }, key);
    assert.equal(batch.status, 400);
    assert.match(JSON.stringify(batch.body), /Files and batches are not served to this key/);
  });

  test('a count of tokens counts the template, and a chat of the UI has it in its system text', async () => {
    const key = await keyFor(world, 'counted');
    await templateOf('counted', 'T');
    const body = { model: 'm', system: 'A', messages: [{ role: 'user', content: 'hi' }] };
    const counted = await post(world, '/v1/messages/count_tokens', body, key);
    assert.deepEqual(
      JSON.parse(counted.sent).system.map(({ text }: { text: string }) => text),
      ['A', 'T'],
    );
    const ui = {
      model: 'm',
      system: 'A',
      messages: [{ id: '1', role: 'user', parts: [{ type: 'text', text: 'hi' }] }],
    };
    const before = world.upstream.seen.length;
    const response = await fetch(`${world.gate.url}/v1/ui/chat`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
      body: JSON.stringify(ui),
    });
    await response.text();
    // It goes on in the words of another API, with what was added.
    assert.equal(JSON.parse(world.upstream.seen[before]!.body.toString()).system, 'A\n\nT');
  });

  test('a large body is patched off the loop, and what is read of it is what is sent', async () => {
    const key = await keyFor(world, 'large');
    await layer({
      level: 'tenant',
      tenant: 'large',
      template: { text: 'T' },
      aliases: { fast: 'm' },
      tools: ['look_up'],
      parameters: { maxOutputTokens: { max: 100 } },
    });
    const long = 'words and words, '.repeat(40_000);
    const tools = (name: string) => [{ type: 'function', function: { name, description: long, parameters: {} } }];
    // The role behind the content: the end of the content is looked for first.
    const own = {
      model: 'fast',
      messages: [
        { content: long, role: 'system' },
        { role: 'user', content: 'hi' },
      ],
    };
    const answer = await post(world, CHAT, { ...own, tools: tools('look_up'), max_tokens: 4_000 }, key);
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    // The upstream keeps a megabyte of a body.
    assert.match(answer.sent, /^\{"model":"m","messages":\[\{"content":"words/);
    assert.match(answer.sent, /"role":"system"\},\{"role":"system","content":"T"\},\{"role":"user","content":"hi"\}\]/);
    const refused = await post(world, CHAT, { ...own, tools: tools('run') }, key);
    assert.equal(refused.status, 400);
    assert.match(refused.body.error.message, /`run` is not allowed by the tenant layer/);
    const input = [
      { role: 'user', content: long },
      { type: 'tool_search_output', tools: [{ type: 'mcp' }] },
    ];
    const hidden = await post(world, RESPONSES, { model: 'm', input }, key);
    assert.match(JSON.stringify(hidden.body), /`mcp` is not allowed/);
    const { alias, layers, bytesIn } = await entryOf(world, answer.callId);
    const sent = Buffer.byteLength(JSON.stringify({ ...own, tools: tools('look_up'), max_tokens: 4_000 }));
    assert.deepEqual([alias, layers, bytesIn], ['fast', ['tenant:large@1'], sent]);
  });
});
