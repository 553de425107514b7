import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { after, describe, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { LONG_TIMERS, type Timers } from './provider-data.ts';
import { Transport, type UpstreamFailure, type UpstreamHandler, type UpstreamRequest } from './transport.ts';

const transport = new Transport();
const servers: Server[] = [];
after(async () => {
  await transport.close();
  for (const server of servers) server.closeAllConnections();
  for (const server of servers) server.close();
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const request = (
  origin: string,
  timers: Partial<Timers> = {},
  more: Partial<UpstreamRequest> = {},
): UpstreamRequest => ({
  origin,
  path: '/v1/x',
  headers: ['content-type', 'application/json'],
  body: Buffer.from('{"a":1}'),
  timers: { ...LONG_TIMERS, ...timers },
  ...more,
});

/** Writes down every step; `over` resolves after the last one. */
class Witness implements UpstreamHandler {
  readonly steps: string[] = [];
  readonly chunks: Buffer[] = [];
  status = 0;
  answer: Readonly<Record<string, string | string[] | undefined>> = {};
  failure: UpstreamFailure | null = null;
  takes = true;
  readonly over: Promise<void>;
  #done!: () => void;
  constructor() {
    this.over = new Promise((resolve) => (this.#done = resolve));
  }
  connected(): void {
    this.steps.push('connected');
  }
  headers(status: number, headers: Witness['answer']): void {
    this.steps.push('headers');
    this.status = status;
    this.answer = headers;
  }
  data(chunk: Buffer): boolean {
    if (this.steps.at(-1) !== 'data') this.steps.push('data');
    this.chunks.push(chunk);
    return this.takes;
  }
  end(): void {
    this.steps.push('end');
    this.#done();
  }
  fail(failure: UpstreamFailure): void {
    this.steps.push('fail');
    this.failure = failure;
    this.#done();
  }
  text(): string {
    return Buffer.concat(this.chunks).toString();
  }
}

/** Runs one exchange to its end. */
async function exchange(sent: UpstreamRequest): Promise<Witness> {
  const witness = new Witness();
  transport.send(sent, witness);
  await witness.over;
  return witness;
}

async function until(holds: () => boolean): Promise<void> {
  for (let left = 500; !holds(); left--) {
    assert.ok(left > 0, 'waited 5 s in vain');
    await wait(10);
  }
}

describe('transport', { concurrency: true }, () => {
  test('a whole exchange, in order, with the bytes as they are', async () => {
    const origin = await serve((incoming, response) => {
      incoming.setEncoding('utf8').on('data', (body: string) => {
        response.writeHead(200, { 'x-id': '7' }).end(`${incoming.method} ${incoming.url} ${body}`);
      });
    });
    const witness = await exchange(request(origin));
    assert.deepEqual(witness.steps, ['connected', 'headers', 'data', 'end']);
    assert.equal(witness.answer['x-id'], '7');
    assert.equal(witness.text(), 'POST /v1/x {"a":1}');
  });

  test('a refused connection was never sent', async () => {
    const server = createTcpServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const { failure, steps } = await exchange(request(`http://127.0.0.1:${port}`));
    assert.deepEqual(steps, ['fail']);
    assert.deepEqual(failure, { kind: 'connect', code: 'ECONNREFUSED', sent: false });
  });

  test('a header that cannot be written fails once and is not sent', async () => {
    const origin = await serve((_incoming, response) => void response.end());
    const { failure, steps } = await exchange(request(origin, {}, { headers: ['x-a', 'b\r\nc: d'] }));
    assert.deepEqual(steps, ['fail']);
    assert.equal(failure?.kind, 'connect');
    assert.equal(failure?.sent, false);
  });

  test('no headers in time: the first-byte timer, and it was sent', async () => {
    const origin = await serve(() => {});
    const { failure } = await exchange(request(origin, { firstByteMs: 50 }));
    assert.deepEqual(failure, { kind: 'timeout', code: 'first_byte', sent: true });
  });

  test('a body that stalls: the idle timer', async () => {
    const origin = await serve((_incoming, response) => void response.writeHead(200).write('half'));
    const witness = await exchange(request(origin, { idleMs: 50 }));
    assert.deepEqual(witness.failure, { kind: 'timeout', code: 'idle', sent: true });
    assert.deepEqual(witness.steps, ['connected', 'headers', 'data', 'fail']);
    assert.equal(witness.text(), 'half');
  });

  test('a body that never ends: the total timer, however lively it is', async () => {
    const origin = await serve((_incoming, response) => {
      response.writeHead(200);
      const drip = setInterval(() => response.write('.'), 10);
      response.on('close', () => clearInterval(drip));
    });
    const { failure } = await exchange(request(origin, { totalMs: 150 }));
    assert.deepEqual(failure, { kind: 'timeout', code: 'total', sent: true });
  });

  test('an abort in the middle of a body closes the connection upstream', async () => {
    let closed = false;
    const origin = await serve((_incoming, response) => {
      response.on('close', () => (closed = true));
      response.writeHead(200).write('half');
    });
    const witness = new Witness();
    const control = transport.send(request(origin), witness);
    await until(() => witness.chunks.length > 0);
    control.abort();
    control.abort();
    await witness.over;
    assert.deepEqual(witness.failure, { kind: 'aborted', code: 'aborted', sent: true });
    await until(() => closed);
    assert.equal(witness.steps.filter((step) => step === 'fail').length, 1);
  });

  test('an abort before there is a socket does not wait for one, and nothing is sent', async () => {
    let requests = 0;
    const origin = await serve((_incoming, response) => {
      requests++;
      response.end();
    });
    const witness = new Witness();
    transport.send(request(origin), witness).abort();
    await witness.over;
    assert.deepEqual(witness.steps, ['fail']);
    assert.deepEqual(witness.failure, { kind: 'aborted', code: 'aborted', sent: false });
    await exchange(request(origin));
    assert.equal(requests, 1);
  });

  test('a cut in the middle of a body is a reset, never an end', async () => {
    const origin = await serve((_incoming, response) => {
      response.writeHead(200).write('half', () => response.destroy());
    });
    const witness = await exchange(request(origin));
    assert.equal(witness.failure?.kind, 'reset');
    assert.equal(witness.failure?.sent, true);
  });

  test('a length that is not kept is a reset', async () => {
    const server = createTcpServer((socket: Socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf'));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { failure } = await exchange(request(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
    server.close();
    assert.equal(failure?.kind, 'reset');
  });

  test('a redirect is an answer: its target sees nothing', async () => {
    let visits = 0;
    const target = await serve((_incoming, response) => {
      visits++;
      response.end();
    });
    for (const status of [301, 302, 307, 308]) {
      const origin = await serve((_incoming, response) => void response.writeHead(status, { location: target }).end());
      const witness = await exchange(request(origin, {}, { headers: ['authorization', 'Bearer sk-own'] }));
      assert.deepEqual([witness.status, witness.answer['location']], [status, target]);
    }
    assert.equal(visits, 0);
  });

  test('an early hint is not the answer', async () => {
    const origin = await serve((_incoming, response) => {
      response.writeEarlyHints({ link: '</x>; rel=preload' });
      response.writeHead(200).end('ok');
    });
    const witness = await exchange(request(origin));
    assert.deepEqual([witness.status, witness.text()], [200, 'ok']);
    assert.equal(witness.steps.filter((step) => step === 'headers').length, 1);
  });

  test('a pause holds the provider back, outlasts the idle timer, and loses no byte', async () => {
    const total = 24 * 1024 * 1024;
    let open!: ServerResponse;
    const origin = await serve((_incoming, response) => {
      open = response;
      response.writeHead(200, { 'content-length': total });
      const part = Buffer.alloc(1024 * 1024, 'x');
      for (let written = 0; written < total; written += part.length) response.write(part);
      response.end();
    });
    const witness = new Witness();
    witness.takes = false;
    const control = transport.send(request(origin, { idleMs: 300 }), witness);
    await until(() => witness.chunks.length > 0);
    await wait(1_600);
    assert.ok(witness.text().length < total / 2, 'it was held back');
    assert.equal(open.writableFinished, false);
    assert.equal(witness.failure, null, 'our own pause is not the provider’s silence');
    witness.takes = true;
    control.resume();
    await witness.over;
    assert.equal(witness.text().length, total);
    assert.equal(witness.steps.at(-1), 'end');
  });
});
