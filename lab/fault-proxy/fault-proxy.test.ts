import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FaultProxy } from './fault-proxy.ts';
import { startFaultProxy } from './fault-proxy.ts';
import type { FaultPlan } from './plan.ts';
import { parsePlan, planFor, seededRng } from './plan.ts';

const PAYLOAD = Buffer.from(Array.from({ length: 5000 }, (_, i) => i % 251));

interface Received {
  readonly bytes: Buffer;
  readonly chunks: number;
  readonly error: string | null;
  readonly ended: boolean;
}

/** Collects until the socket ends, breaks or `forMs` is over. */
async function receive(socket: Socket, forMs = 5000): Promise<Received> {
  const parts: Buffer[] = [];
  let error: string | null = null;
  let ended = false;
  socket.on('data', (chunk: Buffer) => parts.push(chunk));
  const over = new Promise<void>((resolve) => {
    socket.once('end', () => ((ended = true), resolve()));
    socket.once('error', (cause: NodeJS.ErrnoException) => ((error = cause.code ?? 'error'), resolve()));
    setTimeout(resolve, forMs).unref();
  });
  await over;
  return { bytes: Buffer.concat(parts), chunks: parts.length, error, ended };
}

describe('fault proxy', () => {
  /** Answers each connection with the payload and an end, and keeps what it was sent. */
  let sender: Server;
  /** Sends back what it gets, ends when the client ends. */
  let echo: Server;
  const proxies: FaultProxy[] = [];

  before(async () => {
    sender = createServer((socket) => socket.on('error', () => undefined).end(PAYLOAD)).listen(0, '127.0.0.1');
    echo = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => undefined);
      socket.pipe(socket);
    }).listen(0, '127.0.0.1');
    await Promise.all([once(sender, 'listening'), once(echo, 'listening')]);
  });
  after(async () => {
    await Promise.all(proxies.map((proxy) => proxy.close()));
    sender.close();
    echo.close();
  });

  async function through(server: Server, plan: FaultPlan): Promise<{ proxy: FaultProxy; open: () => Promise<Socket> }> {
    const { port } = server.address() as AddressInfo;
    const proxy = await startFaultProxy({ target: `127.0.0.1:${port}`, plan, seed: 7 });
    proxies.push(proxy);
    const open = async (): Promise<Socket> => {
      const socket = connect({ port: proxy.port, host: '127.0.0.1', allowHalfOpen: true });
      await once(socket, 'connect');
      return socket;
    };
    return { proxy, open };
  }

  test('without faults bytes pass both ways unchanged', async () => {
    const { proxy, open } = await through(echo, {});
    const socket = await open();
    socket.end(PAYLOAD);
    const { bytes, ended } = await receive(socket);
    assert.deepEqual(bytes, PAYLOAD);
    assert.ok(ended);
    assert.equal(proxy.connections[0]?.bytesToServer, PAYLOAD.length);
    assert.equal(proxy.connections[0]?.bytesToClient, PAYLOAD.length);
  });

  test('delay holds each chunk back and keeps the bytes', async () => {
    const { open } = await through(sender, { toClient: { delayMs: 150, jitterMs: 20 } });
    const startMs = performance.now();
    const { bytes } = await receive(await open());
    assert.deepEqual(bytes, PAYLOAD);
    assert.ok(performance.now() - startMs >= 145);
  });

  test('throttle passes no more than the rate', async () => {
    const { open } = await through(sender, { toClient: { bytesPerSecond: 20_000 } });
    const startMs = performance.now();
    const { bytes } = await receive(await open());
    assert.deepEqual(bytes, PAYLOAD);
    assert.ok(performance.now() - startMs >= 200, '5,000 bytes at 20,000 a second take a quarter of a second');
  });

  test('buffer holds until so many bytes have come, or the end', async () => {
    const { open } = await through(echo, { toServer: { holdBytes: 10 } });
    const socket = await open();
    const seen: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => seen.push(chunk));
    socket.write('12345');
    await sleep(60);
    assert.equal(seen.length, 0);
    socket.end('6');
    await once(socket, 'end');
    assert.equal(Buffer.concat(seen).toString(), '123456');
  });

  test('chunkBytes tears the stream into pieces', async () => {
    const { open } = await through(sender, { toClient: { chunkBytes: 500 } });
    const { bytes, chunks } = await receive(await open());
    assert.deepEqual(bytes, PAYLOAD);
    assert.ok(chunks >= 3, `${chunks} chunks`);
  });

  test('cut passes exactly n bytes and resets both sides', async () => {
    const { proxy, open } = await through(sender, { toClient: { cutAfterBytes: 1234 } });
    const { bytes, error, ended } = await receive(await open());
    assert.deepEqual(bytes, PAYLOAD.subarray(0, 1234));
    assert.equal(error, 'ECONNRESET');
    assert.equal(ended, false);
    assert.equal(proxy.connections[0]?.outcome, 'cut');
  });

  test('half-close ends one direction in order, the other goes on', async () => {
    const { proxy, open } = await through(echo, { toClient: { halfCloseAfterBytes: 4 } });
    const socket = await open();
    socket.write('abcdef');
    const { bytes, ended, error } = await receive(socket);
    assert.equal(bytes.toString(), 'abcd');
    assert.ok(ended && error === null);
    socket.write('more');
    for (let i = 0; i < 100 && proxy.connections[0]?.bytesToServer !== 10; i++) await sleep(10);
    assert.equal(proxy.connections[0]?.bytesToServer, 10);
    socket.destroy();
  });

  test('black hole accepts everything and passes nothing, not even the end', async () => {
    const { proxy, open } = await through(echo, { toServer: { blackHoleAfterBytes: 0 } });
    const socket = await open();
    socket.end(PAYLOAD);
    const { bytes, ended, error } = await receive(socket, 120);
    assert.equal(bytes.length, 0);
    assert.ok(!ended && error === null);
    assert.equal(proxy.connections[0]?.bytesToServer, 0);
    socket.destroy();
  });

  test('slow read is felt by the sender as backpressure', async () => {
    const { proxy, open } = await through(echo, { toServer: { slowReadBytesPerSecond: 20_000 } });
    const socket = await open();
    socket.write(Buffer.alloc(32 * 1024 * 1024));
    await sleep(200);
    assert.ok(socket.writableLength > 0, 'the kernel has not taken everything');
    const passed = proxy.connections[0]?.bytesToServer ?? 0;
    assert.ok(passed > 0 && passed < 200_000, `${passed} bytes passed`);
    socket.destroy();
  });

  test('slow read delivers everything in the end', async () => {
    const { open } = await through(sender, { toClient: { slowReadBytesPerSecond: 50_000 } });
    const { bytes, ended } = await receive(await open());
    assert.deepEqual(bytes, PAYLOAD);
    assert.ok(ended);
  });

  test('refuse resets before the target is dialled', async () => {
    const { proxy, open } = await through(sender, { refuse: true });
    const result = await open().then(receive, (error: NodeJS.ErrnoException) => ({ error: error.code }));
    assert.equal(result.error, 'ECONNRESET');
    assert.equal(proxy.connections[0]?.outcome, 'refused');
  });

  test('plans change by connection, and by setPlan', async () => {
    const { proxy, open } = await through(sender, [{ toClient: { cutAfterBytes: 10 } }, {}]);
    assert.equal((await receive(await open())).bytes.length, 10);
    assert.equal((await receive(await open())).bytes.length, PAYLOAD.length);
    proxy.setPlan({ toClient: { cutAfterBytes: 20 } });
    assert.equal((await receive(await open())).bytes.length, 20);
  });

  test('a target that is away resets the client', async () => {
    const proxy = await startFaultProxy({ target: '127.0.0.1:1' });
    proxies.push(proxy);
    const socket = connect({ port: proxy.port, host: '127.0.0.1' });
    const { error } = await receive(socket);
    assert.equal(error, 'ECONNRESET');
    assert.equal(proxy.connections[0]?.outcome, 'error');
  });
});

test('a plan by function draws the same from the same seed', () => {
  const plan: FaultPlan = (_, rng) => ({ toClient: { cutAfterBytes: Math.floor(rng() * 1e6) } });
  assert.deepEqual(planFor(plan, 3, seededRng(5)), planFor(plan, 3, seededRng(5)));
  assert.notDeepEqual(planFor(plan, 3, seededRng(5)), planFor(plan, 3, seededRng(6)));
});

test('a plan file with an unknown or wrong field is refused by name', () => {
  assert.throws(() => parsePlan({ toClient: { cutAfter: 5 } }), /cutAfter/);
  assert.throws(() => parsePlan({ toServer: { delayMs: -1 } }), /delayMs/);
  assert.deepEqual(parsePlan([{ refuse: true }]), [{ refuse: true }]);
});
