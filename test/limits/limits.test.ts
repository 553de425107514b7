import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { assertRefusal, makeKey, PATHS } from '../hostile/world.ts';
import type { RawAnswer } from '../hostile/raw-http.ts';
import { call, inRulesWorld } from '../clients-rules/rules-world.ts';
import { EVENTS, json, stream } from '../clients-rules/scripted-upstream.ts';

const CHAT = '/v1/chat/completions';
/** Those that the world's model serves. */
const ANY = PATHS.filter((path) => !path.includes('embed'));
const GOOGLE = '/v1beta/models/m:generateContent';
/** 11 tokens in and 7 out. */
const ANSWER =
  '{"id":"c1","object":"chat.completion","created":1,"model":"up","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":11,"completion_tokens":7,"total_tokens":18}}';

const errorOf = ({ body }: RawAnswer): any => JSON.parse(body.toString()).error;
const ratelimits = ({ headers }: RawAnswer): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith('x-ratelimit-')));

describe('limits of requests', () => {
  const world = inRulesWorld();
  const keyFor = (tenant: string, settings: object = {}): Promise<string> =>
    makeKey({ gate: world.gate } as never, tenant, settings);
  const limit = (body: object): Promise<any> => world.gate.admin('POST', '/limits', body);

  test('a tenant gets its requests a minute, is told what is left, and then when there is room', async () => {
    const key = await keyFor('requests');
    await limit({ level: 'tenant', tenant: 'requests', limit: 2, contact: 'ops@example.com' });
    world.first.answer(json(ANSWER));
    const seen = world.first.seen.length;
    const answers: RawAnswer[] = [];
    for (let i = 0; i < 3; i++) answers.push(await call(world, CHAT, { model: 'm' }, { key }));
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200, 429],
    );
    assert.equal(world.first.seen.length - seen, 2, 'what is refused is not sent');
    const [first, second, refused] = answers as [RawAnswer, RawAnswer, RawAnswer];
    for (const [answer, left] of [
      [first, '1'],
      [second, '0'],
      [refused, '0'],
    ] as const) {
      const { 'x-ratelimit-reset-requests': reset, ...rest } = ratelimits(answer);
      assert.deepEqual(rest, { 'x-ratelimit-limit-requests': '2', 'x-ratelimit-remaining-requests': left });
      assert.match(reset!, /^(1m[01](\.\d+)?s|5\d(\.\d+)?s)$/);
    }
    const waitMs = Number(refused.headers['retry-after-ms']);
    assert.ok(waitMs > 50_000 && waitMs <= 61_000, String(waitMs));
    assert.equal(refused.headers['retry-after'], String(Math.ceil(waitMs / 1_000)));
    assert.equal(refused.headers['x-should-retry'], undefined);
    const error = errorOf(refused);
    assert.equal(error.code, 'rate_limited');
    assert.match(error.message, /this tenant.*2 requests a minute, used 2.*ops@example\.com/);
    const { reset, ...facts } = error.headgate;
    assert.ok(Date.parse(reset) > Date.now());
    assert.deepEqual(facts, {
      ...{ scope: 'tenant', unit: 'requests', window: 'minute', limit: 2, used: 2, reserved: 0, asked: 1 },
      contact: 'ops@example.com',
    });
    const other = await call(world, CHAT, { model: 'm' }, { key: await keyFor('unlimited') });
    assert.equal(other.status, 200);
    assert.deepEqual(ratelimits(other), {});
  });

  test('each API is refused in its own words, with the wait where its SDK looks for it', async () => {
    const key = await keyFor('dialects');
    await limit({ level: 'tenant', tenant: 'dialects', limit: 0 });
    for (const path of ANY) {
      const refused = await call(world, path, {}, { key, path });
      assertRefusal(refused, path, {
        status: 429,
        code: 'limit_exceeded',
        says: /this tenant has no room.*never fits/,
      });
      assert.equal(refused.headers['x-should-retry'], 'false', path);
      assert.equal(refused.headers['retry-after'], undefined, path);
    }
    const { limits } = await world.gate.admin('GET', '/limits?tenant=dialects');
    await world.gate.admin('PATCH', `/limits/${limits[0].id}`, { limit: 1 });
    world.first.answer(json(ANSWER));
    assert.equal((await call(world, CHAT, { model: 'm' }, { key })).status, 200);
    for (const path of ANY) {
      const refused = await call(world, path, {}, { key, path });
      assertRefusal(refused, path, { status: 429, code: 'rate_limited' });
      assert.match(refused.headers['retry-after']!, /^(5\d|6[01])$/, path);
      assert.equal(refused.headers['x-ratelimit-remaining-requests'], '0', path);
    }
    const google = JSON.parse((await call(world, GOOGLE, {}, { key, path: GOOGLE })).body.toString());
    assert.match(google.error.details[1].retryDelay, /^(5\d|6[01])(\.\d+)?s$/);
  });

  test('a feature cannot be left by a header, and one that a key may name has its own count', async () => {
    const rights = { features: ['search', 'chat'] };
    const [bound, free] = [
      await keyFor('features', { defaultFeature: 'search' }),
      await keyFor('features', { defaultFeature: 'search', rights }),
    ];
    await limit({ level: 'feature', tenant: 'features', id: 'search', limit: 1 });
    world.first.answer(json(ANSWER));
    const as = (key: string, headers: Record<string, string> = {}): Promise<RawAnswer> =>
      call(world, CHAT, { model: 'm' }, { key, headers });
    assert.equal((await as(bound)).status, 200);
    assert.equal((await as(bound)).status, 429);
    for (const name of ['chat', '', 'nobody', 'search ', 'SEARCH']) {
      const spoofed = await as(bound, { 'x-headgate-feature': name });
      assert.notEqual(spoofed.status, 200, name);
    }
    assert.equal((await as(bound, { 'x-headgate-tenant': 'somebody' })).status, 429);
    assert.equal((await as(free)).status, 429, 'the count is the feature’s, not the key’s');
    assert.equal((await as(free, { 'x-headgate-feature': 'chat' })).status, 200);
  });

  test('counting tokens takes a request, and no tokens', async () => {
    const key = await keyFor('counting');
    await limit({ level: 'tenant', tenant: 'counting', limit: 1 });
    await limit({ level: 'tenant', tenant: 'counting', unit: 'total_tokens', limit: 1 });
    world.first.answer(json('{"input_tokens":5}'));
    const path = '/v1/messages/count_tokens';
    const counted = await call(world, path, {}, { key, path });
    assert.equal(counted.status, 200);
    assert.equal(counted.headers['x-ratelimit-remaining-requests'], '0');
    assert.equal(counted.headers['x-ratelimit-remaining-tokens'], '1');
    assert.equal((await call(world, path, {}, { key, path })).status, 429);
  });

  test('a raise holds until its time', async () => {
    const key = await keyFor('raised');
    const { id } = await limit({ level: 'tenant', tenant: 'raised', limit: 1 });
    world.first.answer(json(ANSWER));
    const statuses = async (count: number): Promise<number[]> => {
      const all: number[] = [];
      for (let i = 0; i < count; i++) all.push((await call(world, CHAT, { model: 'm' }, { key })).status);
      return all;
    };
    assert.deepEqual(await statuses(2), [200, 429]);
    await world.gate.admin('POST', `/limits/${id}/raise`, { by: 100, for: '3s', reason: 'launch' });
    assert.deepEqual(await statuses(2), [200, 200]);
    await world.gate.until('it is over', async () => {
      const { limits } = await world.gate.admin('GET', '/limits?tenant=raised');
      return limits[0].raise === null && limits[0].limit === 1;
    });
    assert.deepEqual(await statuses(1), [429]);
  });

  test('refusals are counted by level and unit, and not among the calls', async () => {
    const key = await keyFor('metered');
    await limit({ level: 'key', tenant: 'metered', limit: 0 });
    const metrics = async (): Promise<string> => {
      const headers = { authorization: `Bearer ${world.gate.adminToken}` };
      return (await fetch(`${world.gate.url}/metrics`, { headers })).text();
    };
    assert.doesNotMatch(await metrics(), /limit_refusals_total\{level="key"/);
    await call(world, CHAT, { model: 'm' }, { key });
    assert.match(await metrics(), /^headgate_limit_refusals_total\{level="key",unit="requests"\} 1$/m);
    const { calls } = await world.gate.admin('GET', '/calls?tenant=metered');
    assert.deepEqual(calls, []);
  });
});

