import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { answerFor, ask, chat, entryOf, inCacheWorld, keyFor, numbered, type Asking } from './cache-world.ts';

const CHAT = '/v1/chat/completions';

describe('an exact request', () => {
  const world = inCacheWorld();

  test('gets the bytes of the earlier answer, free, and its entry says what was saved', async () => {
    const key = await keyFor(world, 'acme');
    const first = await ask(world, key, chat('one'));
    assert.deepEqual([first.status, first.cache, first.asked], [200, 'miss', 1]);
    const again = await ask(world, key, chat('one'));
    assert.deepEqual([again.status, again.cache, again.asked], [200, 'hit', 0]);
    assert.equal(again.text, first.text);
    assert.notEqual(again.callId, first.callId);
    assert.match(again.headers.get('age') ?? '', /^\d$/);
    const [paid, free] = [await entryOf(world, first.callId), await entryOf(world, again.callId)];
    assert.equal(paid.cost.total, '0.025');
    assert.equal(paid.cacheHit, null);
    assert.equal(free.cost.total, '0');
    assert.equal(free.usage.inputTokens, null);
    assert.equal(free.savedCostUsd, '0.025');
    assert.deepEqual(
      [free.cacheHit.call, free.cacheHit.cost.input, free.cacheHit.cost.output, free.cacheHit.cost.total],
      [first.callId, '0.011', '0.014', '0.025'],
    );
    assert.equal(free.cacheHit.priceVersion, paid.priceVersion);
    assert.deepEqual([free.cacheHit.usage.inputTokens, free.cacheHit.usage.outputTokens], [11, 7]);
    assert.deepEqual([free.attempts, free.provider, free.finish], [[], null, 'stop']);
  });

  const bodies: readonly (readonly [name: string, path: string, body: object])[] = [
    ['chat', CHAT, chat('d')],
    ['chat, translated', CHAT, chat('d', { model: 'messages-only' })],
    ['messages', '/v1/messages', chat('d', { max_tokens: 9 })],
    ['messages, translated', '/v1/messages', chat('d', { model: 'chat', max_tokens: 9 })],
    ['responses', '/v1/responses', { model: 'm', input: 'd', store: false }],
    ['google', '/v1beta/models/m:generateContent', { contents: [{ role: 'user', parts: [{ text: 'd' }] }] }],
    ['converse', '/model/m/converse', { messages: [{ role: 'user', content: [{ text: 'd' }] }] }],
    ['embeddings', '/v1/embeddings', { model: 'm', input: ['d', 'e'] }],
  ];
  for (const [name, path, body] of bodies)
    test(`in one piece: ${name}`, async () => {
      const key = await keyFor(world, 'dialects');
      const first = await ask(world, key, body, { path });
      assert.deepEqual([first.status, first.cache], [200, 'miss'], first.text);
      const again = await ask(world, key, body, { path });
      assert.deepEqual([again.cache, again.asked], ['hit', 0], again.text);
      assert.equal(again.text, first.text);
    });

  const streams: readonly (readonly [name: string, path: string, body: object])[] = [
    ['chat', CHAT, chat('s', { stream: true })],
    ['chat with usage', CHAT, chat('s', { stream: true, stream_options: { include_usage: true } })],
    ['chat, translated', CHAT, chat('s', { model: 'messages-only', stream: true })],
    ['messages', '/v1/messages', chat('s', { max_tokens: 9, stream: true })],
    ['responses', '/v1/responses', { model: 'm', input: 's', store: false, stream: true }],
    [
      'google',
      '/v1beta/models/m:streamGenerateContent?alt=sse',
      { contents: [{ role: 'user', parts: [{ text: 's' }] }] },
    ],
    ['converse, in frames', '/model/m/converse-stream', { messages: [{ role: 'user', content: [{ text: 's' }] }] }],
  ];
  for (const [name, path, body] of streams)
    test(`as a stream: ${name}`, async () => {
      const key = await keyFor(world, 'dialects');
      const first = await ask(world, key, body, { path });
      assert.deepEqual([first.status, first.cache], [200, 'miss'], first.text);
      const again = await ask(world, key, body, { path });
      assert.deepEqual([again.cache, again.asked], ['hit', 0], again.text);
      assert.equal(again.text, first.text);
      assert.equal(again.headers.get('content-type'), first.headers.get('content-type'));
      assert.match(again.text, /answer \d/);
      const entry = await entryOf(world, again.callId);
      assert.deepEqual([entry.stream, entry.status, entry.cost.total], [true, 'ok', '0']);
    });

  test('a stream and an answer in one piece are kept apart', async () => {
    const key = await keyFor(world, 'acme');
    await ask(world, key, chat('apart'));
    assert.equal((await ask(world, key, chat('apart', { stream: true }))).cache, 'miss');
  });

  test('a stream with a log is read again from its middle, also where it came from the cache', async () => {
    const key = await keyFor(world, 'acme');
    const body = chat('logged', { stream: true });
    const headers = { 'x-headgate-resume': 'true' };
    const plain = await ask(world, key, body);
    const hit = await ask(world, key, body, { headers });
    assert.deepEqual([hit.cache, hit.asked], ['hit', 0]);
    const ids = [...hit.text.matchAll(/^id: (\S+)$/gm)].map(([, id]) => id!);
    assert.equal(ids.length, plain.text.split('\n\n').length - 1);
    const events = hit.text.replace(/^id: \S+\n/gm, '').replace(/^: .*\n\n/gm, '');
    assert.equal(events, plain.text);
    const rest = await fetch(`${world.gate.url}/v1/streams/${hit.callId}`, {
      headers: { authorization: `Bearer ${key}`, 'last-event-id': ids[1]! },
    });
    assert.deepEqual(
      [...(await rest.text()).matchAll(/^id: (\S+)$/gm)].map(([, id]) => id),
      ids.slice(2),
    );
  });

  test('a call with an idempotency key is answered from the cache, and its repetition is a replay of that', async () => {
    const key = await keyFor(world, 'acme');
    const first = await ask(world, key, chat('once'));
    const headers = { 'idempotency-key': 'k-1' };
    const hit = await ask(world, key, chat('once'), { headers });
    const replayed = await ask(world, key, chat('once'), { headers });
    assert.deepEqual([hit.cache, hit.text], ['hit', first.text]);
    assert.deepEqual([replayed.headers.get('idempotent-replayed'), replayed.text], ['true', first.text]);
    assert.equal((await entryOf(world, replayed.headers.get('x-headgate-replay')!)).savedCostUsd, null);
  });

  test('a tenant that is shown what calls cost sees that this one cost nothing', async () => {
    await world.gate.admin('POST', '/tenants', { id: 'shown', costExpose: 'cost' });
    const key = await keyFor(world, 'shown');
    for (const more of [{}, { stream: true, stream_options: { include_usage: true } }]) {
      const first = await ask(world, key, chat('cost', more));
      const again = await ask(world, key, chat('cost', more));
      assert.equal(again.cache, 'hit');
      assert.match(first.text, /"cost":0\.025/);
      assert.equal(again.text, first.text.replaceAll('"cost":0.025', '"cost":0'));
    }
  });
});

