import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { call, inRulesWorld } from '../clients-rules/rules-world.ts';
import { EVENTS, stream } from '../clients-rules/scripted-upstream.ts';

const CHAT = '/v1/chat/completions';
const ask = async (url: string, path: string, headers: Record<string, string> = {}) => {
  const response = await fetch(url + path, { headers });
  return { status: response.status, text: await response.text(), headers: response.headers };
};

describe('/health', () => {
  const world = inRulesWorld();

  test('live and ready without a credential, and without a word more', async () => {
    for (const headers of [{}, { authorization: 'Bearer nonsense' }] as Record<string, string>[]) {
      const [live, ready] = [
        await ask(world.gate.url, '/health/live', headers),
        await ask(world.gate.url, '/health/ready', headers),
      ];
      assert.deepEqual([live.status, live.text], [200, 'live\n']);
      assert.deepEqual([ready.status, ready.text], [200, 'ready\n']);
    }
    assert.equal((await ask(world.gate.url, '/health')).status, 404);
    assert.equal((await ask(world.gate.url, '/health/ready/')).status, 404);
  });

  test('while it drains it is alive and not ready', async () => {
    const { start, text, finish, usage, end } = EVENTS[CHAT];
    world.first.answer(stream([start, text, 900, finish, usage, end]));
    const running = call(world, CHAT, { model: 'm', stream: true });
    // Two connections that are busy when the drain begins: idle ones are closed, and new ones not taken.
    const [a, b] = [await half(world.gate.url, '/health/ready'), await half(world.gate.url, '/health/live')];
    await new Promise((resolve) => setTimeout(resolve, 200));
    world.gate.child.kill('SIGTERM');
    await world.gate.until('it drains', () => world.gate.stderr().includes('"draining"'));
    assert.match(await finished(a), /^HTTP\/1\.1 503 [\s\S]*\r\n\r\ndraining\n$/);
    assert.match(await finished(b), /^HTTP\/1\.1 200 [\s\S]*\r\n\r\nlive\n$/);
    assert.equal((await running).end, 'whole');
  });
});

describe('/health of a node that lost the thread of its stores', () => {
  const preload = join(import.meta.dirname, 'end-stores-on-signal.ts');
  const world = inRulesWorld({ nodeArgs: ['--import', preload] });

  test('it is not ready, says what to do, and goes on serving what it has', async () => {
    assert.equal((await ask(world.gate.url, '/health/ready')).status, 200);
    world.gate.child.kill('SIGUSR2');
    await world.gate.until('it is not ready', async () => (await ask(world.gate.url, '/health/ready')).status === 503);
    assert.match(
      (await ask(world.gate.url, '/health/ready')).text,
      /thread of the stores has ended: restart this node/,
    );
    assert.equal((await ask(world.gate.url, '/health/live')).status, 200);
    const { start, text, finish, usage, end } = EVENTS[CHAT];
    world.first.answer(stream([start, text, finish, usage, end]));
    assert.equal((await call(world, CHAT, { model: 'm', stream: true })).status, 200);
  });
});

/** A connection that has sent its request but for the last line. */
async function half(url: string, path: string): Promise<Socket> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  await once(socket, 'connect');
  socket.write(`GET ${path} HTTP/1.1\r\nhost: gate\r\n`);
  return socket;
}

async function finished(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk));
  socket.write('\r\n');
  const body = /\r\n\r\n[\s\S]+\n$/;
  for (let i = 0; i < 100 && !body.test(text); i++) await new Promise((resolve) => setTimeout(resolve, 20));
  socket.destroy();
  return text;
}
