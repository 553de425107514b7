import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startGate, type GateProcess } from '../harness/gate-process.ts';
import { startUpstream, stream, type ScriptedUpstream } from '../clients-rules/scripted-upstream.ts';
import { scrapeOf } from '../operate/exposition.ts';
import { openSocket, refusedUpgrade, SHAPES, socketUrl, type SocketClient } from './socket-client.ts';

const HEARTBEAT_MS = 400;
const world = {} as { gate: GateProcess; up: ScriptedUpstream };
const configOf = (up: string): string => `
providers: { chat: { kind: lab-chat, baseUrl: "${up}/v1" } }
models: { chat: { deployments: [{ provider: chat, model: up }] } }
stream:
  heartbeat: ${HEARTBEAT_MS}ms
  resume: { grace: 5s }
  webSocket: { frameBytes: 64KB, framesPerSecond: 50, streamsPerSocket: 2, socketsPerKey: 8 }
  slowReader: { bytes: 64KB, age: 2s }
retry: { attempts: 1 }
drain: { limit: 5s }
`;

before(async () => {
  world.up = await startUpstream();
  world.gate = await startGate({ config: configOf(world.up.url) });
});
after(async () => {
  await world.gate?.stop();
  await world.up?.close();
});

const chunk = (content: string): string =>
  `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'up', choices: [{ index: 0, delta: { content }, finish_reason: null }] })}\n\n`;
const start = (name: string, resume = false): object => ({
  ...{ type: 'start', stream: name, path: '/v1/chat/completions' },
  body: { model: 'chat', messages: [{ role: 'user', content: 'hi' }] },
  ...(resume && { headers: { 'x-headgate-resume': 'true' } }),
});
const open = (more: object = {}): Promise<SocketClient> =>
  openSocket({ url: world.gate.url, key: world.gate.key, ...more });
async function entryOf(id: string): Promise<any> {
  let entry: any = null;
  await world.gate.until('the entry', async () => {
    entry = await world.gate.admin('GET', `/calls/${id}`).catch(() => null);
    return entry !== null;
  });
  return entry;
}