describe('what is kept', () => {
  const world = inCacheWorld();
  /** Asks twice, and says whether the second one was asked of the provider. */
  const twice = async (key: string, body: object, asking: Asking = {}) => {
    const first = await ask(world, key, body, asking);
    const second = await ask(world, key, body, asking);
    return { first, second, cache: [first.cache, second.cache] as const, asked: second.asked };
  };

  test('only in features that say so', async () => {
    const key = await keyFor(world, 'acme');
    for (const feature of ['plain', null])
      assert.deepEqual((await twice(key, chat('off'), { feature })).cache, [null, null]);
    assert.deepEqual((await twice(key, chat('off'), { feature: 'support' })).cache, ['miss', 'hit']);
  });

  test('the order of members and who the end user is change nothing; whatever else differs does', async () => {
    const key = await keyFor(world, 'acme');
    const text = (order: string): string => `{${order}}`;
    const messages = '"messages":[{"role":"user","content":"order"}]';
    await ask(world, key, text(`"model":"m",${messages},"temperature":0.5`));
    for (const same of [
      text(`"temperature":0.5, ${messages},  "model":"m"`),
      text(`"model":"m",${messages},"temperature":0.5,"stream":false`),
      text(`"model":"m",${messages},"temperature":0.5,"user":"u1","metadata":{"a":"b"},"prompt_cache_key":"k"`),
    ])
      assert.equal((await ask(world, key, same)).cache, 'hit', same);
    for (const other of [
      text(`"model":"m",${messages},"temperature":0.50`),
      text(`"model":"m",${messages},"temperature":0.5,"seed":1`),
      text(`"model":"other",${messages},"temperature":0.5`),
      text(`"model":"m","messages":[{"content":"order","role":"user"}],"temperature":0.5`),
      text(`"model":"m","messages":[{"role":"user","content":"order "}],"temperature":0.5`),
    ])
      assert.equal((await ask(world, key, other)).cache, 'miss', other);
  });

  test('a large body counts to its last byte, and a body of more members than any API has is not looked up', async () => {
    const key = await keyFor(world, 'acme');
    const embeddings = { path: '/v1/embeddings' };
    const body = (last: string): object => ({ model: 'm', input: [`${'many words '.repeat(60_000)}${last}`] });
    await ask(world, key, body('a'), embeddings);
    assert.equal((await ask(world, key, body('a'), embeddings)).cache, 'hit');
    assert.equal((await ask(world, key, body('b'), embeddings)).cache, 'miss');
    const odd = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`odd_${i}`, i]));
    assert.equal((await ask(world, key, chat('odd', odd))).cache, 'bypass');
  });

  test('headers that cross to the provider, and the client’s own query, are part of the request', async () => {
    const key = await keyFor(world, 'acme');
    const messages = { path: '/v1/messages' };
    const body = chat('headers', { max_tokens: 9 });
    await ask(world, key, body, messages);
    assert.equal((await ask(world, key, body, messages)).cache, 'hit');
    const other = { 'anthropic-version': '2024-01-01' };
    assert.equal((await ask(world, key, body, { ...messages, headers: other })).cache, 'miss');
    assert.equal((await ask(world, key, body, { ...messages, headers: { 'user-agent': 'x' } })).cache, 'hit');
    assert.equal((await ask(world, key, body, { path: '/v1/messages?beta=true' })).cache, 'miss');
  });

  const never: readonly (readonly [name: string, path: string, body: object])[] = [
    ['`store: true`', CHAT, chat('n', { store: true })],
    ['a response that its provider keeps', '/v1/responses', { model: 'm', input: 'n' }],
    ['several answers at once', CHAT, chat('n', { n: 2 })],
    [
      'a tool of the provider',
      '/v1/responses',
      { model: 'm', input: 'n', store: false, tools: [{ type: 'web_search' }] },
    ],
  ];
  for (const [name, path, body] of never)
    test(`never: ${name}`, async () => {
      const key = await keyFor(world, 'acme');
      const { cache, asked } = await twice(key, body, { path });
      assert.deepEqual([cache, asked], [['bypass', 'bypass'], 1]);
    });

  const unfit: readonly (readonly [name: string, change: (answer: any) => void, status?: number])[] = [
    ['that was cut at its limit', (answer) => (answer.choices[0].finish_reason = 'length')],
    ['that a filter ended', (answer) => (answer.choices[0].finish_reason = 'content_filter')],
    ['that is an error', (answer) => (answer.error = { message: 'no' }), 503],
  ];
  for (const [name, change, status = 200] of unfit)
    test(`never an answer ${name}`, async () => {
      const key = await keyFor(world, 'acme');
      let n = 0;
      world.upstream.answer((response) => {
        const answer = answerFor(CHAT, ++n);
        change(answer);
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
      });
      const { asked } = await twice(key, chat(name));
      numbered(world.upstream);
      assert.ok(asked > 0);
    });

  test('never an answer of another model of the chain', async () => {
    const key = await keyFor(world, 'acme');
    let [n, down] = [0, true];
    world.upstream.answer((response, { path, body }) => {
      const failing = down && body.toString().includes('"down"');
      const answer = failing ? { error: { message: 'down' } } : answerFor(path, ++n);
      response.writeHead(failing ? 503 : 200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    });
    const asking = { feature: 'chained' };
    const body = chat('chain', { model: 'failing' });
    for (let i = 0; i < 2; i++) {
      const stood = await ask(world, key, body, asking);
      assert.deepEqual([stood.status, stood.cache, stood.asked > 0], [200, 'miss', true]);
    }
    down = false;
    const { cache } = await twice(key, chat('its own', { model: 'failing' }), asking);
    assert.deepEqual(cache, ['miss', 'hit']);
    numbered(world.upstream);
  });

  test('never a stream that broke, nor one that its client left', async () => {
    const key = await keyFor(world, 'acme');
    let whole = false;
    world.upstream.answer((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: {"choices":[{"index":0,"delta":{"content":"half"},"finish_reason":null}]}\n\n');
      if (!whole) return void setTimeout(() => response.destroy(), 20);
    });
    const body = chat('broken', { stream: true });
    await assert.rejects(ask(world, key, body));
    whole = true;
    const left = new AbortController();
    const response = await fetch(`${world.gate.url}${CHAT}`, {
      method: 'POST',
      headers: {
        ...{ authorization: `Bearer ${key}`, 'content-type': 'application/json', 'x-headgate-feature': 'search' },
      },
      body: JSON.stringify(chat('left', { stream: true })),
      signal: left.signal,
    });
    await response.body!.getReader().read();
    left.abort();
    numbered(world.upstream);
    assert.equal((await ask(world, key, body)).cache, 'miss');
    assert.equal((await ask(world, key, chat('left', { stream: true }))).cache, 'miss');
  });

  test('a caller’s `no-store` leaves nothing and takes nothing, `no-cache` renews, `max-age` takes nothing older', async () => {
    const key = await keyFor(world, 'acme');
    const say = (value: string) => ({ headers: { 'cache-control': value } });
    const first = await ask(world, key, chat('cc'), say('no-store'));
    assert.equal(first.cache, 'bypass');
    const kept = await ask(world, key, chat('cc'));
    assert.equal(kept.cache, 'miss', 'nothing was left');
    assert.equal((await ask(world, key, chat('cc'), say('no-store'))).cache, 'bypass');
    assert.equal((await ask(world, key, chat('cc'))).text, kept.text);
    const anew = await ask(world, key, chat('cc'), say('no-cache'));
    assert.deepEqual([anew.cache, anew.asked], ['miss', 1]);
    assert.equal((await ask(world, key, chat('cc'))).text, anew.text);
    assert.equal((await ask(world, key, chat('cc'), say('max-age=60'))).cache, 'hit');
    assert.equal((await ask(world, key, chat('cc'), say('max-age=0'))).cache, 'miss');
  });

  test('no longer than its time, and nothing that is too large', async () => {
    const key = await keyFor(world, 'acme');
    const brief = { feature: 'brief' };
    await ask(world, key, chat('ttl'), brief);
    assert.equal((await ask(world, key, chat('ttl'), brief)).cache, 'hit');
    await new Promise((resolve) => setTimeout(resolve, 1_050));
    assert.equal((await ask(world, key, chat('ttl'), brief)).cache, 'miss');
    const small = { feature: 'small' };
    world.upstream.answer((response) => {
      const answer: any = answerFor(CHAT, 1);
      answer.choices[0].message.content = 'x'.repeat(2_048);
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    });
    assert.deepEqual((await twice(key, chat('large'), small)).cache, ['miss', 'miss']);
    numbered(world.upstream);
    assert.deepEqual((await twice(key, chat('little'), small)).cache, ['miss', 'hit']);
  });
});
