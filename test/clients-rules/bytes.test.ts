import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LEAK_MARKS } from '#lab/provider/provider-headers.ts';
import { VALID } from '../hostile/world.ts';
import { call, inRulesWorld, keyOf, newestEntry, PROVIDER_KEY } from './rules-world.ts';
import { EVENTS, json, stream } from './scripted-upstream.ts';

const CHAT = '/v1/chat/completions';
/** Odd blanks, escapes and order: what a re-serialisation would change. */
const ODD =
  '{ "id" :"c1",\n "object":"chat.completion","created":1,"model":"up","x_new":{"b":1.50,"a":12345678901234567890},"choices":[{"index":0,"message":{"role":"assistant","content":"h\\u0069 \\/ \\ud83d\\ude00"},"finish_reason":"stop"}],"usage":{ "prompt_tokens":11,"completion_tokens":7,"total_tokens":18 } }\n';

describe('bytes of a provider (clients.md 1, 3, 25)', () => {
  const world = inRulesWorld();

  test('an answer of the same dialect is unchanged', async () => {
    world.first.answer(json(ODD));
    const answer = await call(world, CHAT, { model: 'm' });
    assert.equal(answer.body.toString(), ODD);
  });

  test('a request of the same dialect is unchanged but for what must change', async () => {
    world.first.answer(json(ODD));
    await call(world, CHAT, { model: 'same', x_unknown: [1.5, { b: 1, a: 2 }] });
    const sent = JSON.stringify({ ...VALID[CHAT], model: 'same', x_unknown: [1.5, { b: 1, a: 2 }] });
    assert.equal(world.first.seen.at(-1)!.body.toString(), sent);
    await call(world, CHAT, { model: 'm', x_unknown: [1.5, { b: 1, a: 2 }] });
    assert.equal(world.first.seen.at(-1)!.body.toString(), sent.replace('"same"', '"up"'));
  });

  test('error bodies are unchanged, only key fragments are masked', async () => {
    const text =
      '{ "error" :{"message":"caf\\u00e9: `thinking` is not\\n supported","type":"x","param":null,"code":"y"} }\n';
    for (const status of [400, 403, 404, 409, 413, 422, 429, 500, 503]) {
      world.first.answer(json(text, status));
      const answer = await call(world, CHAT, { model: 'm' });
      assert.equal(answer.status, status);
      assert.equal(answer.body.toString(), text);
      assert.equal(answer.headers['x-headgate-error-source'], 'provider');
    }
    world.first.answer(
      json(`{"error":{"message":"Incorrect API key provided: ${PROVIDER_KEY}, sk-proj-ab***yz."}}`, 401),
    );
    const answer = await call(world, CHAT, { model: 'm' });
    assert.equal(
      answer.body.toString(),
      '{"error":{"message":"Incorrect API key provided: ***, ***"}}'.replace('***"}}', '***"}}'),
    );
  });

  test('error bodies that are no JSON pass with their type', async () => {
    const html = '<html>\r\n<head><title>502 Bad Gateway</title></head></html>\r\n';
    world.first.answer(json(html, 502, { 'content-type': 'text/html' }));
    const answer = await call(world, CHAT, { model: 'm' });
    assert.deepEqual([answer.status, answer.headers['content-type'], answer.body.toString()], [502, 'text/html', html]);
    const latin = Buffer.from('{"error":{"message":"caf\xe9"}}', 'latin1');
    world.first.answer((response) => void response.writeHead(400, { 'content-type': 'application/json' }).end(latin));
    assert.deepEqual((await call(world, CHAT, { model: 'm' })).body, latin);
  });

  test('a redirect is not followed and not passed on', async () => {
    const seen = world.second.seen.length;
    for (const status of [301, 302, 303, 307, 308]) {
      world.first.answer(json('{}', status, { location: `${world.second.url}/v1/chat/completions` }));
      const answer = await call(world, CHAT, { model: 'm' });
      assert.equal(answer.status, 502);
      assert.equal(answer.headers['location'], undefined);
    }
    assert.equal(world.second.seen.length, seen);
  });

  test('usage is asked for upstream, and its chunk is withheld where the client did not ask', async () => {
    const { start, text, finish, usage, end } = EVENTS[CHAT];
    world.first.answer(stream([start, text, finish, usage, end]));
    const silent = await call(world, CHAT, { model: 'm', stream: true });
    assert.equal(silent.body.toString(), start + text + finish + end);
    const sent = JSON.parse(world.first.seen.at(-1)!.body.toString());
    assert.deepEqual(sent.stream_options, { include_usage: true });
    const entry = await newestEntry(world, silent.headers['x-headgate-call-id']!);
    assert.deepEqual([entry.usage.inputTokens, entry.usage.outputTokens], [11, 7]);
    const asked = await call(world, CHAT, { model: 'm', stream: true, stream_options: { include_usage: true } });
    assert.equal(asked.body.toString(), start + text + finish + usage + end);
    await call(world, CHAT, { model: 'm', stream: true, stream_options: { include_obfuscation: false } });
    assert.deepEqual(JSON.parse(world.first.seen.at(-1)!.body.toString()).stream_options, {
      include_usage: true,
      include_obfuscation: false,
    });
  });

  test('usage in a last chunk with choices is counted and passes', async () => {
    const { start, text, end } = EVENTS[CHAT];
    const last = `data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"up","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":21,"completion_tokens":9,"total_tokens":30}}\n\n`;
    world.first.answer(stream([start, text, last, end]));
    const answer = await call(world, CHAT, { model: 'm', stream: true });
    assert.equal(answer.body.toString(), start + text + last + end);
    const entry = await newestEntry(world, answer.headers['x-headgate-call-id']!);
    assert.deepEqual([entry.usage.inputTokens, entry.usage.outputTokens], [21, 9]);
  });

  test('usage.cost is the only change of bytes, and only where it is exposed', async () => {
    const key = await keyOf(world, 'sees-cost', { cost: true });
    world.first.answer(json(ODD));
    const answer = await call(world, CHAT, { model: 'm' }, { key });
    const text = answer.body.toString();
    const cost = /,?\s*"cost"\s*:\s*("?)([0-9.]+)\1,?/.exec(text);
    assert.ok(cost, text);
    assert.equal(Number(cost[2]), (11 * 1000 + 7 * 2000) / 1e6);
    assert.equal(text.replace(cost[0], ''), ODD);
    assert.equal(JSON.parse(text).usage.total_tokens, 18);
    const { start, text: words, finish, usage, end } = EVENTS[CHAT];
    world.first.answer(stream([start, words, finish, usage, end]));
    const change = { model: 'm', stream: true, stream_options: { include_usage: true } };
    const streamed = (await call(world, CHAT, change, { key })).body.toString();
    const spliced = /,?\s*"cost"\s*:\s*("?)([0-9.]+)\1,?/.exec(streamed);
    assert.ok(spliced, streamed);
    assert.equal(streamed.replace(spliced[0], ''), start + words + finish + usage + end);
  });

  for (const path of ['/v1/messages', '/v1/responses'] as const)
    test(`${path}: usage.cost in a stream is the only change`, async () => {
      const key = await keyOf(world, `cost-${path.slice(4)}`, { cost: true });
      const { start, text, finish, usage, end } = EVENTS[path];
      world.first.answer(stream([start, text, finish, usage, end]));
      const streamed = (await call(world, path, { model: 'm', stream: true }, { key })).body.toString();
      assert.match(streamed, /"cost"/);
      const plain = streamed.replaceAll(/,"cost":"?[0-9.]+"?|"cost":"?[0-9.]+"?,/g, '');
      assert.equal(plain, start + text + finish + usage + end);
    });
});

describe('headers (clients.md 1, 15, 16)', () => {
  const world = inRulesWorld();
  const upstreamHeaders = {
    'set-cookie': LEAK_MARKS.cookie,
    'openai-organization': LEAK_MARKS.organization,
    'anthropic-organization-id': LEAK_MARKS.organization,
    'x-request-id': 'req_upstream',
    'x-ratelimit-limit-tokens': '1000',
    'x-ratelimit-remaining-tokens': '7,777,777',
    'x-ratelimit-reset-tokens': '6ms',
    server: 'upstream-server',
    via: '1.1 upstream',
    'x-powered-by': 'upstream',
    'access-control-allow-origin': '*',
    'strict-transport-security': 'max-age=1',
    'x-headgate-call-id': 'forged',
    'x-headgate-error-source': 'gateway',
  };

  test('of a provider’s answer only the list crosses; limits reach an operator’s key alone', async () => {
    const { start, text, finish, usage, end } = EVENTS['/v1/chat/completions'];
    const operator = await keyOf(world, 'operators', { operator: true });
    const scripts = [
      json(ODD, 200, upstreamHeaders),
      json('{"error":{"message":"x"}}', 400, upstreamHeaders),
      stream([start, text, finish, usage, end], upstreamHeaders),
    ];
    for (const [i, script] of scripts.entries()) {
      world.first.answer(script);
      const change = { model: 'm', stream: i === 2 };
      const answer = await call(world, '/v1/chat/completions', change);
      const raw = answer.raw.toString('latin1');
      for (const mark of [
        LEAK_MARKS.cookie,
        LEAK_MARKS.organization,
        'req_upstream',
        'upstream-server',
        '7,777,777',
        'forged',
      ])
        assert.ok(!raw.slice(0, raw.indexOf('\r\n\r\n')).includes(mark), `${mark} in ${raw}`);
      assert.match(answer.headers['x-headgate-call-id']!, /^[\w-]{10,}$/);
      for (const name of Object.keys(answer.headers)) assert.doesNotMatch(name, /ratelimit|upstream|cookie|organi/);
      const other = await call(world, '/v1/chat/completions', change, { key: operator });
      assert.equal(other.headers['x-headgate-upstream-ratelimit-remaining-tokens'], '7,777,777');
      assert.equal(other.headers['set-cookie'], undefined);
    }
  });

  test('of a client’s request only the list crosses', async () => {
    world.first.answer(json(ODD));
    const headers = {
      cookie: 'session=client-secret',
      'proxy-authorization': 'Basic client-secret',
      'x-forwarded-for': '10.9.8.7',
      'x-forwarded-host': 'evil.example',
      forwarded: 'for=10.9.8.7',
      'x-real-ip': '10.9.8.7',
      'openai-organization': 'org-of-client',
      'openai-project': 'project-of-client',
      'x-headgate-session': 'mine',
      'x-stainless-os': 'Linux',
      'user-agent': 'client/1.0',
      'anthropic-beta': 'one-2025-01-01,unknown-2030-01-01',
      'accept-encoding': 'gzip, br',
      'x-api-base': 'http://evil.example',
      'x-portkey-custom-host': 'http://evil.example',
      te: 'trailers',
    };
    const answer = await call(world, '/v1/chat/completions', { model: 'm' }, { headers });
    assert.equal(answer.status, 200);
    const sent = world.first.seen.at(-1)!;
    const text = JSON.stringify(sent.headers);
    for (const secret of [
      'client-secret',
      '10.9.8.7',
      'evil.example',
      'org-of-client',
      'project-of-client',
      world.gate.key,
      'client/1.0',
      'mine',
    ])
      assert.ok(!text.includes(secret), `${secret} in ${text}`);
    assert.equal(sent.headers['authorization'], `Bearer ${PROVIDER_KEY}`);
    assert.equal(sent.headers['anthropic-beta'], headers['anthropic-beta']);
    assert.equal(sent.headers['host'], new URL(world.first.url).host);
  });

  test('an api key of the client in x-api-key stays at the gate as well', async () => {
    world.first.answer(json(ODD));
    const headers = { 'x-api-key': world.gate.key };
    await call(world, '/v1/messages', { model: 'm' }, { key: '', headers });
    assert.ok(!JSON.stringify(world.first.seen.at(-1)!.headers).includes(world.gate.key));
  });

  test('the query of `/v1/messages?beta=true` is kept upstream', async () => {
    world.first.answer(
      json(
        '{"id":"msg_1","type":"message","role":"assistant","model":"up","content":[],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":1}}',
      ),
    );
    const body = { ...VALID['/v1/messages'], model: 'm' };
    const answer = await call(world, '/v1/messages?beta=true', body);
    assert.equal(answer.status, 200);
    assert.equal(world.first.seen.at(-1)!.path, '/v1/messages?beta=true');
  });

  test('a destination in the body or the query moves nothing', async () => {
    world.first.answer(json(ODD));
    const seen = world.second.seen.length;
    const change = { model: 'm', base_url: world.second.url, api_base: world.second.url, api_key: 'x' };
    await call(world, `/v1/chat/completions?base_url=${world.second.url}`, {
      ...VALID['/v1/chat/completions'],
      ...change,
    });
    assert.equal(world.second.seen.length, seen);
  });
});