describe('bad frames', () => {
  const BAD: Readonly<Record<string, [frame: string, field: string]>> = {
    'no JSON': ['hello', 'frame'],
    'no object': ['[]', 'frame'],
    'no type': ['{}', 'type'],
    'an unknown type': ['{"type":"stop"}', 'type'],
    'a type of objects’ own': ['{"type":"constructor"}', 'type'],
    'no stream': ['{"type":"cancel"}', 'stream'],
    'a stream without a name': ['{"type":"cancel","stream":""}', 'stream'],
    'a name that is too long': [JSON.stringify({ type: 'cancel', stream: 'x'.repeat(65) }), 'stream'],
    'an unknown member': ['{"type":"cancel","stream":"a","why":1}', 'why'],
    'a member twice': ['{"type":"cancel","stream":"a","stream":"b"}', 'stream'],
    'no path': ['{"type":"start","stream":"a","body":{}}', 'path'],
    'a path that is none': ['{"type":"start","stream":"a","path":"chat","body":{}}', 'path'],
    'a path without a stream': ['{"type":"start","stream":"a","path":"/v1/embeddings","body":{}}', 'path'],
    'an answer in one piece': [
      '{"type":"start","stream":"a","path":"/v1beta/models/chat:generateContent","body":{}}',
      'path',
    ],
    'no body': ['{"type":"start","stream":"a","path":"/v1/messages"}', 'body'],
    'a body that is no object': ['{"type":"start","stream":"a","path":"/v1/messages","body":"x"}', 'body'],
    'a body twice': ['{"type":"start","stream":"a","path":"/v1/messages","body":{},"body":{}}', 'body'],
    'no wish to stream': ['{"type":"start","stream":"a","path":"/v1/messages","body":{"stream":false}}', 'stream'],
    'a key in a frame': [
      '{"type":"start","stream":"a","path":"/v1/messages","body":{},"headers":{"Authorization":"Bearer x"}}',
      'headers.Authorization',
    ],
    'our key in a frame': [
      '{"type":"start","stream":"a","path":"/v1/messages","body":{},"headers":{"x-headgate-key":"x"}}',
      'headers.x-headgate-key',
    ],
    'a line break in a header': [
      '{"type":"start","stream":"a","path":"/v1/messages","body":{},"headers":{"x-headgate-feature":"a\\r\\nb"}}',
      'headers.x-headgate-feature',
    ],
    'an unknown form': ['{"type":"resume","stream":"a","id":"x","form":"xml"}', 'form'],
    'a position that is none': ['{"type":"resume","stream":"a","id":"x","after":"3"}', 'after'],
    'a native snapshot': ['{"type":"resume","stream":"a","id":"x","snapshot":true,"form":"native"}', 'snapshot'],
    'an ack of nothing': ['{"type":"ack","stream":"a","seq":-1}', 'seq'],
    'a nonce that is none': ['{"type":"ping","nonce":5}', 'nonce'],
  };
  test('each is answered with the field that is wrong, and the socket goes on', async () => {
    const client = await open();
    for (const [what, [frame, field]] of Object.entries(BAD)) {
      const before = client.frames.length;
      client.send(frame);
      await world.gate.until(what, () => client.frames.length > before);
      const answer = client.frames[before];
      assert.deepEqual([answer.type, answer.body.error.param], ['error', field], `${what}: ${JSON.stringify(answer)}`);
    }
    client.send({ type: 'ping', nonce: 'still here' });
    await client.frame(({ type, nonce }) => type === 'pong' && nonce === 'still here');
    assert.equal(world.up.seen.length, 0);
    client.leave();
  });

  test('binary, too large and no UTF-8 close the socket with their codes', async () => {
    const sending = async (bytes: Buffer, options: { binary: boolean }): Promise<number> => {
      const client = await open();
      client.socket.on('error', () => undefined);
      client.socket.send(bytes, options);
      return (await client.closed).code;
    };
    assert.equal(await sending(Buffer.from('{}'), { binary: true }), 1003);
    assert.equal(await sending(Buffer.alloc(65 * 1024, 'x'), { binary: false }), 1009);
    assert.equal(await sending(Buffer.from([0x7b, 0xff, 0x7d]), { binary: false }), 1007);
  });

  test('a name in use and one stream too many are refused; the others go on', async () => {
    world.up.answer(stream([chunk('one '), 800, chunk('two '), 'data: [DONE]\n\n']));
    const client = await open();
    client.send(start('a'));
    client.send(start('a'));
    const taken = await client.frame(({ type }) => type === 'error');
    assert.deepEqual([taken.stream, taken.status, taken.body.error.param], ['a', 400, 'stream']);
    client.send(start('b'));
    client.send(start('c'));
    assert.equal((await client.frame(({ type, stream: name }) => type === 'error' && name === 'c')).status, 429);
    assert.equal((await client.frame(({ type, stream: name }) => type === 'end' && name === 'a')).status, 'ok');
    client.send(start('a'));
    await client.frame(
      (frame) => frame.stream === 'a' && client.frames.filter(({ type }) => type === 'started').length === 3,
    );
    client.leave();
  });
});

describe('who may open a socket', () => {
  test('a refusal is an answer of HTTP with its status', async () => {
    const { url, key } = world.gate;
    assert.equal((await refusedUpgrade({ url })).status, 401);
    assert.equal((await refusedUpgrade({ url, key: 'nobody' })).status, 401);
    assert.equal((await refusedUpgrade({ url, path: `/v1/stream?key=${key}` })).status, 401, 'no key in a query');
    const origin = await refusedUpgrade({ url, key, headers: { origin: 'https://evil.example' } });
    assert.deepEqual([origin.status, origin.body.error.code], [403, 'forbidden']);
    assert.equal((await refusedUpgrade({ url, key, path: '/v1/chat/completions' })).status, 426);
    const responses = await refusedUpgrade({ url, key, path: '/v1/responses' });
    assert.deepEqual([responses.status, responses.body.error.code], [426, 'upgrade_required']);
    const plain = await fetch(`${url}/v1/stream`, { headers: { authorization: `Bearer ${key}` } });
    assert.equal(plain.status, 426);
    await plain.text();
  });

  test('a key has so many sockets, and a closed one makes room', async () => {
    const clients = await Promise.all(Array.from({ length: 8 }, () => open()));
    assert.equal((await refusedUpgrade({ url: world.gate.url, key: world.gate.key })).status, 429);
    clients[0]!.leave();
    await sleep(200);
    clients.push(await open());
    for (const client of clients) client.leave();
    await sleep(200);
  });
});

