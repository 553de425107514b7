import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { newQuestion, OVERLAPS } from './questions.ts';
import { makeThings, neverWas, openHouses, post, THINGS, TRESPASSES, type Thing } from './trespass.ts';

/** What a chat that is not there is answered with: the SDK of `useChat` takes a 204 for "nothing to take up". */
const NOTHING_THERE = new Map<string, unknown>([
  ['take up a chat', 204],
  ...['gRPC', 'gRPC-Web', 'Connect'].flatMap((name): [string, unknown][] => [
    // Code.NotFound
    [`${name} resume`, '5'],
    [`${name} cancel`, '5'],
  ]),
]);

describe('one tenant tries every id of another', () => {
  const world = {} as Awaited<ReturnType<typeof openHouses>>;
  let things = {} as Record<Thing, string>;
  before(async () => {
    Object.assign(world, await openHouses());
    things = await makeThings(world, world.ann);
  });
  after(() => world.close?.());

  test('every kind of thing was made, and each is tried', () => {
    assert.deepEqual(Object.keys(things).toSorted(), [...THINGS].toSorted());
    assert.deepEqual([...new Set(TRESPASSES.flatMap((one) => one.things))].toSorted(), [...THINGS].toSorted());
  });

  for (const { name, things: kinds, ask } of TRESPASSES)
    test(`${name}: the words for an id that never was`, async () => {
      for (const kind of kinds) {
        const id = things[kind];
        const seen = world.provider.log.length + world.scripted.seen.length;
        const foreign = await ask(world, world.bob, id);
        const never = await ask(world, world.bob, neverWas(id));
        assert.deepEqual(foreign, never, kind);
        assert.equal(foreign.status, NOTHING_THERE.get(name) ?? 404, `${kind}: ${JSON.stringify(foreign)}`);
        assert.equal(world.provider.log.length + world.scripted.seen.length, seen, 'no provider was asked');
      }
    });

  for (const { name, open, ask } of OVERLAPS)
    test(`${name}: as if nobody had asked it`, async () => {
      const { questions, close } = await open(world, world.ann, 2);
      for (const question of questions) {
        const seen = world.scripted.seen.length;
        const foreign = await ask(world, world.bob, question);
        const never = await ask(world, world.bob, newQuestion());
        assert.deepEqual(foreign, never);
        assert.deepEqual([foreign.status, foreign.head['x-headgate-cache']], [200, 'miss']);
        assert.equal(world.scripted.seen.length, seen + 2, 'the provider was asked by each');
      }
      await close();
    });

  test('lists are one’s own', async () => {
    for (const [path, headers] of [
      ['/v1/files', {}],
      ['/v1/batches', {}],
      ['/v1/files', { 'anthropic-version': '2023-06-01' }],
      ['/v1/messages/batches', { 'anthropic-version': '2023-06-01' }],
    ] as const) {
      const response = await fetch(world.gate.url + path, {
        headers: { authorization: `Bearer ${world.bob}`, ...headers },
      });
      const { data } = (await response.json()) as { data: unknown[] };
      assert.deepEqual([response.status, data], [200, []], path);
    }
  });

  test('after all that, the owner has each of them as it was', async () => {
    for (const [path, status] of [
      [`/v1/responses/${things.response}`, 200],
      [`/v1/files/${things.file}`, 200],
      [`/v1/batches/${things.batch}`, 200],
      [`/v1/messages/batches/${things['message batch']}`, 200],
      [`/v1/streams/${things['ended stream']}`, 200],
      [`/v1/streams/${things['socket’s stream']}`, 200],
      [`/v1/streams/${things['gRPC stream']}`, 200],
    ] as const) {
      const response = await fetch(world.gate.url + path, {
        headers: { authorization: `Bearer ${world.ann}`, 'anthropic-version': '2023-06-01' },
      });
      assert.equal(response.status, status, path);
      await response.text();
    }
    const { streams } = await world.gate.admin('GET', '/streams?tenant=ten_ann');
    const live = streams.map(({ id }: any) => id);
    assert.ok(live.includes(things['live stream']), JSON.stringify(live));
  });

  test('an idempotency key of another tenant is as if it were not there', async () => {
    const body = { model: 'echo', messages: [{ role: 'user', content: 'mine alone' }] };
    const call = (key: string): Promise<Response> =>
      post(`${world.gate.url}/v1/chat/completions`, key, body, { 'idempotency-key': 'order-66' });
    const sent = (): number => world.provider.log.length;
    const before = sent();
    const first = await call(world.ann);
    const other = await call(world.bob);
    assert.equal(sent(), before + 2, 'two generations');
    assert.notEqual(other.headers.get('x-headgate-call-id'), first.headers.get('x-headgate-call-id'));
    for (const response of [first, other]) await response.text();
    // Another body under the key of another is no conflict.
    const changed = await post(
      `${world.gate.url}/v1/chat/completions`,
      world.bob,
      { ...body, messages: [{ role: 'user', content: 'another' }] },
      { 'idempotency-key': 'order-67' },
    );
    assert.equal(changed.status, 200);
    await changed.text();
  });

  test('a key opens no report and no capture, whatever it asks for: the admin API reads keys as nothing', async () => {
    const { paths } = await world.gate.admin('GET', '/openapi.json');
    const [{ id: call }] = (await world.gate.admin('GET', '/calls?tenant=ten_ann&limit=1')).calls;
    const asked = Object.keys(paths).filter((path) => 'get' in paths[path]);
    assert.ok(asked.length > 20, String(asked.length));
    for (const path of asked) {
      const url = world.gate.url + path.replaceAll(/\{\w+\}/g, call);
      const [own, none] = await Promise.all(
        [world.bob, 'hg_nobody'].map(async (key) => {
          const response = await fetch(`${url}?tenant=ten_ann`, { headers: { authorization: `Bearer ${key}` } });
          return { status: response.status, body: await response.text() };
        }),
      );
      assert.equal(own!.status, 401, path);
      assert.deepEqual(own, none, path);
    }
  });

  test('a session of the same name is each tenant’s own', async () => {
    const body = { model: 'echo', messages: [{ role: 'user', content: 'hi' }] };
    for (const key of [world.ann, world.bob])
      await (await post(`${world.gate.url}/v1/chat/completions`, key, body, { 'x-headgate-session': 'same' })).text();
    await world.gate.until('both sessions', async () => {
      const { sessions } = await world.gate.admin('GET', '/sessions?since=1h');
      const same = sessions.filter(({ session }: any) => session === 'same');
      return same.length === 2 && same.every(({ calls }: any) => calls === 1);
    });
  });

  test('`me` says what is one’s own', async () => {
    const response = await fetch(`${world.gate.url}/v1/headgate/me`, {
      headers: { authorization: `Bearer ${world.bob}` },
    });
    const text = await response.text();
    assert.equal(response.status, 200);
    assert.doesNotMatch(text, /ten_ann/);
  });
});
