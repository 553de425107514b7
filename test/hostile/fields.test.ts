import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { rawExchange, requestBytes } from './raw-http.ts';
import { accepted, inWorld, makeKey, refused, VALID } from './world.ts';

const WRONG = {
  text: [5, true, [], {}],
  flag: ['true', 1, [], {}],
  count: ['5', true, [], {}, 1.5, -1, 1e300],
  object: ['x', 5, true, []],
  list: ['x', 5, true, {}],
  /** Google takes one value for a list of one. */
  some: ['x', 5, true],
  size: ['x', true, [], {}, 1.5, -1, 0],
} as const;

/** The fields that policy reads, per endpoint. */
const FIELDS: Readonly<Record<string, Readonly<Record<string, keyof typeof WRONG>>>> = {
  '/v1/chat/completions': {
    model: 'text',
    messages: 'list',
    stream: 'flag',
    stream_options: 'object',
    n: 'count',
    max_tokens: 'count',
    max_completion_tokens: 'count',
    service_tier: 'text',
    store: 'flag',
    background: 'flag',
    cache_salt: 'text',
    tools: 'list',
    user: 'text',
    safety_identifier: 'text',
    prompt_cache_key: 'text',
    metadata: 'object',
  },
  '/v1/responses': {
    model: 'text',
    stream: 'flag',
    max_output_tokens: 'count',
    service_tier: 'text',
    store: 'flag',
    background: 'flag',
    previous_response_id: 'text',
    tools: 'list',
    user: 'text',
    safety_identifier: 'text',
    prompt_cache_key: 'text',
    metadata: 'object',
    prompt: 'object',
  },
  '/v1/embeddings': {
    model: 'text',
    dimensions: 'count',
    encoding_format: 'text',
    user: 'text',
    service_tier: 'text',
    metadata: 'object',
    stream: 'flag',
  },
  '/v1/messages': {
    model: 'text',
    messages: 'list',
    max_tokens: 'count',
    stream: 'flag',
    service_tier: 'text',
    tools: 'list',
    metadata: 'object',
    mcp_servers: 'list',
    thread: 'object',
  },
  '/v1/messages/count_tokens': { model: 'text', messages: 'list', tools: 'list' },
  '/v1beta/models/m:generateContent': {
    model: 'text',
    contents: 'object',
    systemInstruction: 'object',
    generationConfig: 'object',
    tools: 'some',
    cachedContent: 'text',
    serviceTier: 'text',
    store: 'flag',
  },
  '/v1beta/models/m:countTokens': { model: 'text', contents: 'object', tools: 'some' },
  '/v1beta/models/embed:embedContent': {
    model: 'text',
    content: 'object',
    taskType: 'text',
    outputDimensionality: 'size',
  },
};

function neededOf(path: string): readonly string[] {
  if (path === '/v1/responses') return ['model'];
  // The path names Google's model.
  return Object.keys(VALID[path]!).filter((field) => field !== 'model' || !path.startsWith('/v1beta'));
}

const GENERATE = '/v1beta/models/m:generateContent';

describe('policy fields of a wrong type', () => {
  const world = inWorld();

  for (const [path, fields] of Object.entries(FIELDS)) {
    for (const [field, kind] of Object.entries(fields)) {
      test(`${path}: ${field}`, async () => {
        for (const value of WRONG[kind]) {
          const body = JSON.stringify({ ...VALID[path], [field]: value });
          await refused(world, body, { status: 400, field }, { path });
        }
      });
    }
    test(`${path}: a field that must be there is absent`, async () => {
      for (const field of neededOf(path)) {
        const body = JSON.stringify({ ...VALID[path], [field]: undefined });
        await refused(world, body, { status: 400, field }, { path });
      }
    });
  }

  test('messages of odd shapes name their place', async () => {
    const odd: [unknown, string][] = [
      [[null], 'messages[0]'],
      [[[]], 'messages[0]'],
      [[{ role: 5, content: 'x' }], 'messages[0].role'],
      [[{ role: 'user', content: 5 }], 'messages[0].content'],
      [[{ role: 'user', content: [5] }], 'messages[0].content[0]'],
    ];
    for (const [messages, field] of odd) {
      for (const path of ['/v1/chat/completions', '/v1/messages', '/v1/messages/count_tokens']) {
        await refused(world, JSON.stringify({ ...VALID[path], messages }), { status: 400, field }, { path });
      }
    }
  });

  test('an embedding of nothing, of mixed kinds, of negative tokens', async () => {
    const odd: [unknown, string][] = [
      ['', 'input'],
      [[], 'input'],
      [[''], 'input[0]'],
      [['a', 1], 'input[1]'],
      [[1, 'a'], 'input[1]'],
      [[[1], [-1]], 'input[1]'],
      [{}, 'input'],
      [7, 'input'],
    ];
    for (const [input, field] of odd)
      await refused(
        world,
        JSON.stringify({ model: 'embed', input }),
        { status: 400, field },
        { path: '/v1/embeddings' },
      );
  });
});

