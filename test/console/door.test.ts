import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startProvider, type Provider } from '#lab/provider/provider.ts';
import { buildConsole } from '../../scripts/console.ts';
import { startGate, type GateProcess } from '../harness/gate-process.ts';
import { rawExchange, type RawAnswer } from '../hostile/raw-http.ts';

/** A request as a browser of somebody else's choosing could send it: every header is written by hand. */
interface Asked {
  readonly method?: string;
  readonly path?: string;
  readonly host?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: object;
}

let provider: Provider;
let gate: GateProcess;
let own: string;

const ask = ({
  method = 'GET',
  path = '/admin/tenants',
  host = own,
  headers = {},
  body,
}: Asked): Promise<RawAnswer> => {
  const text = body === undefined ? '' : JSON.stringify(body);
  const lines = [
    `${method} ${path} HTTP/1.1`,
    `host: ${host}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    ...(body === undefined ? [] : ['content-type: application/json']),
    `content-length: ${Buffer.byteLength(text)}`,
    'connection: close',
  ];
  return rawExchange(gate.url, [Buffer.from(`${lines.join('\r\n')}\r\n\r\n${text}`)]);
};

interface Login {
  readonly cookie: string;
  readonly csrf: string;
  readonly setCookie: string;
}

async function logIn(headers: Readonly<Record<string, string>> = { origin: gate.url }): Promise<Login> {
  const answer = await ask({ method: 'POST', path: '/admin/session', headers, body: { token: gate.adminToken } });
  assert.equal(answer.status, 200, answer.body.toString());
  const setCookie = String(answer.headers['set-cookie']);
  return { setCookie, cookie: setCookie.split(';')[0]!, csrf: JSON.parse(answer.body.toString()).csrf };
}

const created = { id: 'never', name: 'Never' };

describe('the door of the console', () => {
  before(async () => {
    await buildConsole();
    provider = await startProvider({ seed: 7 });
    gate = await startGate({
      config: `
providers: { lab: { kind: lab, baseUrl: "${provider.url}/v1" } }
models: { small: { deployments: [{ provider: lab }] } }
console: { hosts: [gate.example.com] }
log: { level: silent }`,
    });
    own = new URL(gate.url).host;
  });
  after(async () => {
    await gate?.stop();
    await provider?.close();
  });

  test('the session cookie is HttpOnly, strict, bound to /admin, and holds nothing of the token', async () => {
    const { setCookie, cookie } = await logIn();
    assert.match(setCookie, /; Path=\/admin; HttpOnly; SameSite=Strict; Max-Age=43200$/);
    assert.ok(!setCookie.includes(gate.adminToken));
    assert.match(cookie, /^headgate_session=[A-Za-z0-9_-]{43}$/);
    const file = join(gate.dataDir, 'state', 'console.sessions.json');
    assert.equal(statSync(file).mode & 0o777, 0o600);
    const kept = readFileSync(file, 'utf8');
    assert.ok(!kept.includes(cookie.split('=')[1]!) && !kept.includes(gate.adminToken));
  });

  test('behind TLS the cookie is Secure', async () => {
    const { setCookie } = await logIn({ origin: 'https://gate.example.com' });
    assert.match(setCookie, /; Secure$/);
  });

  test('a session reads and changes with its CSRF token; the audit says it was the console', async () => {
    const { cookie, csrf } = await logIn();
    assert.equal((await ask({ headers: { cookie } })).status, 200);
    const headers = { cookie, 'x-headgate-csrf': csrf, origin: gate.url };
    const made = await ask({ method: 'POST', headers, body: { id: 'by-console' } });
    assert.equal(made.status, 201, made.body.toString());
    const { entries } = await gate.admin('GET', '/audit?limit=1');
    assert.deepEqual([entries[0].action, entries[0].actor], ['tenant.create', 'console']);
  });

  test('a change without the CSRF token, with another session’s, or from another origin changes nothing', async () => {
    const { cookie, csrf } = await logIn();
    const other = await logIn();
    const wrong: readonly Readonly<Record<string, string>>[] = [
      { cookie, origin: gate.url },
      { cookie, origin: gate.url, 'x-headgate-csrf': other.csrf },
      { cookie, origin: gate.url, 'x-headgate-csrf': '' },
      { cookie, 'x-headgate-csrf': csrf, origin: 'http://evil.example' },
      { cookie, 'x-headgate-csrf': csrf, origin: 'null' },
      { cookie, 'x-headgate-csrf': csrf },
      { cookie, 'x-headgate-csrf': csrf, 'sec-fetch-site': 'cross-site' },
      { cookie, 'x-headgate-csrf': csrf, origin: gate.url.replace(/\d+$/, '1') },
    ];
    for (const headers of wrong) {
      const { status } = await ask({ method: 'POST', headers, body: created });
      assert.equal(status, 403, JSON.stringify(headers));
    }
    const { tenants } = await gate.admin('GET', '/tenants');
    assert.ok(!tenants.some(({ id }: { id: string }) => id === 'never'));
  });

  test('a name that somebody pointed at us (DNS rebinding) gets neither page nor login nor data', async () => {
    const { cookie } = await logIn();
    const host = 'rebound.evil.example:80';
    assert.equal((await ask({ host, path: '/console/' })).status, 403);
    assert.equal((await ask({ host, headers: { cookie } })).status, 403);
    const headers = { origin: `http://${host}` };
    const login = await ask({
      host,
      method: 'POST',
      path: '/admin/session',
      headers,
      body: { token: gate.adminToken },
    });
    assert.equal(login.status, 403);
    assert.equal(login.headers['set-cookie'], undefined);
  });

  test('addresses, localhost and configured names are hosts of the console', async () => {
    for (const host of ['127.0.0.1:9', 'localhost', '[::1]:4141', '10.1.2.3', 'gate.example.com'])
      assert.notEqual((await ask({ host, path: '/console/' })).status, 403, host);
    for (const host of ['example.com', 'gate.example.com.evil.example', 'localhost.evil.example', ''])
      assert.notEqual((await ask({ host, path: '/console/' })).status, 200, host);
  });

  test('a read that another site’s page asked for is refused although the cookie came along', async () => {
    const { cookie } = await logIn();
    assert.equal((await ask({ headers: { cookie, 'sec-fetch-site': 'cross-site' } })).status, 403);
    assert.equal((await ask({ headers: { cookie, 'sec-fetch-site': 'same-origin' } })).status, 200);
  });

  test('made-up cookies open nothing; a closed session neither; the admin token stays as it was', async () => {
    const made = `headgate_session=${'A'.repeat(43)}`;
    assert.equal((await ask({ headers: { cookie: made } })).status, 401);
    const { cookie, csrf } = await logIn();
    const headers = { cookie, 'x-headgate-csrf': csrf, origin: gate.url };
    const closed = await ask({ method: 'DELETE', path: '/admin/session', headers });
    assert.match(String(closed.headers['set-cookie']), /Max-Age=0/);
    assert.equal((await ask({ headers: { cookie } })).status, 401);
    assert.equal((await ask({ headers: { authorization: `Bearer ${gate.adminToken}` } })).status, 200);
    assert.equal((await ask({ headers: { authorization: `Bearer ${gate.key}` } })).status, 401);
  });

  test('the session is no key: model calls and metrics do not take it', async () => {
    const { cookie } = await logIn();
    assert.equal((await ask({ path: '/v1/models', headers: { cookie } })).status, 401);
    assert.equal((await ask({ path: '/metrics', headers: { cookie } })).status, 401);
  });

  test('files and answers carry the headers of a page that trusts nobody', async () => {
    const page = await ask({ path: '/console/' });
    const policy = String(page.headers['content-security-policy']);
    for (const rule of ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"])
      assert.ok(policy.includes(rule), rule);
    assert.ok(!/unsafe|https?:|\*/.test(policy), policy);
    for (const answer of [page, await ask({ headers: { authorization: `Bearer ${gate.adminToken}` } })]) {
      assert.equal(answer.headers['x-content-type-options'], 'nosniff');
      assert.equal(answer.headers['referrer-policy'], 'no-referrer');
      assert.equal(answer.headers['x-frame-options'], 'DENY');
    }
    assert.equal(page.status, 200);
    assert.ok(!/<script(?![^>]*src=)|<style|\son\w+=|style=/.test(page.body.toString()), 'nothing inline');
  });

  test('no path leaves the folder of the build', async () => {
    for (const path of [
      '/console/../package.json',
      '/console/%2e%2e/package.json',
      '/console/..%2f..%2fpackage.json',
      '/console/build.json',
    ]) {
      const answer = await ask({ path });
      assert.ok(!answer.body.includes('"dependencies"') && !answer.body.includes('src/console'), path);
    }
  });

  test('a browser at the root is sent to the console; other clients get what they got before', async () => {
    const person = await ask({ path: '/', headers: { accept: 'text/html,*/*' } });
    assert.deepEqual([person.status, person.headers['location']], [302, '/console/']);
    assert.equal((await ask({ path: '/' })).body.toString(), 'Headgate\n');
  });

  test('turned off: neither page nor login; the token opens the admin API as ever', async () => {
    const off = await startGate({
      config: `
providers: { lab: { kind: lab, baseUrl: "${provider.url}/v1" } }
models: { small: { deployments: [{ provider: lab }] } }
console: { enabled: false }
log: { level: silent }`,
    });
    const { cookie } = await logIn();
    const status = async (path: string, init?: RequestInit): Promise<number> =>
      (await fetch(`${off.url}${path}`, { redirect: 'manual', ...init })).status;
    assert.equal(await status('/console/'), 404);
    assert.equal(await status('/admin/session', { method: 'POST', body: '{}' }), 401);
    assert.equal(await status('/admin/tenants', { headers: { cookie } }), 401);
    assert.equal((await off.admin('GET', '/tenants')).tenants.length, 1);
    await off.stop();
  });

  // Last: afterwards this address has to wait.
  test('wrong tokens are slowed, also when they are sent at once; the right one has to wait as well', async () => {
    const attempt = (token: string) =>
      ask({ method: 'POST', path: '/admin/session', headers: { origin: gate.url }, body: { token } });
    const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => attempt(`hga_guess_${i}`)));
    const counts = Map.groupBy(answers, ({ status }) => status);
    assert.equal(counts.get(401)?.length, 5);
    assert.equal(counts.get(429)?.length, 15);
    const waiting = await attempt(gate.adminToken);
    assert.equal(waiting.status, 429);
    assert.ok(Number(waiting.headers['retry-after']) >= 1);
    await gate.until('the wait is over', async () => (await attempt(gate.adminToken)).status === 200);
  });
});
