import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { WebSocketServer } from 'ws';
import { NoEcho } from '../../src/capabilities/streams/cli.ts';
import { measure } from '../../src/capabilities/streams/doctor/measure.ts';
import { probeSocket } from '../../src/capabilities/streams/doctor/probe-socket.ts';
import { probeSse } from '../../src/capabilities/streams/doctor/probe-sse.ts';
import type { Way } from '../../src/capabilities/streams/doctor/way.ts';
import { SHORT } from './echo-gate.ts';

/** Somebody else's server at the address: whatever it sends, the doctor says so and ends. */
describe('what is not an echo', () => {
  let server: Server;
  let way: Way;
  let answer: string | Buffer = '';
  let type = 'text/event-stream';
  before(async () => {
    server = createServer((request, response) => {
      request.resume();
      response.writeHead(200, { 'content-type': type });
      response.end(answer);
    });
    const sockets = new WebSocketServer({ server });
    sockets.on('connection', (client) => {
      client.ping('not a number');
      for (const text of ['no JSON', 'null', '[]', '{"at":"soon"}']) client.send(text);
      client.close(1000);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const base = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    way = { base, ticket: 'hge_x', headers: {} };
  });
  after(() => void server?.close());

  const sse = () => probeSse(way, { query: {}, boundMs: 5_000 });

  test('events of others are no events of the echo', async () => {
    for (const text of [
      'data: {}\n\n',
      'data: no JSON\n\n',
      ': beat\n\n',
      'data: {"at":"1"}\n\n',
      '\u0000\u0001',
      '',
    ]) {
      answer = text;
      const { events, beats, end, status } = await sse();
      assert.deepEqual([events, beats, end, status], [[], [], 'clean', 200], JSON.stringify(text));
    }
  });

  test('an event without end is given up', async () => {
    answer = Buffer.alloc(1024 * 1024, 'x');
    const { end, code } = await sse();
    assert.deepEqual([end, code], ['aborted', 'not_the_echo']);
  });

  test('messages and pings of others are none of the echo', async () => {
    const { events, beats, status, end } = await probeSocket(way, { query: {}, boundMs: 5_000 });
    assert.deepEqual([events, beats, status, end], [[], [], 101, 'clean']);
  });

  test('nothing is measured there', async () => {
    type = 'text/html';
    for (const text of ['<html>', '{"seen":null}', '[]', '']) {
      answer = text;
      await assert.rejects(
        measure(way, SHORT, () => undefined),
        NoEcho,
      );
    }
  });
});