describe('policy fields that are refused for what they ask', () => {
  const world = inWorld();

  test('cache_salt of a caller, in each dialect', async () => {
    for (const path of ['/v1/chat/completions', '/v1/responses', '/v1/messages', '/v1/embeddings', GENERATE]) {
      const body = JSON.stringify({ ...VALID[path], cache_salt: 's' });
      await refused(world, body, { status: 400, code: 'policy_refused', field: 'cache_salt' }, { path });
    }
  });

  test('background, and n beyond eight', async () => {
    const responses = { ...VALID['/v1/responses'], background: true };
    const unkept = JSON.stringify({ ...responses, store: false });
    await refused(world, unkept, { status: 400, field: 'store' }, { path: '/v1/responses' });
    await accepted(world, JSON.stringify(responses), { path: '/v1/responses' });
    const chat = VALID['/v1/chat/completions'];
    await refused(world, JSON.stringify({ ...chat, background: true }), { status: 400, field: 'background' });
    await refused(world, JSON.stringify({ ...chat, n: 9 }), { status: 400, field: 'n', says: /at most 8/ });
    await refused(world, JSON.stringify({ ...chat, n: 1000 }), { status: 400, field: 'n' });
    await accepted(world, JSON.stringify({ ...chat, n: 8 }));
  });

  test('an id that the provider keeps for another tenant reads as an unknown one', async () => {
    const path = '/v1/responses';
    const made = await accepted(world, JSON.stringify({ ...VALID[path], store: true }), { path });
    const { id } = JSON.parse(made.body.toString()) as { id: string };
    const mine = JSON.stringify({ ...VALID[path], previous_response_id: id });
    await accepted(world, mine, { path });
    const stranger = await makeKey(world, 'stranger');
    const wanted = { status: 404, code: 'not_found', field: 'previous_response_id' };
    const theirs = await refused(world, mine, wanted, { path, key: stranger });
    const unknown = await refused(world, mine.replace(id, `${id.slice(0, -4)}zzzz`), wanted, { path, key: stranger });
    const words = (body: Buffer): string => JSON.parse(body.toString()).error.message.replace(/`[^`]*`/, '`…`');
    assert.equal(words(theirs.body), words(unknown.body));
    assert.deepEqual(Object.keys(theirs.headers).sort(), Object.keys(unknown.headers).sort());
  });

  test('an unknown model gets the nearest names that this key may call, and no others', async () => {
    const body = (model: string): string => JSON.stringify({ ...VALID['/v1/chat/completions'], model });
    await refused(world, body('ech'), { status: 404, code: 'model_not_found', field: 'model', says: /`echo`/ });
    const path = '/v1/messages';
    const anthropic = JSON.stringify({ ...VALID[path], model: 'ech' });
    await refused(world, anthropic, { status: 404, field: 'model', says: /`echo`/ }, { path });
    const limited = await makeKey(world, 'limited', { models: ['embed'] });
    for (const model of ['ech', 'echo']) {
      const answer = await refused(world, body(model), { status: 404, field: 'model' }, { key: limited });
      assert.doesNotMatch(answer.body.toString(), /did you mean/i);
      assert.doesNotMatch(answer.body.toString().replaceAll(`\`${model}\``, ''), /echo/);
    }
    await refused(world, body('embeds'), { status: 404, says: /`embed`/ }, { key: limited });
  });

  test('names of the prototype are names like any other', async () => {
    for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty', 'valueOf']) {
      const { key } = world.gate;
      const send = (path: string, body: object, headers: Record<string, string> = {}) =>
        rawExchange(world.gate.url, [requestBytes(JSON.stringify(body), { path, key, headers })]);
      const message = { role: 'user', content: [{ type: name, [name]: 'x' }] };
      const tool = { type: name, name, function: { name } };
      const bodies: [string, object][] = [
        ['/v1/chat/completions', { model: name, messages: [{ role: 'user', content: 'hi' }] }],
        ...['m', 'cross'].flatMap((model): [string, object][] => [
          ['/v1/chat/completions', { model, messages: [message], tools: [tool], tool_choice: name }],
          ['/v1/chat/completions', { model, messages: [{ role: name, content: 'x' }], reasoning_effort: name }],
          ['/v1/chat/completions', { model, messages: [{ role: 'user', content: 'x' }], [`x${name}`]: { [name]: 1 } }],
          ['/v1/responses', { model, input: [{ type: name, id: name }], tools: [tool], include: [name] }],
          ['/v1/messages', { model, max_tokens: 5, messages: [message], tools: [tool], tool_choice: { type: name } }],
        ]),
        ['/v1/messages', { model: 'm', max_tokens: 5, system: [{ type: name }], messages: [message] }],
        ['/v1/embeddings', { model: 'embed', input: 'x', encoding_format: name }],
        ...['m', 'cross', name].map((model): [string, object] => [
          `/v1beta/models/${model}:generateContent`,
          {
            contents: [{ role: name, parts: [{ [name]: {}, text: 'x' }] }],
            tools: [{ [name]: {} }, { functionDeclarations: [{ name, parameters: { [name]: name } }] }],
            generationConfig: { [name]: 1, responseMimeType: name, thinkingConfig: { thinkingLevel: name } },
          },
        ]),
      ];
      for (const [path, body] of bodies) {
        const answer = await send(path, body);
        const text = answer.body.toString();
        assert.ok([200, 400, 404].includes(answer.status), `${name} ${path} ${JSON.stringify(body)}: ${text}`);
      }
      const chat = { ...VALID['/v1/chat/completions'] };
      for (const header of ['feature', 'session', 'agent', 'purpose', 'labels']) {
        const value = header === 'labels' ? `${name}=x` : name;
        const answer = await send('/v1/chat/completions', chat, { [`x-headgate-${header}`]: value });
        assert.ok([200, 400].includes(answer.status), `${header}: ${name}: ${answer.status}`);
      }
    }
    assert.equal(world.gate.child.exitCode, null);
  });

  test('200 KB of one letter, as text, as a model, as a key and as a header', async () => {
    const letters = 'a'.repeat(200_000);
    await accepted(world, JSON.stringify({ model: 'm', messages: [{ role: 'user', content: letters }] }));
    const chat = VALID['/v1/chat/completions'];
    const answer = await refused(world, JSON.stringify({ ...chat, model: letters }), { status: 400, field: 'model' });
    assert.ok(answer.body.length < 2_000);
    const messages = JSON.stringify({ ...VALID['/v1/messages'], model: letters });
    const other = await rawExchange(world.gate.url, [
      requestBytes(messages, { key: world.gate.key, path: '/v1/messages' }),
    ]);
    assert.ok(other.status === 400 || other.status === 404, String(other.status));
    assert.ok(other.body.length < 2_000);
    await accepted(world, JSON.stringify({ ...chat, [letters]: 1 }));
    await refused(world, letters, { status: 400, code: 'invalid_json' });
    const header = await rawExchange(world.gate.url, [
      requestBytes(JSON.stringify(chat), { key: world.gate.key, headers: { 'x-long': letters } }),
    ]);
    assert.equal(header.status, 431);
  });
});
