import assert from 'node:assert/strict';
import { globSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createClient } from '../../src/client/index.ts';
import { ticketOf } from '../client/page.ts';
import { answerOf, CALL, clientWorld, TEXT, type ClientWorld } from '../client/world.ts';
import { makeKey } from '../hostile/world.ts';
import { openSocket, refusedUpgrade } from './socket-client.ts';

const ORIGIN = 'https://app.example.com';
let world: ClientWorld;
before(
  async () =>
    (world = await clientWorld(`
cors: { origins: ["${ORIGIN}", "http://localhost:3000"] }
log: { level: debug }`)),
);
after(() => world?.stop());

async function call(): Promise<string> {
  world.up.answer(answerOf(0));
  const stream = createClient({ baseURL: world.gate.url, apiKey: world.gate.key }).stream(CALL);
  for await (const _ of stream);
  return stream.id!;
}
const get = (path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Response> =>
  fetch(world.gate.url + path, { method, headers });
const read = (id: string, ticket: string): Promise<Response> => get(`/v1/streams/${id}?ticket=${ticket}&end=event`);

describe('stream tickets', () => {
  test('a ticket reads its one stream, once, and a refusal does not say what was wrong', async () => {
    const [id, other] = [await call(), await call()];
    const ticket = await ticketOf(world.gate, id);
    const whole = await read(id, ticket);
    assert.equal(whole.status, 200);
    assert.match(await whole.text(), /event: headgate\.end/);
    const refusals = [
      await read(id, ticket),
      await read(other, await ticketOf(world.gate, id)),
      await read(id, 'hgt_never'),
      await read(id, ''),
    ];
    const bodies = await Promise.all(refusals.map((response) => response.text()));
    assert.deepEqual(
      refusals.map(({ status }) => status),
      [401, 401, 401, 401],
    );
    assert.equal(new Set(bodies).size, 1);
  });

  test('a ticket opens nothing else: no call, no cancel, no list, and no other credential counts in a query', async () => {
    const id = await call();
    const ticket = await ticketOf(world.gate, id);
    assert.equal((await get(`/v1/streams/${id}/cancel?ticket=${ticket}`, {}, 'POST')).status, 401);
    assert.equal((await get(`/v1/models?ticket=${ticket}`)).status, 401);
    assert.equal((await get(`/v1/models`, { authorization: `Bearer ${ticket}` })).status, 401);
    assert.equal((await get(`/v1/streams/${id}?api_key=${world.gate.key}`)).status, 401);
    assert.equal((await read(id, ticket)).status, 200, 'it was not spent by those');
  });

  test('who asks for one: the stream’s own key, else 404; a body that names no stream is a 400', async () => {
    const id = await call();
    const key = await makeKey({ gate: world.gate } as never, 'demo', {});
    await assert.rejects(ticketOf({ ...world.gate, key }, id), /^Error: 404/);
    await assert.rejects(ticketOf(world.gate, 'call_00000000000000000000000000'), /^Error: 404/);
    await assert.rejects(ticketOf(world.gate, 'nothing'), /^Error: 400/);
    await assert.rejects(ticketOf({ ...world.gate, key: 'hg_none' }, id), /^Error: 401/);
    assert.equal((await get('/v1/stream-tickets')).status, 405);
  });

  test('on a socket it resumes its stream and does nothing else', async () => {
    const [id, other] = [await call(), await call()];
    const path = `/v1/stream?ticket=${await ticketOf(world.gate, id)}`;
    const client = await openSocket({ url: world.gate.url, path, headers: { origin: ORIGIN } });
    client.send({ type: 'start', stream: 'a', path: CALL.path, body: CALL.body });
    assert.equal((await client.frame(({ type, stream }) => type === 'error' && stream === 'a')).status, 403);
    client.send({ type: 'resume', stream: 'b', id: other });
    assert.equal((await client.frame(({ type, stream }) => type === 'error' && stream === 'b')).status, 403);
    client.send({ type: 'resume', stream: 'c', id });
    const end = await client.frame(({ type, stream }) => type === 'end' && stream === 'c');
    assert.equal(end.status, 'ok');
    client.leave();
    assert.equal((await refusedUpgrade({ url: world.gate.url, path })).status, 401);
  });

  test('a ticket of a key that was revoked since opens nothing', async () => {
    const made = await world.gate.admin('POST', '/keys', { tenant: 'demo', name: 'short' });
    world.up.answer(answerOf(0));
    const stream = createClient({ baseURL: world.gate.url, apiKey: made.key }).stream(CALL);
    for await (const _ of stream);
    const ticket = await ticketOf({ ...world.gate, key: made.key }, stream.id!);
    await world.gate.admin('POST', `/keys/${made.id}/revoke`);
    assert.equal((await read(stream.id!, ticket)).status, 401);
  });

  test('no ticket stands in anything that the process writes or tells', async () => {
    const id = await call();
    const tickets = [await ticketOf(world.gate, id), await ticketOf(world.gate, id), await ticketOf(world.gate, id)];
    await world.gate.until('the entry', async () =>
      world.gate.admin('GET', `/calls/${id}`).then(
        () => true,
        () => false,
      ),
    );
    const told = [
      ...(await Promise.all([
        ...[await read(id, tickets[0]!), await read(id, tickets[0]!)],
        await get(`/v1/stream-tickets?ticket=${tickets[1]}`),
        await get(`/v1/nothing?ticket=${tickets[1]}`),
        await get(`/v1/streams/${id}?ticket=${tickets[1]}&starting_after=odd`),
        await get(`/nothing?ticket=${tickets[1]}`),
      ]).then((all) => Promise.all(all.map((response) => response.text())))),
      JSON.stringify(await refusedUpgrade({ url: world.gate.url, path: `/v1/stream?ticket=${tickets[0]}` })),
      JSON.stringify(await world.gate.admin('GET', `/calls/${id}`)),
      JSON.stringify(await world.gate.admin('GET', '/audit')),
      JSON.stringify(await world.gate.admin('GET', '/now')),
      await (await get('/metrics', { authorization: `Bearer ${world.gate.adminToken}` })).text(),
      ...[world.gate.stdout(), world.gate.stderr()],
    ];
    const written = globSync('**/*', { cwd: world.gate.dataDir })
      .map((name) => join(world.gate.dataDir, name))
      .filter((path) => statSync(path).isFile())
      .map((path) => readFileSync(path, 'latin1'));
    assert.ok(written.length > 3 && written.some((text) => text.includes(id)), 'the call is in what was written');
    for (const [i, text] of [...told, ...written].entries())
      for (const ticket of tickets) assert.ok(!text.includes(ticket), `a ticket stands in text ${i}`);
  });
});

describe('pages of other origins', () => {
  const preflight = (path: string, origin: string): Promise<Response> =>
    get(
      path,
      {
        ...{ origin, 'access-control-request-method': 'POST' },
        'access-control-request-headers': 'authorization,content-type,x-headgate-resume,x-odd',
      },
      'OPTIONS',
    );
  const granted = (response: Response): string[] =>
    [...response.headers.keys()].filter((name) => name.startsWith('access-control-'));

  test('a preflight of a listed origin is answered with exactly that origin, without credentials', async () => {
    for (const path of [
      '/v1/chat/completions',
      '/v1/streams/call_1',
      '/v1/stream-tickets',
      '/headgate.v1.Headgate/Resume',
    ]) {
      const { status, headers } = await preflight(path, ORIGIN);
      assert.equal(status, 204);
      assert.equal(headers.get('access-control-allow-origin'), ORIGIN);
      assert.equal(headers.get('access-control-allow-headers'), 'authorization, content-type, x-headgate-resume');
      assert.equal(headers.get('access-control-max-age'), '600');
      assert.equal(headers.get('access-control-allow-credentials'), null);
      assert.match(headers.get('vary')!, /^origin/);
    }
  });

  test('an answer and a refusal carry the origin, and the headers that a page may read', async () => {
    const authorization = `Bearer ${world.gate.key}`;
    for (const headers of [{ origin: ORIGIN, authorization }, { origin: ORIGIN }]) {
      const response = await get('/v1/models', headers);
      assert.equal(response.headers.get('access-control-allow-origin'), ORIGIN);
      assert.match(response.headers.get('access-control-expose-headers')!, /x-headgate-call-id/);
      assert.equal(response.headers.get('vary'), 'origin');
    }
    const stream = await fetch(`${world.gate.url}${CALL.path}`, {
      method: 'POST',
      headers: { origin: ORIGIN, authorization },
      body: JSON.stringify({ ...CALL.body, stream: true }),
    });
    assert.equal(stream.headers.get('access-control-allow-origin'), ORIGIN);
    assert.ok((await stream.text()).includes(JSON.stringify(TEXT.split(' ')[0]!).slice(1, -1)));
  });

  test('an origin that is not listed, and paths of the operator, get none of it', async () => {
    for (const origin of ['https://evil.example.com', `${ORIGIN}.evil.com`, 'null', 'http://app.example.com'])
      assert.deepEqual(granted(await preflight('/v1/chat/completions', origin)), [], origin);
    for (const path of ['/admin/keys', '/console/', '/metrics', '/health/live', '/v1beta/models', '/']) {
      assert.deepEqual(granted(await preflight(path, ORIGIN)), [], path);
      assert.deepEqual(granted(await get(path, { origin: ORIGIN })), [], path);
    }
  });

  test('a socket of an origin that is not listed is refused; of one without an origin it is not', async () => {
    const { url, key } = world.gate;
    const refused = await refusedUpgrade({ url, key, headers: { origin: 'https://evil.example.com' } });
    assert.equal(refused.status, 403);
    for (const headers of [{ origin: ORIGIN }, {}]) (await openSocket({ url, key, headers })).leave();
  });
});