describe('peers that do not behave', () => {
  test('a flood of pings of either kind closes the socket', async () => {
    const frames = await open();
    for (let i = 0; i < 300; i++) frames.send('{"type":"ping"}');
    assert.equal((await frames.closed).code, 1008);
    for (const count of [300, 300, 20_000]) {
      const pings = await open();
      for (let i = 0; i < count; i++) pings.socket.ping(`ping ${i}`);
      assert.deepEqual(await pings.closed, { code: 1008, reason: 'too many frames' });
    }
    const next = await open();
    next.send({ type: 'ping', nonce: 'well' });
    await next.frame(({ nonce }) => nonce === 'well');
    next.leave();
  });

  test('pings within the bound are answered each with its own data', async () => {
    const client = await open();
    const pongs: string[] = [];
    client.socket.on('pong', (data) => pongs.push(String(data)));
    const sent = Array.from({ length: 40 }, (_, i) => `ping ${i}`);
    for (const ping of sent) client.socket.ping(ping);
    await world.gate.until('all pongs', () => pongs.length === sent.length);
    assert.deepEqual(pongs, sent);
    client.leave();
  });

  test('a flood that never answers the closing frame is cut', async () => {
    const { hostname, port } = new URL(world.gate.url);
    const raw = connect(Number(port), hostname);
    raw.on('error', () => undefined);
    const closed = once(raw, 'close');
    const head = ['GET /v1/stream HTTP/1.1', 'host: x', 'connection: upgrade', 'upgrade: websocket'];
    const key = ['sec-websocket-version: 13', `sec-websocket-key: ${Buffer.alloc(16).toString('base64')}`];
    raw.write(`${[...head, ...key, `authorization: Bearer ${world.gate.key}`].join('\r\n')}\r\n\r\n`);
    let got = Buffer.alloc(0);
    raw.on('data', (bytes: Buffer) => (got = Buffer.concat([got, bytes])));
    await world.gate.until('the upgrade', () => got.includes('101 '));
    const ping = Buffer.from([0x89, 0x80, 0, 0, 0, 0]);
    const flood = setInterval(() => raw.write(Buffer.concat(Array.from({ length: 100 }, () => ping))), 20);
    await closed;
    clearInterval(flood);
    assert.ok(
      got.includes(Buffer.concat([Buffer.from([0x03, 0xf0]), Buffer.from('too many frames')])),
      '1008 was said',
    );
  });

  test('a process that is stopped answers no ping: cut within three intervals, and its stream goes on', async () => {
    world.up.answer(stream([chunk('one '), 8_000, chunk('two '), 'data: [DONE]\n\n']));
    const script = `
      const { WebSocket } = await import(${JSON.stringify(import.meta.resolve('ws'))});
      const socket = new WebSocket(process.argv[1], { headers: { authorization: 'Bearer ' + process.argv[2] } });
      socket.on('open', () => socket.send(process.argv[3]));
      socket.on('message', (data) => console.log(String(data)));`;
    const child = spawn(process.execPath, [
      ...['--input-type=module', '-e', script, socketUrl(world.gate.url), world.gate.key],
      JSON.stringify(start('a')),
    ]);
    let out = '';
    child.stdout.on('data', (text) => (out += String(text)));
    await world.gate.until('the first delta', () => out.includes('one '));
    child.kill('SIGSTOP');
    const stopped = performance.now();
    const { id } = JSON.parse(out.split('\n').find((line) => line.includes('"started"'))!);
    const entry = await entryOf(id);
    const took = performance.now() - stopped;
    child.kill('SIGKILL');
    assert.deepEqual([entry.status, entry.errorCode], ['cancelled', 'client_closed']);
    assert.ok(took > HEARTBEAT_MS && took < 3 * HEARTBEAT_MS + 3_000, `${took} ms`);
  });

  test('a reader that never reads is let go: memory is bounded, and it may resume', async () => {
    const big = chunk('x'.repeat(10_000));
    const letGo = async () => (await scrapeOf(world.gate)).value('headgate_stream_slow_readers_total');
    const gone = await letGo();
    world.up.answer(stream([chunk('one '), 300, ...Array.from({ length: 1_500 }, () => big), 'data: [DONE]\n\n']));
    const client = await open();
    client.send(start('a', true));
    const { id } = await client.frame(({ type }) => type === 'started');
    client.socket.pause();
    // Shorter than the silence after which a peer is taken for dead.
    await sleep(700);
    client.socket.resume();
    const entry = await entryOf(id);
    assert.equal(entry.status, 'ok', 'the provider is not held up');
    const lagging = await client.frame(({ type }) => type === 'lagging');
    assert.equal(lagging.resumable, true);
    const sum = (frames: any[]): number =>
      frames.filter(({ type }) => type === 'delta').reduce((total, { text }) => total + text.length, 0);
    const before = sum(client.frames);
    assert.ok(before < 1_500 * 10_000, 'it was let go before the end');
    // The rest is faster than the bound as well: it comes in as many pieces as it takes.
    let last = lagging;
    for (let n = 0; last.type === 'lagging'; n++) {
      client.send({ type: 'resume', stream: `again ${n}`, id, after: last.position });
      last = await client.frame(
        ({ type, stream: name }) => (type === 'end' || type === 'lagging') && name === `again ${n}`,
      );
    }
    assert.equal(last.status, 'ok');
    assert.equal(sum(client.frames), 1_500 * 10_000, 'no token twice, none missing');
    const lags = client.frames.filter(({ type }) => type === 'lagging').length;
    assert.equal((await letGo()) - gone, lags, 'each time it was let go is counted');
    client.leave();
  });

  test('a reader that never reads again is cut; another socket goes on behind its last frame', async () => {
    const words = Array.from({ length: 40 }, (_, i) => `${i} `.padEnd(4_000, 'x'));
    world.up.answer(stream([...words.flatMap((word) => [chunk(word), 50]), 'data: [DONE]\n\n']));
    const client = await open();
    client.send(start('a', true));
    await client.frame(({ seq }) => seq === 4);
    client.socket.pause();
    const got = client.frames.filter(({ seq }) => seq !== undefined).at(-1).seq as number;
    const { id, epoch } = client.frames.find(({ type }) => type === 'started');
    await sleep(3 * HEARTBEAT_MS + 1_000);
    const second = await open();
    second.send({ type: 'resume', stream: 'b', id, after: `${epoch}.${got}` });
    assert.equal((await second.frame(({ type }) => type === 'end')).status, 'ok');
    const deltas = second.frames.filter(({ type }) => type === 'delta').map(({ text }) => text);
    assert.deepEqual(deltas, words.slice(got + 1));
    client.leave();
    second.leave();
  });

  test('whoever acknowledges is held to it', async () => {
    world.up.answer(
      stream([chunk('one '), 200, ...Array.from({ length: 20 }, () => chunk('x'.repeat(5_000))), 20_000]),
    );
    const client = await open();
    client.send(start('a', true));
    await client.frame(({ seq }) => seq === 0);
    client.send({ type: 'ack', stream: 'a', seq: 0 });
    const lagging = await client.frame(({ type }) => type === 'lagging');
    assert.ok(Number(lagging.position.split('.')[1]) < 20);
    client.send({ type: 'resume', stream: 'b', id: lagging.id });
    await client.frame(({ type }) => type === 'resumed');
    client.send({ type: 'cancel', stream: 'b' });
    client.leave();
  });

  test('half a handshake and rubbish after it open nothing', async () => {
    const url = new URL(world.gate.url);
    const raw = connect(Number(url.port), url.hostname);
    raw.on('error', () => undefined);
    raw.write(
      `GET /v1/stream HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\nauthorization: Bearer ${world.gate.key}\r\n\r\n`,
    );
    const answer = await new Promise<string>((resolve) => raw.once('data', (data) => resolve(String(data))));
    assert.match(answer, /^HTTP\/1.1 400/);
    raw.destroy();
  });
});

describe('the gate stops', () => {
  test('sockets are told, streams end, and the socket closes with 1012', async () => {
    const gate = await startGate({ config: configOf(world.up.url) });
    world.up.answer(stream([chunk('one '), 1_000, chunk('two '), 'data: [DONE]\n\n']));
    const [busy, idle] = await Promise.all([openSocket(gate), openSocket(gate)]);
    busy.send(start('a'));
    await busy.frame(({ type }) => type === 'started');
    const stopping = gate.stop();
    await busy.frame(({ type }) => type === 'draining');
    assert.equal((await idle.closed).code, 1012);
    busy.send(start('b'));
    assert.equal((await busy.frame(({ type }) => type === 'error')).status, 503);
    assert.equal((await busy.frame(({ type }) => type === 'end')).status, 'ok');
    assert.equal((await busy.closed).code, 1012);
    assert.equal(await stopping, 0);
  });
});

test('the two frames of the reference that come here alone', () => {
  for (const shape of ['lagging: id position resumable stream type', 'draining: type'])
    assert.ok(SHAPES.has(shape), shape);
});
