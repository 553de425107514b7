import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { after, afterEach, beforeEach, describe, test } from 'node:test';
import { CLIENT_KEEP_ALIVE, keepAlive, SERVER_BOUNDS, SERVER_TIMERS } from '../../src/gateway/timers.ts';
import { LONG_TIMERS } from '../../src/providers/provider-data.ts';
import { Transport, type UpstreamFailure } from '../../src/providers/transport.ts';
import { layCable } from './cable.ts';

const cable = layCable();
const { here: HERE, there: THERE, cut } = cable;

describe('a peer that vanishes without a word', { skip: cable.skip }, () => {
  const transport = new Transport();
  let child: ChildProcess | null = null;
  const inSpace = (script: string): ChildProcess => (child = cable.run(script));
  beforeEach(() => assert.ok(cable.lay()));
  afterEach(() => {
    child?.kill('SIGKILL');
    cable.remove();
  });
  after(() => transport.close());

  test('an idle client is gone when its probes were not answered', { timeout: 120_000 }, async (t) => {
    const server = createServer(SERVER_TIMERS, (_, response) => void response.end('ok'));
    Object.assign(server, SERVER_BOUNDS);
    server.on('connection', keepAlive);
    t.after(() => server.close());
    server.listen(0, HERE);
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const connected = once(server, 'connection') as Promise<[Socket]>;
    const client = inSpace(`
      const agent = new (require('node:http').Agent)({ keepAlive: true });
      require('node:http').get({ host: '${HERE}', port: ${port}, agent }, (answer) =>
        answer.resume().on('end', () => console.log('answered')));
      setInterval(() => {}, 1000);`);
    const [socket] = await connected;
    await once(client.stdout!, 'data');
    let code: string | undefined;
    socket.on('error', (error: NodeJS.ErrnoException) => (code = error.code));
    const closed = new Promise<unknown>((resolve) => socket.once('close', resolve));
    cut();
    const start = performance.now();
    await closed;
    const seconds = (performance.now() - start) / 1000;
    console.log(`an idle client that vanished was noticed after ${seconds.toFixed(1)} s`);
    const { initialDelay, interval, count } = CLIENT_KEEP_ALIVE;
    assert.equal(code, 'ETIMEDOUT');
    assert.ok(seconds <= (initialDelay + interval * count) / 1000 + 10, `${seconds} s`);
  });

  test('a provider in mid-stream is given up by the idle timer of the attempt', { timeout: 60_000 }, async () => {
    const provider = inSpace(`
      require('node:http').createServer((_, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write('data: 1\\n\\n');
      }).listen(8080, '${THERE}', () => console.log('ready'));`);
    await once(provider.stdout!, 'data');
    const start = { at: 0 };
    const failure = await new Promise<UpstreamFailure>((resolve) => {
      transport.send(
        {
          ...{ origin: `http://${THERE}:8080`, path: '/', headers: [], body: Buffer.from('{}') },
          timers: { ...LONG_TIMERS, idleMs: 2_000 },
        },
        {
          connected: () => undefined,
          headers: () => undefined,
          data: () => {
            start.at = performance.now();
            cut();
            return true;
          },
          end: () => assert.fail('no end came'),
          fail: resolve,
        },
      );
    });
    const seconds = (performance.now() - start.at) / 1000;
    console.log(`a provider that vanished was given up after ${seconds.toFixed(1)} s, its idle timer being 2 s`);
    assert.deepEqual([failure.kind, failure.sent], ['timeout', true]);
    assert.ok(seconds < 10);
  });
});
