import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { connect as connectH2 } from 'node:http2';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, describe, test } from 'node:test';
import { createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { startProvider, type Provider } from '#lab/provider/provider.ts';
import { GenerateRequestSchema, Headgate, StreamEventSchema } from '#wire/grpc/headgate-messages.ts';
import { startGate, type GateProcess } from '../harness/gate-process.ts';
import { cpuMs, FRAME, frame, FrameClient, requestHeaders } from './h2-frames.ts';

const HEARTBEAT_MS = 500;
const ENHANCE_YOUR_CALM = 11;
const world = {} as { lab: Provider; gate: GateProcess };

before(async () => {
  world.lab = await startProvider({ seed: 20261127 });
  world.gate = await startGate({
    config: `
providers: { up: { kind: lab-chat, baseUrl: "${world.lab.url}/v1" } }
models: { m: { deployments: [{ provider: up, model: lab-small }] } }
prices: [{ provider: "*", model: "*", perMillion: { input: "1", output: "1" } }]
stream: { heartbeat: ${HEARTBEAT_MS}ms, resume: { grace: 1s } }
drain: { limit: 1s }
`,
  });
});
after(async () => {
  await world.gate?.stop();
  await world.lab?.close();
});

const ask = (words: string) => ({
  ...{ model: 'm' },
  messages: [{ role: 'user', parts: [{ kind: { case: 'text' as const, value: words } }] }],
});
const bearer = () => ({ headers: { authorization: `Bearer ${world.gate.key}` } });
const generate = async (): Promise<string> =>
  (
    await createClient(Headgate, createGrpcTransport({ baseUrl: world.gate.url })).generate(
      ask('[[lab output=3]] hi'),
      bearer(),
    )
  ).choices[0]!.text;

/** A call over HTTP/2 that reads its stream, in a process of its own. */
const READER = `
  const [url, key, body] = process.argv.slice(1);
  const stream = require('node:http2').connect(url).request({ ':method': 'POST', ':path': '/v1/chat/completions',
    authorization: 'Bearer ' + key, 'content-type': 'application/json' });
  stream.on('data', (data) => console.log(String(data)));
  stream.end(body);`;

describe('peers of HTTP/2 that vanish', () => {
  test('one whose process stands still answers no ping: found in five seconds and an interval, and its provider is told', async (t) => {
    const body = { model: 'm', stream: true, messages: [{ role: 'user', content: '[[lab output=50 fault=stall@5]]' }] };
    const child = spawn(process.execPath, ['-e', READER, world.gate.url, world.gate.key, JSON.stringify(body)]);
    let out = '';
    child.stdout.on('data', (text) => (out += String(text)));
    await world.gate.until('its first events', () => out.includes('data: '));
    const seen = world.lab.log.at(-1)!;
    // While it runs it answers, for as long as its stream is silent.
    await sleep(4 * HEARTBEAT_MS);
    assert.ok(!seen.aborted);
    child.kill('SIGSTOP');
    const at = performance.now();
    await world.gate.until('the provider is told', () => seen.aborted);
    const took = performance.now() - at;
    child.kill('SIGKILL');
    t.diagnostic(`found after ${took.toFixed(0)} ms, with a ping each ${HEARTBEAT_MS} ms`);
    assert.ok(took > 4_500 && took < 5_000 + 2 * HEARTBEAT_MS + 1_000, `${took} ms`);
    await world.gate.until('its entry', async () => {
      const [newest] = (await world.gate.admin('GET', '/calls?limit=1')).calls;
      return newest?.status === 'cancelled' && newest.errorCode === 'client_closed';
    });
  });

  test('one that answers pings and opens no window is there; a session without a stream is left alone', async () => {
    const idle = connectH2(world.gate.url);
    let pings = 0;
    idle.on('ping', () => pings++);
    await sleep(5 * HEARTBEAT_MS);
    assert.ok(!idle.destroyed);
    assert.equal(pings, 0);
    const request = idle.request({
      ...{ ':method': 'POST', ':path': '/v1/chat/completions', 'content-type': 'application/json' },
      authorization: `Bearer ${world.gate.key}`,
    });
    request.on('error', () => undefined);
    const content = '[[lab output=5 fault=pause@2:3000]] hi';
    request.end(JSON.stringify({ model: 'm', stream: true, messages: [{ role: 'user', content }] }));
    let text = '';
    request.on('data', (data) => (text += String(data)));
    await world.gate.until('it is whole', () => text.includes('[DONE]'));
    assert.ok(pings >= 4, `${pings} pings`);
    idle.close();
  });
});

const reset = (stream: number): Buffer =>
  Buffer.concat([
    frame(FRAME.headers, stream, requestHeaders('/headgate.v1.Headgate/Generate'), 4),
    frame(FRAME.reset, stream, Buffer.from([0, 0, 0, 8])),
  ]);
/** Each as fast as an eager peer on one connection may be, and all answers are read. */
const FLOODS: Readonly<Record<string, { before?: () => Buffer; piece: (n: number) => Buffer; perSecond: number }>> = {
  PING: { piece: () => frame(FRAME.ping, 0, Buffer.alloc(8)), perSecond: 20_000 },
  'PING, just above the bound': { piece: () => frame(FRAME.ping, 0, Buffer.alloc(8)), perSecond: 150 },
  SETTINGS: { piece: () => frame(FRAME.settings), perSecond: 20_000 },
  RST_STREAM: { piece: (n) => reset(2 * n + 1), perSecond: 5_000 },
  'empty DATA': {
    // Of a body that the gate waits for.
    before: () => frame(FRAME.headers, 1, requestHeaders('/v1/chat/completions', world.gate.key), 4),
    piece: () => frame(FRAME.data, 1),
    perSecond: 20_000,
  },
  CONTINUATION: {
    before: () => frame(FRAME.headers, 1, requestHeaders('/x')),
    piece: () => frame(FRAME.continuation, 1),
    perSecond: 20_000,
  },
};
const FLOOD_MS = 4_000;

describe('floods whose sender reads the answers', () => {
  for (const [name, { before: first, piece, perSecond }] of Object.entries(FLOODS))
    test(`${name}: told to calm down and cut; nobody else notices`, async (t) => {
      const cpu = cpuMs(world.gate.child.pid!);
      const startedAt = performance.now();
      const client = new FrameClient(world.gate.url);
      if (first) client.socket.write(first());
      const sent = await client.flood(piece, { perSecond, ms: FLOOD_MS });
      const ms = performance.now() - startedAt;
      const used = cpuMs(world.gate.child.pid!) - cpu;
      t.diagnostic(`ended after ${sent} frames and ${ms.toFixed(0)} ms; the gate used ${used} ms of CPU`);
      const closed = client.socket.destroyed;
      client.close();
      assert.ok(closed, 'the connection was closed');
      assert.equal(client.goaway, ENHANCE_YOUR_CALM);
      assert.ok(used < 1_000, `${used} ms of CPU`);
      assert.notEqual(await generate(), '');
    });

  test('what costs us no answer is bounded by its bytes: CPU of the gate under it', async (t) => {
    const window = frame(FRAME.window, 0, Buffer.from([0, 0, 0, 1]));
    const cpu = cpuMs(world.gate.child.pid!);
    const client = new FrameClient(world.gate.url);
    const sent = await client.flood(() => window, { perSecond: 100_000, ms: 2_000 });
    const used = cpuMs(world.gate.child.pid!) - cpu;
    client.close();
    t.diagnostic(`WINDOW_UPDATE: ${sent} frames in 2 s, ${used} ms of CPU`);
    assert.ok(used < 1_000, `${used} ms of CPU`);
  });
});

describe('peers that are no flood', () => {
  const clientOf = (options: object): Client =>
    new Client(new URL(world.gate.url).host, credentials.createInsecure(), options);
  const streamOf = (client: Client, words: string) => {
    const meta = new Metadata();
    meta.set('authorization', `Bearer ${world.gate.key}`);
    return client.makeServerStreamRequest(
      '/headgate.v1.Headgate/GenerateStream',
      (value: Uint8Array) => Buffer.from(value),
      (bytes: Buffer) => fromBinary(StreamEventSchema, bytes),
      toBinary(GenerateRequestSchema, create(GenerateRequestSchema, ask(words))) as Uint8Array,
      meta,
    );
  };

  test('grpc-js with the most eager keep-alive that it has, through a silence', async () => {
    const client = clientOf({
      ...{
        'grpc.keepalive_time_ms': 100,
        'grpc.keepalive_timeout_ms': 1_000,
        'grpc.keepalive_permit_without_calls': 1,
      },
    });
    let text = '';
    for await (const event of streamOf(client, '[[lab output=8 fault=pause@3:4000]] hi'))
      for (const { kind } of (event as any).steps) if (kind.case === 'text') text += kind.value.text;
    assert.notEqual(text, '');
    await sleep(1_000);
    assert.notEqual(await generate(), '');
    client.close();
  });

  test('a thousand calls at once, all given up: one session, and it lives on', async () => {
    const session = connectH2(world.gate.url);
    const failed: unknown[] = [];
    session.on('goaway', (code) => failed.push(code)).on('error', (error) => failed.push(error));
    await new Promise((resolve) => session.once('remoteSettings', resolve));
    const calls = Array.from({ length: 900 }, () => {
      const call = session.request({ ':method': 'POST', ':path': '/v1/chat/completions' });
      call.on('error', () => undefined);
      return call;
    });
    await sleep(500);
    for (const call of calls) call.close(8);
    await sleep(500);
    const health = session.request({ ':path': '/health/live' });
    health.resume();
    const status = await new Promise((resolve) => health.on('response', (headers) => resolve(headers[':status'])));
    assert.equal(status, 200);
    assert.deepEqual(failed, []);
    session.close();
  });

  test('one that measures its bandwidth pings once for what we sent, as often as we send', async () => {
    const session = connectH2(world.gate.url);
    const failed: unknown[] = [];
    session.on('goaway', (code) => failed.push(code)).on('error', (error) => failed.push(error));
    const request = session.request({
      ...{ ':method': 'POST', ':path': '/v1/chat/completions', 'content-type': 'application/json' },
      authorization: `Bearer ${world.gate.key}`,
    });
    const content = '[[lab output=3000 fault=split@40]] hi';
    request.end(JSON.stringify({ model: 'm', stream: true, messages: [{ role: 'user', content }] }));
    let [pings, waiting, text] = [0, false, ''];
    request.on('data', (data) => {
      text += String(data);
      if (waiting || session.destroyed) return;
      waiting = true;
      pings++;
      session.ping(() => (waiting = false));
    });
    await world.gate.until('it is whole', () => text.includes('[DONE]') || failed.length > 0);
    assert.deepEqual(failed, []);
    assert.ok(pings > 250, `${pings} pings`);
    session.close();
  });
});
