import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { makeKey } from '../hostile/world.ts';
import { call, inRulesWorld, newestEntry } from './rules-world.ts';
import { EVENTS, json, stream } from './scripted-upstream.ts';

const CHAT = '/v1/chat/completions';
/** 11 tokens in and 7 out at $1,000 and $2,000 a million: $0.025. */
const ANSWER =
  '{"id":"c1","object":"chat.completion","created":1,"model":"up","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":11,"completion_tokens":7,"total_tokens":18}}';

describe('GET /v1/headgate/me (clients.md 29)', () => {
  const world = inRulesWorld();
  const me = async (key: string): Promise<{ status: number; body: any; text: string }> => {
    const response = await fetch(`${world.gate.url}/v1/headgate/me`, { headers: { 'x-api-key': key } });
    const text = await response.text();
    return { status: response.status, body: JSON.parse(text), text };
  };
  const keyFor = (tenant: string, settings: object = {}): Promise<string> =>
    makeKey({ gate: world.gate } as never, tenant, settings);

  test('a key learns its models, limits, rights and when its budget resets; not its secret', async () => {
    const settings = { models: ['m', 'pa*'], owner: 'web team', expiresAt: '2099-01-01T00:00:00Z' };
    const key = await keyFor('me-limits', settings);
    const contact = 'finance@example.com';
    const budget = { level: 'tenant', tenant: 'me-limits', limitUsd: '20', window: 'day', timeZone: 'Asia/Tokyo' };
    await world.gate.admin('POST', '/budgets', { ...budget, contact });
    const { status, body, text } = await me(key);
    assert.equal(status, 200);
    assert.deepEqual(body.models.toSorted(), ['m', 'pair']);
    assert.deepEqual(
      [body.tenant.id, body.key.owner, body.key.expiresAt],
      ['me-limits', 'web team', '2099-01-01T00:00:00.000Z'],
    );
    assert.equal(body.maySet.endUser, false);
    const [limit] = body.budgets;
    assert.deepEqual([limit.scope, limit.limitUsd, limit.spentUsd, limit.contact], ['tenant', '20', '0', contact]);
    // Midnight in Tokyo is 15:00 UTC, and never more than a day away.
    assert.match(limit.resetsAt, /T15:00:00\.000Z$/);
    const waitMs = Date.parse(limit.resetsAt) - Date.now();
    assert.ok(waitMs > 0 && waitMs <= 86_400_000, limit.resetsAt);
    assert.ok(!text.includes(key));
    assert.doesNotMatch(text, /"hash"|"secret"/);
  });

  test('what is in flight is reserved, what is settled is spent', async () => {
    const key = await keyFor('me-money');
    await world.gate.admin('POST', '/budgets', { level: 'key', tenant: 'me-money', limitUsd: '50', window: 'month' });
    world.first.answer(json(ANSWER));
    const answer = await call(world, CHAT, { model: 'm', max_tokens: 100 }, { key });
    await newestEntry(world, answer.headers['x-headgate-call-id']!);
    const spent = (await me(key)).body.budgets[0];
    assert.deepEqual([spent.spentUsd, spent.reservedUsd], ['0.025', '0']);
    const { start, text, finish, usage, end } = EVENTS[CHAT];
    world.first.answer(stream([start, text, 800, finish, usage, end]));
    const running = call(world, CHAT, { model: 'm', stream: true, max_tokens: 100 }, { key });
    let open: any;
    await world.gate.until('a reservation', async () => {
      open = (await me(key)).body.budgets[0];
      return open.reservedUsd !== '0';
    });
    assert.equal(open.spentUsd, '0.025');
    // `max_tokens` bounds it: 100 tokens out and what the input is estimated at.
    assert.ok(Number(open.reservedUsd) >= 0.2 && Number(open.reservedUsd) < 0.4, open.reservedUsd);
    await running;
    await world.gate.until('it is settled', async () => (await me(key)).body.budgets[0].spentUsd === '0.05');
    assert.equal((await me(key)).body.budgets[0].reservedUsd, '0');
  });

  test('nothing of another tenant, of another key or of the operator', async () => {
    const [mine, theirs] = [await keyFor('me-a', { name: 'mine' }), await keyFor('me-b', { name: 'theirs' })];
    const other = await keyFor('me-a', { name: 'neighbour' });
    const { keys } = await world.gate.admin('GET', '/keys?tenant=me-a');
    const neighbour = keys.find(({ name }: any) => name === 'neighbour').id;
    for (const budget of [
      { level: 'operator', limitUsd: '777' },
      { level: 'tenant', tenant: 'me-b', limitUsd: '888' },
      { level: 'key', tenant: 'me-a', id: neighbour, limitUsd: '999' },
      { level: 'tenant', tenant: 'me-a', limitUsd: '11' },
    ])
      await world.gate.admin('POST', '/budgets', budget);
    world.first.answer(json(ANSWER));
    for (const key of [theirs, other]) assert.equal((await call(world, CHAT, { model: 'm' }, { key })).status, 200);
    const { body, text } = await me(mine);
    assert.deepEqual(
      body.budgets.map(({ limitUsd }: any) => limitUsd),
      ['11'],
    );
    assert.doesNotMatch(text, /me-b|theirs|neighbour|777|888|999/);
    assert.ok(!text.includes(neighbour));
    assert.deepEqual(
      (await me(theirs)).body.budgets.map(({ limitUsd }: any) => limitUsd),
      ['888'],
    );
  });

  test('without a known key nothing, and the admin token is no key', async () => {
    for (const key of ['hg_unknown_0123456789', world.gate.adminToken]) {
      const { status, text } = await me(key);
      assert.equal(status, 401);
      assert.match(text, /invalid_api_key/);
    }
  });
});
