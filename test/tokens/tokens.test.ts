import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { TENANTS_OWN } from '#capabilities/tenants/routes.ts';
import { startProvider, type Provider } from '#lab/provider/provider.ts';
import { headgate } from '../harness/cli.ts';
import { startGate, type GateProcess } from '../harness/gate-process.ts';

interface Said {
  readonly status: number;
  readonly body: any;
  readonly text: string;
}

describe('named admin tokens', () => {
  let provider: Provider;
  let gate: GateProcess;
  const tokens: Record<'operator' | 'reader' | 'acme', string> = { operator: '', reader: '', acme: '' };
  /** Things of each tenant, by the name of a path's parameter. */
  const things: Record<'acme' | 'globex', Record<string, string>> = { acme: {}, globex: {} };
  let operations: string[] = [];

  before(async () => {
    provider = await startProvider({ seed: 20261127 });
    gate = await startGate({
      config: `
providers: { lab: { kind: lab, baseUrl: "${provider.url}/v1" } }
models: { small: { deployments: [{ provider: lab, model: lab-small }] } }
prices: [{ provider: "*", model: "*", perMillion: { input: "1", output: "2" } }]
features: { search: {} }
`,
    });
    for (const tenant of ['acme', 'globex'] as const) {
      await gate.admin('POST', '/tenants', { id: tenant });
      const key = await gate.admin('POST', '/keys', { tenant, name: `key of ${tenant}` });
      const { id: budget } = await gate.admin('POST', '/budgets', { level: 'tenant', tenant, limitUsd: '5' });
      const { id: limit } = await gate.admin('POST', '/limits', { level: 'tenant', tenant, limit: 500 });
      const { id: layer } = await gate.admin('POST', '/layers', { level: 'tenant', tenant, values: { who: tenant } });
      await gate.admin('POST', '/teams', { tenant, name: 'core' });
      const response = await fetch(`${gate.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key.key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'small', messages: [{ role: 'user', content: 'hi' }] }),
      });
      await response.text();
      const call = response.headers.get('x-headgate-call-id')!;
      await gate.until('its entry', async () => (await gate.admin('GET', `/calls/${call}`).catch(() => null)) !== null);
      things[tenant] = { tenant, key: key.id, budget, limit, layer, call };
    }
    await gate.admin('POST', '/budgets', { level: 'operator', limitUsd: '100' });
    const make = async (name: string, more: object): Promise<string> =>
      (await gate.admin('POST', '/tokens', { name, ...more })).token;
    tokens.operator = await make('ops', { scope: 'operator' });
    tokens.reader = await make('dashboards', { scope: 'reader' });
    tokens.acme = await make('acme’s own', { scope: 'tenant', tenant: 'acme' });
    const { paths } = await gate.admin('GET', '/openapi.json');
    operations = Object.entries<object>(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
  });
  after(async () => {
    await gate?.stop();
    await provider?.close();
  });

  async function as(token: string, method: string, path: string, body?: object): Promise<Said> {
    const response = await fetch(`${gate.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text.startsWith('{') ? JSON.parse(text) : null, text };
  }
  const fill = (path: string, of: Record<string, string>): string =>
    path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(of[name] ?? 'none'));
  const ruleOf = (operation: string) => TENANTS_OWN[operation.replaceAll(/\{(\w+)\}/g, ':$1')];

  test('each operation that a tenant’s token opens is one that there is, and has a tenant to hold it to', () => {
    const known = new Set(operations.map((operation) => operation.replaceAll(/\{(\w+)\}/g, ':$1')));
    assert.deepEqual(
      Object.keys(TENANTS_OWN).filter((operation) => !known.has(operation)),
      [],
    );
    assert.ok(operations.length > 60, String(operations.length));
  });

  test('a tenant’s token: of every operation its own or nothing, another’s in the words of one that never was', async () => {
    for (const operation of operations) {
      const [method, path] = operation.split(' ') as [string, string];
      const rule = ruleOf(operation);
      if (rule === undefined) {
        const { status, body } = await as(
          tokens.acme,
          method,
          fill(path, things.acme),
          method === 'GET' ? undefined : {},
        );
        assert.deepEqual([status, body.error.code], [403, 'forbidden'], operation);
        continue;
      }
      if (typeof rule === 'function' || rule === 'whose') {
        const body = method === 'GET' ? undefined : {};
        const foreign = await as(tokens.acme, method, fill(path, things.globex), body);
        const never = await as(
          tokens.acme,
          method,
          fill(path, {
            tenant: 'nobody',
            key: 'key_nobody',
            budget: 'bud_x',
            limit: 'lim_x',
            layer: 'tenant:nobody',
            call: `call_${'0'.repeat(26)}`,
          }),
          body,
        );
        assert.equal(foreign.status, 404, operation);
        const words = ({ body: { error } }: Said): string => error.message.replace(/`.*`/, '`…`');
        assert.equal(words(foreign), words(never), operation);
        if (method === 'GET')
          assert.equal((await as(tokens.acme, method, fill(path, things.acme))).status, 200, operation);
        continue;
      }
      if (rule === 'query') {
        const own = await as(tokens.acme, method, path);
        assert.equal(own.status, 200, `${operation}: ${own.text.slice(0, 200)}`);
        assert.doesNotMatch(own.text, /globex/, operation);
        assert.doesNotMatch(own.text, /"level":"operator"/, operation);
        assert.equal((await as(tokens.acme, method, `${path}?tenant=acme`)).status, 200, operation);
        assert.equal((await as(tokens.acme, method, `${path}?tenant=globex`)).status, 404, operation);
      }
    }
  });

  test('what an operation names beside its own thing is no way to ask whether another tenant has it', async () => {
    const words = ({ status, body: { error } }: Said): string => `${status} ${error.message.replace(/`[^`]*`/, '`…`')}`;
    for (const [method, foreign, never] of [
      ['POST', { path: '/admin/keys', team: 'globex.core' }, { path: '/admin/keys', team: 'globex.cora' }],
      [
        'GET',
        { path: '/admin/tenants/acme/explain?team=globex.core' },
        { path: '/admin/tenants/acme/explain?team=globex.cora' },
      ],
      [
        'GET',
        { path: `/admin/tenants/acme/explain?key=${things.globex['key']}` },
        { path: '/admin/tenants/acme/explain?key=key_nobody' },
      ],
    ] as const) {
      const told = [];
      for (const { path, ...rest } of [foreign, never])
        told.push(await as(tokens.acme, method, path, method === 'POST' ? { name: 'k', ...rest } : undefined));
      assert.equal(words(told[0]!), words(told[1]!), foreign.path);
      assert.equal(told[0]!.status, 404);
      // A hint names what is near, and of that only what is the tenant's own.
      for (const { text } of told) assert.doesNotMatch(text.replace(/`[^`]*`/, ''), /globex/, foreign.path);
    }
    const own = await as(tokens.acme, 'POST', '/admin/keys', { name: 'k', team: 'acme.cora' });
    assert.match(own.body.error.message, /Did you mean `acme\.core`/);
  });

  test('a tenant makes, changes, rotates and revokes keys of its own, and nothing in them is the operator’s', async () => {
    const made = await as(tokens.acme, 'POST', '/admin/keys', { name: 'by itself' });
    assert.equal(made.status, 201, made.text);
    assert.equal(made.body.tenant, 'acme');
    const path = `/admin/keys/${made.body.id}`;
    assert.equal((await as(tokens.acme, 'PATCH', path, { owner: 'ann' })).body.owner, 'ann');
    assert.equal((await as(tokens.acme, 'POST', `${path}/rotate`, {})).status, 200);
    assert.equal((await as(tokens.acme, 'POST', `${path}/revoke`, {})).status, 200);
    assert.equal((await as(tokens.acme, 'POST', '/admin/keys', { name: 'x', tenant: 'globex' })).status, 404);
    const { teams } = await gate.admin('GET', '/teams?tenant=globex');
    const foreignTeam = await as(tokens.acme, 'POST', '/admin/keys', { name: 'x', team: teams[0].id });
    const noTeam = await as(tokens.acme, 'POST', '/admin/keys', { name: 'x', team: 'globex.none' });
    assert.ok(foreignTeam.status >= 400 && noTeam.status >= 400);
    for (const body of [
      { name: 'x', operator: true },
      { name: 'x', operator: false },
    ])
      assert.equal((await as(tokens.acme, 'POST', '/admin/keys', body)).status, 403);
    assert.equal((await as(tokens.acme, 'PATCH', `/admin/keys/${things.acme['key']}`, { operator: true })).status, 403);
    const { entries } = await gate.admin('GET', '/audit?tenant=acme&limit=10');
    assert.ok(entries.some(({ action, actor }: any) => action === 'key.create' && actor === 'acme’s own'));
  });

  test('a reader reads everything but texts, and changes nothing', async () => {
    for (const operation of operations) {
      const [method, path] = operation.split(' ') as [string, string];
      const { status, text } = await as(
        tokens.reader,
        method,
        fill(path, things.acme),
        method === 'GET' ? undefined : {},
      );
      if (method === 'GET' && !path.endsWith('/content'))
        assert.ok(status !== 401 && status !== 403, `${operation}: ${text}`);
      else assert.equal(status, 403, operation);
    }
    assert.equal((await as(tokens.reader, 'GET', '/metrics')).status, 200);
    assert.equal((await as(tokens.acme, 'GET', '/metrics')).status, 403);
  });

  test('an operator’s named token opens everything, and the audit names it', async () => {
    assert.equal((await as(tokens.operator, 'GET', '/admin/status')).status, 200);
    assert.equal((await as(tokens.operator, 'POST', '/admin/tenants', { id: 'made-by-ops' })).status, 201);
    const { entries } = await gate.admin('GET', '/audit?tenant=made-by-ops');
    assert.equal(entries[0].actor, 'ops');
  });

  test('revoked, over, of a disabled tenant and unknown read alike; no token works on /v1, and none stands in a list', async () => {
    const unknown = await as('hga_nobody', 'GET', '/admin/keys');
    assert.equal(unknown.status, 401);
    const short = await gate.admin('POST', '/tokens', { name: 'short', scope: 'reader', for: '1s' });
    assert.equal((await as(short.token, 'GET', '/admin/keys')).status, 200);
    const gone = await gate.admin('POST', '/tokens', { name: 'gone', scope: 'reader' });
    await gate.admin('POST', `/tokens/${gone.id}/revoke`, {});
    const theirs = await gate.admin('POST', '/tokens', { name: 'theirs', scope: 'tenant', tenant: 'globex' });
    assert.equal((await as(theirs.token, 'GET', '/admin/keys')).status, 200);
    await gate.admin('PATCH', '/tenants/globex', { disabled: true });
    await sleep(1_100);
    for (const { token } of [short, gone, theirs]) assert.deepEqual(await as(token, 'GET', '/admin/keys'), unknown);
    await gate.admin('PATCH', '/tenants/globex', { disabled: false });
    assert.equal((await as(tokens.operator, 'POST', '/v1/chat/completions', { model: 'small' })).status, 401);
    const { text } = await as(tokens.operator, 'GET', '/admin/tokens');
    for (const token of [...Object.values(tokens), short.token]) assert.ok(!text.includes(token));
    assert.match(text, /"state":"expired"[\s\S]*"state":"revoked"|"state":"revoked"[\s\S]*"state":"expired"/);
  });

  test('a console opens to each token that lives, and says what it is', async () => {
    for (const [scope, token] of Object.entries({
      operator: tokens.operator,
      reader: tokens.reader,
      tenant: tokens.acme,
    })) {
      const response = await fetch(`${gate.url}/admin/session`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', origin: gate.url },
        body: JSON.stringify({ token }),
      });
      const session: any = await response.json();
      assert.deepEqual([response.status, session.token.scope], [200, scope]);
      assert.equal(session.opens.includes('GET /admin/spend'), true);
      assert.equal(session.opens.includes('GET /admin/status'), scope !== 'tenant');
      assert.equal(session.opens.includes('POST /admin/budgets'), scope === 'operator');
    }
  });

  test('bad input: no tenant, a tenant too many, a name that is taken, an absurd life', async () => {
    for (const [body, status] of [
      [{ name: 'x', scope: 'tenant' }, 400],
      [{ name: 'x', scope: 'reader', tenant: 'acme' }, 400],
      [{ name: 'x', scope: 'tenant', tenant: 'nobody' }, 404],
      [{ name: 'ops', scope: 'reader' }, 409],
      [{ name: 'x', scope: 'reader', for: '1000d' }, 400],
      [{ name: 'x', scope: 'root' }, 400],
    ] as const)
      assert.equal((await as(tokens.operator, 'POST', '/admin/tokens', body)).status, status, JSON.stringify(body));
  });

  test('the command line: made, listed, revoked', async () => {
    const made = await headgate(
      ['tokens', 'create', 'cli', '--scope', 'tenant', '--tenant', 'acme', '--for', '30d'],
      gate,
    );
    assert.equal(made.code, 0, made.err);
    const [, id, token] = /created (tok_\w+)\n(hga_\S+)/.exec(made.out)!;
    assert.equal((await as(token!, 'GET', '/admin/keys')).status, 200);
    const listed = await headgate(['tokens', 'list'], gate);
    assert.match(listed.out, /tok_\w+ +cli +tenant acme +live/);
    assert.equal((await headgate(['tokens', 'revoke', id!], gate)).code, 0);
    assert.equal((await as(token!, 'GET', '/admin/keys')).status, 401);
  });
});
