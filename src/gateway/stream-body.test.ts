import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { Agent, request } from 'undici';
import { seededRng, intBetween } from '#kernel/rng.ts';
import { StreamBody } from './stream-body.ts';

const SEED = 5;
/** Around what fits Node's stack, and a piece that fills the socket's buffer. */
const SIZES = [0, 1, 15, 16, 255, 4_096, 14 * 1024, 14 * 1024 + 1, 300_000];

let pieces: Buffer[] = [];
let last = Buffer.alloc(0);
const server = createServer((incoming, response) => {
  incoming.resume();
  const body = new StreamBody(response, 200, ['content-type', 'text/event-stream']);
  for (const piece of pieces) body.write(piece);
  body.end(last);
});
const agent = new Agent({ connections: 1, pipelining: 1 });
let port = 0;

before(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});
after(async () => {
  await agent.close();
  server.close();
});

const bytes = (length: number): Buffer => Buffer.from(Array.from({ length }, (_, i) => (i * 7 + length) % 256));

test(`another's parser reads the same bytes, one answer after the other on one connection (seed ${SEED})`, async () => {
  const rng = seededRng(SEED);
  for (let round = 0; round < 40; round++) {
    pieces = Array.from({ length: intBetween(rng, 0, 6) }, () => bytes(SIZES[intBetween(rng, 0, SIZES.length - 1)]!));
    last = bytes(SIZES[round % SIZES.length]!);
    const { body, headers } = await request(`http://127.0.0.1:${port}/`, { dispatcher: agent });
    assert.equal(headers['transfer-encoding'], 'chunked');
    assert.ok(Buffer.from(await body.arrayBuffer()).equals(Buffer.concat([...pieces, last])));
  }
});

test('a client of HTTP/1.0 gets the bytes without frames, and the end of the connection', async () => {
  pieces = [bytes(300)];
  last = bytes(20);
  const text = await new Promise<Buffer>((resolve, reject) => {
    const got: Buffer[] = [];
    const socket = connect(port, '127.0.0.1', () => socket.write('GET / HTTP/1.0\r\n\r\n'));
    socket.on('data', (chunk: Buffer) => got.push(chunk));
    socket.on('end', () => resolve(Buffer.concat(got)));
    socket.on('error', reject);
  });
  const head = text.indexOf('\r\n\r\n');
  assert.doesNotMatch(text.toString('latin1', 0, head), /transfer-encoding/i);
  assert.ok(text.subarray(head + 4).equals(Buffer.concat([...pieces, last])));
});