describe('limits of tokens and of calls in flight', () => {
  const world = inRulesWorld();
  const keyFor = (tenant: string): Promise<string> => makeKey({ gate: world.gate } as never, tenant, {});
  const limit = (body: object): Promise<any> => world.gate.admin('POST', '/limits', { level: 'tenant', ...body });
  const figures = async (key: string): Promise<unknown[]> => {
    const response = await fetch(`${world.gate.url}/v1/headgate/me`, { headers: { 'x-api-key': key } });
    const { limits } = (await response.json()) as { limits: any[] };
    return limits.map(({ unit, used, reserved }) => [unit, used, reserved]);
  };
  /** Until the counters say so: an answer's last byte and its settlement are not one instant. */
  const settled = (key: string, wanted: unknown[]): Promise<void> =>
    world.gate.until(`limits are ${JSON.stringify(wanted)}`, async () => isDeepStrictEqual(await figures(key), wanted));

  test('what an answer used takes the place of what it reserved, streamed or not, failed or not', async () => {
    const key = await keyFor('tokens');
    for (const unit of ['requests', 'input_tokens', 'output_tokens', 'total_tokens', 'concurrency'])
      await limit({ tenant: 'tokens', unit, limit: 10_000 });
    world.first.answer(json(ANSWER));
    const whole = await call(world, CHAT, { model: 'm', max_tokens: 1_000 }, { key });
    assert.equal(whole.headers['x-ratelimit-limit-tokens'], '10000');
    // 1,000 of the answer and what the few words of the question are estimated at.
    const left = Number(whole.headers['x-ratelimit-remaining-tokens']);
    assert.ok(left > 8_800 && left < 9_000, String(left));
    const after = (calls: number, answers: number) => [
      ['requests', calls, 0],
      ['input_tokens', 11 * answers, 0],
      ['output_tokens', 7 * answers, 0],
      ['total_tokens', 18 * answers, 0],
      ['concurrency', 0, 0],
    ];
    await settled(key, after(1, 1));
    for (const path of ['/v1/chat/completions', '/v1/messages', '/v1/responses'] as const) {
      const { start, text, finish, usage, end } = EVENTS[path];
      world.first.answer(stream([start, text, finish, usage, end]));
      const streamed = await call(world, path, { stream: true }, { key, path });
      assert.equal(streamed.status, 200, path);
      assert.match(streamed.headers['content-type']!, /event-stream/);
      assert.match(streamed.headers['x-ratelimit-remaining-requests']!, /^999\d$/, path);
      assert.match(streamed.headers['x-ratelimit-reset-tokens']!, /^(1m\d(\.\d+)?s|59(\.\d+)?s)$/, path);
    }
    await settled(key, after(4, 4));
    world.first.answer(json('{"error":{"message":"no"}}', 400));
    const failed = await call(world, CHAT, { model: 'm' }, { key });
    assert.deepEqual([failed.status, failed.headers['x-ratelimit-remaining-requests']], [400, '9995']);
    world.first.answer((response) => void response.destroy());
    const cut = await call(world, CHAT, { model: 'm' }, { key });
    assert.deepEqual([cut.status, cut.headers['x-ratelimit-remaining-requests']], [502, '9994']);
    await world.gate.until('nothing is in flight', async () =>
      (await figures(key)).every((figure) => (figure as unknown[])[2] === 0),
    );
    assert.deepEqual((await figures(key))[0], ['requests', 6, 0]);
  });

  test('tokens that the next call needs and the last one took are refused', async () => {
    const key = await keyFor('few');
    await limit({ tenant: 'few', unit: 'output_tokens', limit: 100 });
    world.first.answer(json(ANSWER));
    const unbounded = await call(world, CHAT, { model: 'm' }, { key });
    assert.deepEqual([unbounded.status, errorOf(unbounded).code], [429, 'limit_exceeded']);
    assert.match(errorOf(unbounded).message, /100 output tokens a minute, used 0, .* takes 4096\. It never fits/);
    for (let i = 0; i < 2; i++) {
      assert.equal((await call(world, CHAT, { model: 'm', max_tokens: 90 }, { key })).status, 200);
      await settled(key, [['output_tokens', 7 * (i + 1), 0]]);
    }
    const refused = await call(world, CHAT, { model: 'm', max_tokens: 90 }, { key });
    assert.deepEqual([refused.status, errorOf(refused).code], [429, 'rate_limited']);
    assert.equal(refused.headers['x-ratelimit-remaining-tokens'], '86');
  });

  test('a place among the calls in flight is free again when its client has left, or its call has ended', async () => {
    const key = await keyFor('flight');
    await limit({ tenant: 'flight', unit: 'concurrency', limit: 2 });
    const { start, text } = EVENTS[CHAT];
    world.first.answer((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(start + text);
    });
    const leaving = [new AbortController(), new AbortController()];
    const open = leaving.map(({ signal }) =>
      fetch(`${world.gate.url}${CHAT}`, {
        ...{ method: 'POST', signal },
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'm', stream: true, messages: [{ role: 'user', content: 'hi' }] }),
      }),
    );
    const heads = await Promise.all(open);
    assert.deepEqual(
      heads.map(({ status, headers }) => [status, headers.get('x-ratelimit-limit-requests')]),
      [
        [200, null],
        [200, null],
      ],
    );
    await settled(key, [['concurrency', 0, 2]]);
    const refused = await call(world, CHAT, { model: 'm' }, { key });
    assert.deepEqual([refused.status, errorOf(refused).code], [429, 'rate_limited']);
    assert.equal(refused.headers['retry-after'], '1');
    for (const one of leaving) one.abort();
    await Promise.allSettled(heads.map((response) => response.text()));
    await settled(key, [['concurrency', 0, 0]]);
    world.first.answer(json(ANSWER));
    for (let i = 0; i < 3; i++) {
      assert.equal((await call(world, CHAT, { model: 'm' }, { key })).status, 200);
      await settled(key, [['concurrency', 0, 0]]);
    }
  });
});
