import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { headBytes, rawExchange, requestBytes } from './raw-http.ts';
import { accepted, assertRefusal, baseConfig, inWorld, refused, VALID, type World } from './world.ts';

const LIMIT_BYTES = 1024 * 1024;
const TIMEOUT_MS = 600;
const CHAT = JSON.stringify(VALID['/v1/chat/completions']);
const PACK = {
  gzip: gzipSync,
  'x-gzip': gzipSync,
  deflate: deflateSync,
  br: brotliCompressSync,
  zstd: zstdCompressSync,
} as const;

const chunked = (bytes: Uint8Array | string): Buffer => {
  const body = Buffer.from(bytes as string);
  return Buffer.concat([Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from('\r\n')]);
};
const chunkedHead = (world: World, headers: Record<string, string> = {}): Buffer =>
  headBytes({ key: world.gate.key, headers: { 'transfer-encoding': 'chunked', ...headers } });

describe('bodies on their way in', () => {
  const world = inWorld({
    config: (url) => `${baseConfig(url)}limits: { bodyBytes: 1MiB, bodyTimeout: ${TIMEOUT_MS}ms }\n`,
  });

  for (const [encoding, pack] of Object.entries(PACK)) {
    test(`${encoding}: read, also in pieces of a byte; cut, spoilt or a bomb refused`, async () => {
      const headers = { 'content-encoding': encoding };
      const packed = Buffer.from(pack(Buffer.from(CHAT)));
      await accepted(world, packed, { headers });
      assert.equal(world.provider.log.at(-1)!.headers['content-encoding'], undefined);
      const slowly = [
        chunkedHead(world, headers),
        ...[...packed].map((byte) => chunked(Buffer.from([byte]))),
        '0\r\n\r\n',
      ];
      assert.equal((await rawExchange(world.gate.url, slowly)).status, 200);
      const spoilt = { status: 415, code: 'bad_encoding', field: 'content-encoding' };
      await refused(world, packed.subarray(0, packed.length - 6), spoilt, { headers });
      await refused(world, CHAT, spoilt, { headers });
      const bomb = Buffer.from(pack(Buffer.alloc(64 * LIMIT_BYTES, 'a')));
      assert.ok(bomb.length < LIMIT_BYTES);
      await refused(world, bomb, { status: 413, code: 'body_too_large' }, { headers });
    });
  }

  test('an unknown encoding is 415 in both forms; identity and capitals are known', async () => {
    for (const encoding of ['lzma', 'compress', 'gzip, br', '*', 'constructor', '__proto__', 'x'.repeat(5_000)]) {
      const headers = { 'content-encoding': encoding };
      await refused(world, CHAT, { status: 415, code: 'bad_encoding' }, { headers });
      const path = '/v1/messages';
      await refused(world, JSON.stringify(VALID[path]), { status: 415 }, { path, headers });
    }
    await accepted(world, CHAT, { headers: { 'content-encoding': 'identity' } });
    await accepted(world, gzipSync(CHAT), { headers: { 'content-encoding': 'GZIP' } });
  });

  test('over the limit: declared, chunked, and one byte more', async () => {
    const body = (bytes: number): string => CHAT + ' '.repeat(bytes - CHAT.length);
    await accepted(world, body(LIMIT_BYTES));
    await refused(world, body(LIMIT_BYTES + 1), { status: 413, code: 'body_too_large' });
    const seen = world.provider.stats().seen;
    const declared = headBytes({ key: world.gate.key, headers: { 'content-length': String(10 * 1024 ** 4) } });
    const answer = await rawExchange(world.gate.url, [declared]);
    assertRefusal(answer, '/', { status: 413 });
    const parts = Array.from({ length: 20 }, () => chunked(' '.repeat(64 * 1024)));
    const flood = await rawExchange(world.gate.url, [chunkedHead(world), ...parts]);
    assertRefusal(flood, '/', { status: 413 });
    assert.equal(flood.headers['connection'], 'close');
    assert.equal(world.provider.stats().seen, seen);
  });

  test('a slow sender gets a 408 when its time is over, whatever it trickles', async () => {
    const seen = world.provider.stats().seen;
    const head = headBytes({ key: world.gate.key, headers: { 'content-length': '100' } });
    const silent = await rawExchange(world.gate.url, [head, '{']);
    assertRefusal(silent, '/', { status: 408, code: 'slow_request' });
    assert.ok(silent.ms >= TIMEOUT_MS - 50 && silent.ms < TIMEOUT_MS + 3_000, `${silent.ms} ms`);
    const drops = Array.from({ length: 40 }, () => [' ', 50]).flat();
    const trickle = await rawExchange(world.gate.url, [head, ...drops]);
    assertRefusal(trickle, '/', { status: 408 });
    const anthropic = headBytes({ path: '/v1/messages', key: world.gate.key, headers: { 'content-length': '9' } });
    assertRefusal(await rawExchange(world.gate.url, [anthropic]), '/v1/messages', { status: 408 });
    assert.equal(world.provider.stats().seen, seen);
  });

  // A client that closes its socket sends the same FIN as one that half-closes, and the gate must tell the provider
  // at once: so a half-close is a departure, as in Node's own server, and ends the connection without a hang.
  test('a client that half-closes after its request has left: nothing hangs, the provider is told', async () => {
    const body = JSON.stringify({
      model: 'm',
      stream: true,
      messages: [{ role: 'user', content: '[[lab output=2000]] x' }],
    });
    const seen = world.provider.stats().seen;
    const bytes = requestBytes(body, { key: world.gate.key });
    const answer = await rawExchange(world.gate.url, [bytes, 30], { halfClose: true });
    assert.equal(answer.end, 'closed');
    assert.ok(answer.ms < 2_000, `${answer.ms} ms`);
    await world.gate.until('the provider is told', () =>
      world.provider.log.every(({ n, aborted }) => n <= seen || aborted),
    );
  });

  test('a client that half-closes or leaves within its body costs nothing', async () => {
    const seen = world.provider.stats().seen;
    const head = headBytes({ key: world.gate.key, headers: { 'content-length': '100' } });
    const half = await rawExchange(world.gate.url, [head, '{'], { halfClose: true, patienceMs: 3_000 });
    assert.ok(half.end !== 'silence' && (half.status === 0 || half.status === 400), `${half.status} ${half.end}`);
    await rawExchange(world.gate.url, [head, '{'], { patienceMs: 50 });
    await accepted(world, CHAT);
    assert.equal(world.provider.stats().seen, seen + 1);
  });

  test('Expect: 100-continue is answered before the body is sent', async () => {
    const head = headBytes({
      key: world.gate.key,
      headers: { expect: '100-continue', 'content-length': String(CHAT.length) },
    });
    const answer = await rawExchange(world.gate.url, [head, 100, CHAT]);
    assert.match(answer.raw.toString('latin1'), /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200/);
    const other = headBytes({ key: world.gate.key, headers: { expect: 'a-miracle', 'content-length': '2' } });
    assert.equal((await rawExchange(world.gate.url, [other, '{}'])).status, 417);
  });

  test('pipelined requests get their answers in order', async () => {
    const wrong = requestBytes('{', { key: world.gate.key });
    const good = requestBytes(CHAT, { key: world.gate.key });
    const bytes = Buffer.concat([wrong, good, wrong]);
    const answer = await rawExchange(world.gate.url, [bytes, 300], { patienceMs: 1_500, halfClose: true });
    assert.equal(answer.status, 400);
  });

  test('three hundred spoilt bodies later the gate still serves', { timeout: 60_000 }, async () => {
    const letters = Buffer.from(CHAT);
    for (let i = 0; i < 300; i++) {
      const spoilt = Buffer.from(letters);
      // A fixed walk over the bytes: each run spoils the same ones.
      spoilt[(i * 7) % spoilt.length] = (i * 31) % 256;
      const answer = await rawExchange(world.gate.url, [requestBytes(spoilt, { key: world.gate.key })]);
      assert.ok([200, 400, 404].includes(answer.status), `${i}: ${answer.status}`);
    }
    await accepted(world, CHAT);
    assert.equal(world.gate.child.exitCode, null);
  });
});
