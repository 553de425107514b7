import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { rawExchange, requestBytes, type PostOptions, type RawAnswer } from './raw-http.ts';
import { accepted, assertRefusal, inWorld, makeKey, PATHS, refused, VALID } from './world.ts';

const CHAT = JSON.stringify(VALID['/v1/chat/completions']);

describe('hostile heads', () => {
  const world = inWorld();
  const send = (options: PostOptions, body = CHAT): Promise<RawAnswer> =>
    rawExchange(world.gate.url, [requestBytes(body, options)]);
  const unseen = async (work: () => Promise<void>): Promise<void> => {
    const { seen } = world.provider.stats();
    await work();
    assert.equal(world.provider.stats().seen, seen, 'the provider saw nothing');
  };

  test('a head of 1 MB, in one header and in many, is 431 and closes', () =>
    unseen(async () => {
      const one = await send({ key: world.gate.key, headers: { 'x-a': 'b'.repeat(1_000_000) } });
      assert.deepEqual([one.status, one.headers['connection']], [431, 'close']);
      const many = Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`x-h-${i}`, 'v'.repeat(200)]));
      const other = await send({ key: world.gate.key, headers: many });
      assert.equal(other.status, 431);
    }));

  test('credentials: none, wrong, two different, two equal, absurd', async () => {
    const { key } = world.gate;
    for (const path of PATHS) {
      const body = JSON.stringify(VALID[path]);
      const unauthorized = (options: PostOptions, code: string) =>
        refused(world, body, { status: 401, code }, { path, key: '', ...options });
      await unauthorized({}, 'invalid_api_key');
      await unauthorized({ key: 'hg_wrong' }, 'invalid_api_key');
      await unauthorized({ key, headers: { 'x-api-key': 'hg_other' } }, 'credentials_conflict');
      await unauthorized({ headers: { 'x-api-key': 'a', 'api-key': 'b' } }, 'credentials_conflict');
      await unauthorized({ key: 'k'.repeat(30_000) }, 'invalid_api_key');
      await unauthorized({ headers: { authorization: 'Basic dXNlcjpwYXNz' } }, 'invalid_api_key');
      await unauthorized({ headers: { authorization: 'Bearer' } }, 'invalid_api_key');
      await unauthorized({ key: world.gate.adminToken }, 'invalid_api_key');
      await accepted(world, body, { path, key, headers: { 'x-api-key': key } });
      await accepted(world, body, { path, key: '', headers: { 'x-api-key': key } });
    }
  });

  test('a credential twice in one header', () =>
    unseen(async () => {
      const head = requestBytes(CHAT, { key: world.gate.key }).toString('latin1');
      const twice = head.replace('content-type', 'authorization: Bearer hg_other\r\ncontent-type');
      assert.equal((await rawExchange(world.gate.url, [twice])).status, 401);
      const apiKeys = head.replace('content-type', 'x-api-key: hg_a\r\nx-api-key: hg_b\r\ncontent-type');
      assert.equal((await rawExchange(world.gate.url, [apiKeys])).status, 401);
    }));

  test('an unknown key is refused before a byte of the body is read', () =>
    unseen(async () => {
      const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: gate\r\nauthorization: Bearer hg_x\r\ncontent-length: 30000000\r\n\r\n`;
      const answer = await rawExchange(world.gate.url, [head], { patienceMs: 3_000 });
      assert.equal(answer.status, 401);
      assert.equal(answer.headers['connection'], 'close');
    }));

  test('headers that attribute: too many labels, unknown ones, odd values', async () => {
    const key = await makeKey(world, 'attributed', {
      rights: { features: ['search'], labels: ['env', 'region'], endUser: true },
    });
    const wrong: [string, string][] = [
      ['x-headgate-labels', Array.from({ length: 11 }, (_, i) => `l${i}=v`).join(',')],
      ['x-headgate-labels', 'colour=red'],
      ['x-headgate-labels', 'env'],
      ['x-headgate-labels', `env=${'x'.repeat(65)}`],
      ['x-headgate-labels', '__proto__=x'],
      ['x-headgate-feature', 'serch'],
      ['x-headgate-feature', '../../etc'],
      ['x-headgate-session', 'two words'],
      ['x-headgate-session', 's'.repeat(161)],
      ['x-headgate-agent', '<script>'],
      ['x-headgate-parent-agent', 'a\tb'],
      ['x-headgate-purpose', 'p'.repeat(65)],
      ['x-headgate-end-user', 'u'.repeat(257)],
      ['x-headgate-retry-of', 'r'.repeat(200)],
    ];
    for (const path of ['/v1/chat/completions', '/v1/messages'])
      for (const [header, value] of wrong) {
        const body = JSON.stringify(VALID[path]);
        await refused(world, body, { status: 400, field: header }, { path, key, headers: { [header]: value } });
      }
    await accepted(world, CHAT, { key, headers: { 'x-headgate-labels': 'env=prod,region=eu' } });
    const bare = await makeKey(world, 'bare', { rights: { session: false, agent: false, purpose: false } });
    for (const header of ['feature', 'end-user', 'session', 'agent', 'parent-agent', 'purpose', 'labels']) {
      const name = `x-headgate-${header}`;
      const headers = { [name]: header === 'labels' ? 'env=x' : 'search' };
      await refused(world, CHAT, { status: 400, code: 'header_not_allowed', field: name }, { key: bare, headers });
    }
  });

  test('odd values of headers that only inform are not an error', async () => {
    for (const headers of [
      { traceparent: 'zz' },
      { traceparent: '00-'.repeat(1_000) },
      { 'user-agent': '\xe9\xff'.repeat(100) },
      { 'x-stainless-retry-count': '-9e99' },
      { 'x-stainless-timeout': 'soon' },
      { 'x-stainless-timeout': '-1' },
      { 'x-stainless-timeout': '1e300' },
      { 'content-type': 'text/plain; charset="x' },
      { 'anthropic-beta': 'a,'.repeat(500) },
      { 'x-claude-code-session-id': 'not an id' },
      { accept: 'image/*' },
    ] as Record<string, string>[])
      await accepted(world, CHAT, { headers });
  });

  test('an unknown path is a 404 that lists the endpoints; a wrong method a 405', async () => {
    for (const path of [
      '/v1/chat/completion',
      '/v1/vector_stores',
      '/v2/messages',
      '/v1/chat/completions/',
      '//v1/responses',
    ]) {
      const wanted = { status: 404, code: 'endpoint_not_found', says: /POST \/v1\/chat\/completions/ };
      await refused(world, CHAT, wanted, { path });
    }
    await refused(
      world,
      CHAT,
      { status: 404, says: /Did you mean \/v1\/chat\/completions/ },
      { path: '/v1/chat/completion' },
    );
    const long = await send({ path: `/v1/${'x'.repeat(20_000)}`, key: world.gate.key });
    assert.equal(long.status, 404);
    assert.ok(long.body.length < 4_000);
    for (const path of PATHS)
      for (const method of ['GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
        const answer = await refused(world, '', { status: 405, code: 'method_not_allowed' }, { path, method });
        assert.equal(answer.headers['allow'], 'POST');
      }
    const odd = await send({ method: 'BREW', key: world.gate.key });
    assert.ok(odd.status === 400 || odd.status === 405, String(odd.status));
  });

  test('paths with escapes and dots lead nowhere', () =>
    unseen(async () => {
      for (const path of [
        '/v1/../admin/keys',
        '/v1/%2e%2e/admin',
        '/admin/keys',
        '/admin',
        '/metrics',
        '/v1/models/%ff',
      ]) {
        const answer = await send({ path, method: 'GET', key: world.gate.key }, '');
        assert.ok(answer.status === 404 || answer.status === 401, `${path}: ${answer.status}`);
      }
      const absolute = await send({ path: 'http://example.org/v1/chat/completions', key: world.gate.key });
      assert.ok(absolute.status === 404 || absolute.status === 400, String(absolute.status));
    }));

  test('HEAD / answers at once, without a key', async () => {
    const { url } = world.gate;
    const answer = await fetch(url, { method: 'HEAD' });
    assert.equal(answer.status, 200);
  });

  test('a WebSocket upgrade is 426 at once, on any path, with and without a key', () =>
    unseen(async () => {
      for (const path of ['/v1/responses', '/v1/chat/completions', '/']) {
        const headers = {
          connection: 'Upgrade',
          upgrade: 'websocket',
          'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
          'sec-websocket-version': '13',
        };
        const bytes = requestBytes('', { path, method: 'GET', key: world.gate.key, headers });
        const answer = await rawExchange(world.gate.url, [bytes]);
        assert.deepEqual([answer.status, answer.end], [426, 'whole']);
        assert.ok(answer.ms < 1_000, `${answer.ms} ms`);
        assert.equal(JSON.parse(answer.body.toString()).error.code, 'upgrade_required');
      }
    }));

  test('shapes of request smuggling are refused and the connection is closed', () =>
    unseen(async () => {
      const inner = requestBytes(CHAT, { key: world.gate.key }).toString('latin1');
      const head = (lines: string): string =>
        `POST /v1/chat/completions HTTP/1.1\r\nhost: gate\r\nauthorization: Bearer ${world.gate.key}\r\n${lines}\r\n\r\n`;
      const shapes = {
        'length and chunks': head('content-length: 5\r\ntransfer-encoding: chunked') + `0\r\n\r\n${inner}`,
        'two different lengths': head(`content-length: 2\r\ncontent-length: ${inner.length}`) + inner,
        'two equal lengths': head('content-length: 2\r\ncontent-length: 2') + '{}',
        'a list of lengths': head('content-length: 2, 3') + '{}',
        'a length with a sign': head('content-length: +2') + '{}',
        'a negative length': head('content-length: -2') + '{}',
        'a hexadecimal length': head('content-length: 0x2') + '{}',
        'an obscure transfer encoding': head('transfer-encoding: xchunked') + `0\r\n\r\n${inner}`,
        'a blank before the colon': head('transfer-encoding : chunked\r\ncontent-length: 2') + '{}',
        'a folded header': head('x-a: 1\r\n content-length: 99\r\ncontent-length: 2') + '{}',
        'a chunk size that is none': head('transfer-encoding: chunked') + `zz\r\n${inner}\r\n0\r\n\r\n`,
        'a negative chunk size': head('transfer-encoding: chunked') + `-1\r\n${inner}\r\n0\r\n\r\n`,
        'bare line feeds': head('transfer-encoding: chunked').replaceAll('\r\n', '\n') + '0\n\n',
        'a control character in a header': head('x-a: b\x00c\r\ncontent-length: 2') + '{}',
        'no host': head('content-length: 2').replace('host: gate\r\n', '') + '{}',
        'two hosts': head('host: other\r\ncontent-length: 2') + '{}',
      };
      for (const [name, bytes] of Object.entries(shapes)) {
        const answer = await rawExchange(world.gate.url, [Buffer.from(bytes, 'latin1')], { patienceMs: 3_000 });
        assert.equal(answer.status, 400, `${name}: ${answer.status} ${answer.end}`);
        assert.equal(answer.raw.toString('latin1').split('HTTP/1.1 ').length, 2, `${name}: one answer`);
      }
    }));

  test('what is no HTTP at all gets a 400 or a closed connection', async () => {
    const noise = [
      Buffer.alloc(4_096),
      Buffer.from('\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 'latin1'),
      'GET\r\n\r\n',
    ];
    for (const bytes of noise) {
      const answer = await rawExchange(world.gate.url, [bytes], { patienceMs: 3_000 });
      assert.ok(answer.status === 400 || answer.end === 'closed', `${answer.status} ${answer.end}`);
    }
    await accepted(world, CHAT);
  });

  test('a refusal in the form of the path, and of `anthropic-version` where the path is nobody’s', async () => {
    const headers = { 'anthropic-version': '2023-06-01' };
    const answer = await send({ path: '/v1/unknown', key: world.gate.key, headers });
    assert.equal(JSON.parse(answer.body.toString()).type, 'error');
    const messages = await send({ path: '/v1/messages', headers }, '{}');
    assertRefusal(messages, '/v1/messages', { status: 401, code: 'invalid_api_key' });
  });
});
