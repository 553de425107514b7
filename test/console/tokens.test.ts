import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startProvider, type Provider } from '#lab/provider/provider.ts';
import { startGate, temporaryFolder, type GateProcess } from '../harness/gate-process.ts';
import { callIdOf, openWith, type Reading } from '../streams/stream-client.ts';

interface Said {
  readonly status: number;
  readonly text: string;
}

interface Login {
  readonly id: string;
  readonly cookie: string;
  readonly setCookie: string;
  readonly session: any;
}

type Tenant = 'acme' | 'globex';

/** Sessions of the console by every kind of token: each is the token that opened it, no more and no less. */
describe('sessions of the console by named tokens', () => {
  let provider: Provider;
  let gate: GateProcess;
  let folder: string;
  const tokens: Record<'operator' | 'reader' | 'acme', string> = { operator: '', reader: '', acme: '' };
  /** Things of each tenant, by the name of a path's parameter. */
  const things: Record<Tenant, Record<string, string>> = { acme: {}, globex: {} };
  const keys: Record<Tenant, string> = { acme: '', globex: '' };
  let operations: readonly (readonly [method: string, path: string])[] = [];

  const start = (port?: number): Promise<GateProcess> =>
    startGate({
      config: `
providers: { lab: { kind: lab, baseUrl: "${provider.url}/v1" } }
models: { small: { deployments: [{ provider: lab, model: lab-small }] } }
prices: [{ provider: "*", model: "*", perMillion: { input: "1", output: "2" } }]
log: { level: silent }`,
      dataDir: folder,
      ...(port !== undefined && { port }),
    });

  before(async () => {
    folder = temporaryFolder('console-tokens');
    provider = await startProvider({ seed: 20261127 });
    gate = await start();
    for (const tenant of ['acme', 'globex'] as const) {
      await gate.admin('POST', '/tenants', { id: tenant });
      keys[tenant] = (await gate.admin('POST', '/keys', { tenant, name: 'for calls' })).key;
      const key = await gate.admin('POST', '/keys', { tenant, name: `key of ${tenant}` });
      const { id: budget } = await gate.admin('POST', '/budgets', { level: 'tenant', tenant, limitUsd: '5' });
      const { id: limit } = await gate.admin('POST', '/limits', { level: 'tenant', tenant, limit: 500 });
      const { id: layer } = await gate.admin('POST', '/layers', { level: 'tenant', tenant, values: { who: tenant } });
      await gate.admin('POST', '/teams', { tenant, name: 'core' });
      const call = await carry(keys[tenant]);
      things[tenant] = { tenant, key: key.id, budget, limit, layer, call };
    }
    tokens.operator = await make('ops', { scope: 'operator' });
    tokens.reader = await make('dashboards', { scope: 'reader' });
    tokens.acme = await make('acme admins', { scope: 'tenant', tenant: 'acme' });
    const { paths } = await gate.admin('GET', '/openapi.json');
    operations = Object.entries<object>(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => [method.toUpperCase(), path] as const),
    );
  });
  after(async () => {
    await gate?.stop();
    await provider?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const make = async (name: string, more: object): Promise<string> =>
    (await gate.admin('POST', '/tokens', { name, ...more })).token;

  async function carry(key: string): Promise<string> {
    const response = await fetch(`${gate.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'small', messages: [{ role: 'user', content: 'hi' }] }),
    });
    await response.text();
    const call = response.headers.get('x-headgate-call-id')!;
    await gate.until('its entry', async () => (await gate.admin('GET', `/calls/${call}`).catch(() => null)) !== null);
    return call;
  }

  const tryLogIn = (token: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> =>
    fetch(`${gate.url}/admin/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: gate.url, ...headers },
      body: JSON.stringify({ token }),
    });

  async function logIn(token: string, headers: Readonly<Record<string, string>> = {}): Promise<Login> {
    const response = await tryLogIn(token, headers);
    const session: any = await response.json();
    assert.equal(response.status, 200, JSON.stringify(session));
    const setCookie = response.headers.get('set-cookie')!;
    const cookie = setCookie.split(';')[0]!;
    return { setCookie, cookie, id: cookie.split('=')[1]!, session };
  }

  async function send(method: string, path: string, headers: object, body?: object): Promise<Said> {
    const response = await fetch(`${gate.url}${path}`, {
      method,
      headers: { ...headers, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    });
    return { status: response.status, text: await response.text() };
  }
  const byToken = (token: string, method: string, path: string, body?: object): Promise<Said> =>
    send(method, path, { authorization: `Bearer ${token}` }, body);
  const byLogin = ({ cookie, session }: Login, method: string, path: string, body?: object): Promise<Said> =>
    send(method, path, { cookie, origin: gate.url, 'x-headgate-csrf': session.csrf }, body);

  /** What was decided: the status, and of a refusal its words. Figures move between two questions. */
  function verdict({ status, text }: Said): unknown {
    if (status < 400) return status;
    const { code, message, param } = JSON.parse(text).error;
    return { status, code, message, param };
  }
  const fill = (path: string, of: Record<string, string>): string =>
    path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(of[name] ?? 'none'));

  test('what the session says of itself: whose it is, until when, and what it opens', async () => {
    const { session, setCookie } = await logIn(tokens.acme);
    assert.deepEqual(
      { ...session.token, id: session.token.id.slice(0, 4) },
      { id: 'tok_', name: 'acme admins', scope: 'tenant', tenant: 'acme', expiresAt: null },
    );
    assert.match(setCookie, /; Path=\/admin; HttpOnly; SameSite=Strict; Max-Age=43200$/);
    assert.ok(!JSON.stringify(session).includes(tokens.acme));
    const first = await logIn(gate.adminToken);
    assert.deepEqual(first.session.token, { ...first.session.token, id: null, name: 'admin', scope: 'operator' });
    assert.equal(first.session.opens.length, operations.length);
    const asked = JSON.parse((await send('GET', '/admin/session', { cookie: first.cookie })).text);
    assert.deepEqual(asked, first.session);
  });

  for (const who of ['acme', 'reader', 'operator'] as const)
    test(`${who}: every operation decides the same by session as by token, for own things, another’s and none`, async () => {
      const login = await logIn(tokens[who]);
      const token = tokens[who];
      let asked = 0;
      for (const [method, path] of operations) {
        // What an operator changes is changed: twice is not the same.
        if (who === 'operator' && method !== 'GET') continue;
        for (const named of [things.acme, things.globex, {}]) {
          const filled = fill(path, named);
          const tries =
            method === 'GET' ? [[filled], [`${filled}?tenant=globex`], [`${filled}?tenant=acme`]] : [[filled, {}]];
          for (const [address, body] of tries as [string, object?][]) {
            const wanted = verdict(await byToken(token, method, address, body));
            const session = await byLogin(login, method, address, body);
            assert.deepEqual(verdict(session), wanted, `${method} ${address}`);
            const isOpen = session.status !== 403;
            assert.equal(
              isOpen,
              login.session.opens.includes(`${method} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`),
              path,
            );
            // A refusal names what was asked for, and nothing else does.
            if (who === 'acme' && session.status < 400) assert.doesNotMatch(session.text, /globex/, address);
            asked += 1;
          }
        }
      }
      assert.ok(asked > (who === 'operator' ? 300 : 400), String(asked));
    });

  test('a tenant’s session names another tenant in a body, in a path, in a query: nothing is made or shown', async () => {
    const login = await logIn(tokens.acme);
    const before = await gate.admin('GET', '/keys?tenant=globex');
    for (const [method, path, body] of [
      ['POST', '/admin/keys', { name: 'x', tenant: 'globex' }],
      ['POST', '/admin/keys', { name: 'x', team: 'globex.core' }],
      ['POST', '/admin/keys', { name: 'x', operator: true }],
      ['POST', `/admin/keys/${things.globex['key']}/revoke`, {}],
      ['PATCH', `/admin/keys/${things.globex['key']}`, { name: 'taken' }],
      ['PATCH', `/admin/keys/${things.acme['key']}`, { tenant: 'globex' }],
      ['GET', `/admin/calls/${things.globex['call']}`],
      ['GET', `/admin/tenants/globex`],
      ['GET', '/admin/spend?tenant=globex&by=tenant'],
      ['GET', '/admin/spend?tenant=acme&tenant=globex&by=tenant'],
      ['GET', '/admin/export'],
      ['GET', '/admin/feeds'],
      ['GET', '/admin/audit?tenant=acme'],
    ] as const) {
      const said = await byLogin(login, method, path, body);
      assert.ok(said.status >= 400 && said.status < 500, `${method} ${path}: ${said.status} ${said.text}`);
      assert.doesNotMatch(said.text.replaceAll(/`[^`]*`/g, ''), /key of globex|call_/, path);
    }
    assert.deepEqual(await gate.admin('GET', '/keys?tenant=globex'), before);
    const made = await byLogin(login, 'POST', '/admin/keys', { name: 'by session' });
    assert.equal(made.status, 201, made.text);
    const { entries } = await gate.admin('GET', '/audit?limit=1');
    assert.deepEqual([entries[0].action, entries[0].actor, entries[0].tenant], ['key.create', 'acme admins', 'acme']);
  });

  test('streams that go on: a tenant’s session sees its own and no count of others, and ends none', async () => {
    const open = (tenant: Tenant): Promise<Reading> =>
      openWith(
        { url: gate.url, key: keys[tenant] },
        {
          ...{ method: 'POST', path: '/v1/chat/completions' },
          headers: { 'x-headgate-resume': 'true' },
          body: {
            ...{ model: 'small', stream: true },
            messages: [{ role: 'user', content: 'Wait. [[lab output=60 fault=stall@12]]' }],
          },
        },
      );
    const [own, ...others] = await Promise.all([open('acme'), open('globex'), open('globex')]);
    await gate.until('three go on', async () => (await gate.admin('GET', '/streams')).streams.length === 3);
    const login = await logIn(tokens.acme);
    for (const path of ['/admin/streams', '/admin/streams?tenant=acme', '/admin/streams?limit=1']) {
      const { status, text } = await byLogin(login, 'GET', path);
      const { streams, leftOut, callsInFlight, logBytes } = JSON.parse(text);
      assert.deepEqual([status, streams.length, leftOut, callsInFlight], [200, 1, 0, null]);
      assert.deepEqual([streams[0].id, streams[0].tenant], [callIdOf(own!), 'acme']);
      assert.equal(logBytes, streams[0].logBytes);
      for (const other of others) assert.ok(!text.includes(callIdOf(other)));
    }
    assert.equal((await byLogin(login, 'GET', '/admin/streams?tenant=globex')).status, 404);
    for (const reading of [own!, ...others])
      assert.equal((await byLogin(login, 'POST', `/admin/streams/${callIdOf(reading)}/cancel`, {})).status, 403);
    assert.equal((await gate.admin('GET', '/streams')).streams.length, 3);
    const reader = JSON.parse((await byLogin(await logIn(tokens.reader), 'GET', '/admin/streams')).text);
    assert.deepEqual([reader.streams.length, reader.callsInFlight], [3, 3]);
    for (const reading of [own!, ...others]) await gate.admin('POST', `/streams/${callIdOf(reading)}/cancel`);
    await Promise.all([own!, ...others].map(({ ended }) => ended));
  });

  test('quality: a tenant’s own lines, and nothing that is made of all tenants’', async () => {
    for (const tenant of ['acme', 'globex'] as const) {
      const response = await fetch(`${gate.url}/v1/headgate/scores`, {
        method: 'POST',
        headers: { authorization: `Bearer ${keys[tenant]}`, 'content-type': 'application/json' },
        body: JSON.stringify({ call: things[tenant]['call'], name: `right-${tenant}`, value: 1 }),
      });
      assert.ok(response.ok, await response.text());
    }
    const login = await logIn(tokens.acme);
    await gate.until('scores', async () => (await gate.admin('GET', '/quality')).together.length === 2);
    const own = JSON.parse((await byLogin(login, 'GET', '/admin/quality')).text);
    assert.deepEqual(
      own.lines.map(({ score }: any) => score),
      ['right-acme'],
    );
    assert.deepEqual([own.together, own.notFollowed], [[], 0]);
  });

  test('a revoked token ends its sessions at once, in this process and after a restart; others go on', async () => {
    const gone = await gate.admin('POST', '/tokens', { name: 'gone', scope: 'tenant', tenant: 'acme' });
    const [first, second, other] = [await logIn(gone.token), await logIn(gone.token), await logIn(tokens.acme)];
    assert.equal((await byLogin(first, 'GET', '/admin/keys')).status, 200);
    await gate.admin('POST', `/tokens/${gone.id}/revoke`, {});
    for (const login of [first, second]) {
      assert.equal((await byLogin(login, 'GET', '/admin/keys')).status, 401);
      assert.equal((await byLogin(login, 'POST', '/admin/keys', { name: 'x' })).status, 401);
      assert.equal((await byLogin(login, 'GET', '/admin/session')).status, 401);
    }
    assert.equal((await tryLogIn(gone.token)).status, 401);
    assert.equal((await byLogin(other, 'GET', '/admin/keys')).status, 200);
    await gate.stop();
    gate = await start(Number(new URL(gate.url).port));
    assert.equal((await byLogin(first, 'GET', '/admin/keys')).status, 401);
    assert.equal((await byLogin(other, 'GET', '/admin/keys')).status, 200);
    assert.equal((await byLogin(other, 'GET', '/admin/status')).status, 403);
    const file = readFileSync(join(folder, 'state', 'console.sessions.json'), 'utf8');
    for (const secret of [other.id, tokens.acme, other.session.csrf]) assert.ok(!file.includes(secret));
  });

  test('a token that is over ends its sessions with it, and the cookie says so from the start', async () => {
    const short = await make('short', { scope: 'reader', for: '2s' });
    const login = await logIn(short);
    assert.match(login.setCookie, /Max-Age=[12]$/);
    assert.equal(login.session.expiresAt, login.session.token.expiresAt);
    assert.equal((await byLogin(login, 'GET', '/admin/keys')).status, 200);
    await sleep(Date.parse(login.session.expiresAt) - Date.now() + 50);
    assert.equal((await byLogin(login, 'GET', '/admin/keys')).status, 401);
  });

  test('a disabled tenant’s sessions open nothing', async () => {
    const login = await logIn(await make('theirs', { scope: 'tenant', tenant: 'globex' }));
    assert.equal((await byLogin(login, 'GET', '/admin/keys')).status, 200);
    await gate.admin('PATCH', '/tenants/globex', { disabled: true });
    assert.equal((await byLogin(login, 'GET', '/admin/keys')).status, 401);
    await gate.admin('PATCH', '/tenants/globex', { disabled: false });
  });

  test('fixation: an id that came with the login is never taken over, and a lower session never becomes a higher one', async () => {
    const planted = randomBytes(32).toString('base64url');
    const victim = await logIn(gate.adminToken, { cookie: `headgate_session=${planted}` });
    assert.notEqual(victim.id, planted);
    assert.equal((await send('GET', '/admin/status', { cookie: `headgate_session=${planted}` })).status, 401);
    // The attacker's own living session, planted: it ends, and is not what the operator gets.
    const attacker = await logIn(tokens.acme);
    const lured = await logIn(gate.adminToken, { cookie: attacker.cookie });
    assert.notEqual(lured.id, attacker.id);
    assert.equal((await byLogin(attacker, 'GET', '/admin/keys')).status, 401);
    assert.equal((await byLogin(lured, 'GET', '/admin/status')).status, 200);
    // Beside the victim's own, from a sibling's wider cookie: neither is believed, in either order.
    const again = await logIn(tokens.acme);
    for (const cookie of [`${again.cookie}; ${lured.cookie}`, `${lured.cookie}; ${again.cookie}`])
      assert.equal((await send('GET', '/admin/keys', { cookie })).status, 401);
    assert.equal(
      (await byLogin({ ...lured, session: again.session }, 'POST', '/admin/tenants', { id: 'no' })).status,
      403,
    );
  });

  test('a bearer token beside a cookie is the one that counts', async () => {
    const operator = await logIn(gate.adminToken);
    const said = await send('GET', '/admin/status', {
      cookie: operator.cookie,
      authorization: `Bearer ${tokens.acme}`,
    });
    assert.equal(said.status, 403);
    const wrong = await send('GET', '/admin/status', { cookie: operator.cookie, authorization: 'Bearer hga_no' });
    assert.equal(wrong.status, 401);
  });

  test('no named token may bear the audit’s names of the first', async () => {
    for (const name of ['admin', 'console'])
      assert.equal((await byToken(gate.adminToken, 'POST', '/admin/tokens', { name, scope: 'reader' })).status, 409);
  });

  // Last: afterwards this address has to wait.
  test('a tenant’s login forgives no guesses: between two of its own nobody tries other tokens without end', async () => {
    assert.equal((await tryLogIn(tokens.operator)).status, 200);
    const guess = async (): Promise<number> => (await tryLogIn(`hga_${randomBytes(8).toString('hex')}`)).status;
    for (let i = 0; i < 4; i++) assert.equal(await guess(), 401);
    assert.equal((await tryLogIn(tokens.acme)).status, 200);
    assert.equal(await guess(), 401);
    assert.equal(await guess(), 429);
  });
});
