import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import { LINGER_MS } from '#gateway/last-words.ts';
import { rawExchange, requestBytes } from './raw-http.ts';
import { inWorld } from './world.ts';

const upgrade = (path: string): string =>
  `GET ${path} HTTP/1.1\r\nhost: gate\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\n` +
  'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';

const REFUSED: readonly (readonly [string, string, number])[] = [
  ['an upgrade on a path without one', upgrade('/v1/responses'), 426],
  ['an upgrade without a key', upgrade('/v1/stream'), 401],
  ['what is no HTTP', 'GARBAGE\r\n\r\n', 400],
];

describe('whoever was refused, has no key and never closes its half', () => {
  const world = inWorld();

  /** The status that came, on a connection that stays open as far as its client is concerned. */
  async function held(bytes: string): Promise<{ readonly socket: Socket; readonly status: number }> {
    const { hostname, port } = new URL(world.gate.url);
    const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true });
    socket.on('error', () => undefined);
    socket.write(bytes);
    const [first] = (await once(socket, 'data')) as [Buffer];
    await once(socket, 'end');
    return { socket, status: Number(first.toString('latin1', 9, 12)) };
  }

  /** A connection that the gate has let go answers what is written to it with a reset, and takes nothing more. */
  async function isGone(socket: Socket): Promise<boolean> {
    const closed = new Promise<true>((resolve) => socket.once('close', () => resolve(true)));
    socket.write('x');
    setTimeout(() => socket.write('x'), 100);
    return Promise.race([closed, new Promise<false>((resolve) => setTimeout(() => resolve(false), 1_000))]);
  }

  for (const [name, bytes, status] of REFUSED)
    test(`${name}: the answer comes, and the connection is let go after ${LINGER_MS} ms`, async () => {
      const { socket, status: came } = await held(bytes);
      assert.equal(came, status);
      await new Promise((resolve) => setTimeout(resolve, LINGER_MS + 500));
      assert.equal(await isGone(socket), true, 'the gate holds it still');
    });

  test('a gate that stops does not wait for them', { timeout: 60_000 }, async () => {
    const sockets = await Promise.all(REFUSED.map(([, bytes]) => held(bytes)));
    const before = await rawExchange(world.gate.url, [requestBytes('', { path: '/', method: 'HEAD' })]);
    assert.equal(before.status, 200);
    const at = performance.now();
    const exited = once(world.gate.child, 'exit');
    world.gate.child.kill('SIGTERM');
    const [code] = (await exited) as [number | null];
    const ms = performance.now() - at;
    assert.equal(code, 0);
    assert.ok(ms < LINGER_MS + 3_000, `${Math.round(ms)} ms`);
    for (const { socket } of sockets) socket.destroy();
  });
});
