import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { test } from 'node:test';
import { probeSseHttp2 } from '../../src/capabilities/streams/doctor/probe-sse-http2.ts';
import type { StreamSample } from '../../src/capabilities/streams/doctor/core/sample.ts';

const [DATA, HEADERS, RST_STREAM, SETTINGS] = [0, 1, 3, 4];
const END_STREAM = 1;

function frame(type: number, flags: number, { id = 1, payload = Buffer.alloc(0) } = {}): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(id, 5);
  return Buffer.concat([head, payload]);
}

const reset = (code: number): Buffer => frame(RST_STREAM, 0, { payload: Buffer.from([0, 0, 0, code]) });
const WHOLE = 'data: {"at":0}\n\nevent: done\ndata: {"count":1}\n\n';
const HALF = 'data: {"at":0}\n\n';

/** A hop byte by byte: `status: 200`, a body, and then its way of ending. Each write is torn at `pieceBytes`. */
async function through(body: string, end: (socket: Socket) => void, pieceBytes = 4_096): Promise<StreamSample> {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => undefined);
    socket.resume();
    const said = Buffer.concat([
      frame(SETTINGS, 0, { id: 0 }),
      frame(HEADERS, 4, { payload: Buffer.from([0x88]) }),
      frame(DATA, 0, { payload: Buffer.from(body) }),
    ]);
    void (async () => {
      await once(socket, 'data');
      for (let at = 0; at < said.length; at += pieceBytes) {
        socket.write(said.subarray(at, at + pieceBytes));
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
      end(socket);
    })();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const base = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const sample = await probeSseHttp2({ base, ticket: 'hge_x', headers: {} }, { query: {}, boundMs: 3_000 });
  server.close();
  return sample;
}

const says = (bytes: Buffer) => (socket: Socket) => void socket.write(bytes);

test('the end of a stream over HTTP/2 is END_STREAM and nothing else', async () => {
  const ends = {
    whole: await through(WHOLE, says(frame(DATA, END_STREAM))),
    torn: await through(WHOLE, says(frame(DATA, END_STREAM)), 3),
    half: await through(HALF, says(frame(DATA, END_STREAM))),
    trailers: await through(HALF, says(frame(HEADERS, 4 | END_STREAM, { payload: Buffer.from([0, 1, 97, 1, 98]) }))),
    // Node gives a reader the same for this as for the one before.
    noError: await through(HALF, says(reset(0))),
    cancel: await through(HALF, says(reset(8))),
    internal: await through(HALF, says(reset(2))),
    closed: await through(HALF, (socket) => socket.end()),
    reset: await through(HALF, (socket) => socket.resetAndDestroy()),
  };
  const read = Object.fromEntries(Object.entries(ends).map(([name, { end }]) => [name, end]));
  assert.deepEqual(read, {
    ...{ whole: 'complete', torn: 'complete', half: 'clean', trailers: 'clean' },
    ...{ noError: 'aborted', cancel: 'aborted', internal: 'aborted', closed: 'aborted', reset: 'aborted' },
  });
  for (const { events, status, httpVersion } of Object.values(ends))
    assert.deepEqual([events.length, status, httpVersion], [1, 200, '2.0']);
});

test('who answers no HTTP/2 is refused, and the probe ends within its bound', async () => {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const base = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const { end, status } = await probeSseHttp2({ base, ticket: 'x', headers: {} }, { query: {}, boundMs: 2_000 });
  server.close();
  assert.deepEqual([end, status], ['refused', null]);
});
