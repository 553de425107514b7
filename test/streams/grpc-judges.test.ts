import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { connect } from 'node:http2';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { Code, ConnectError, createClient, type Transport } from '@connectrpc/connect';
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from '@connectrpc/connect-node';
import { createConnectTransport as connectWeb, createGrpcWebTransport as grpcWeb } from '@connectrpc/connect-web';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { GenerateRequestSchema, Headgate, StreamEventSchema, type StreamEvent } from '#wire/grpc/headgate-messages.ts';
import { startGate, type GateProcess } from '../harness/gate-process.ts';
import {
  json,
  startUpstream,
  stream,
  type ScriptedUpstream,
  type StreamPart,
} from '../clients-rules/scripted-upstream.ts';

const world = {} as { gate: GateProcess; up: ScriptedUpstream };

before(async () => {
  world.up = await startUpstream();
  world.gate = await startGate({
    config: `
providers: { chat: { kind: lab-chat, baseUrl: "${world.up.url}/v1" } }
models: { chat: { deployments: [{ provider: chat, model: up }] } }
stream: { heartbeat: 200ms, slowReader: { bytes: 64KB, age: 2s } }
retry: { attempts: 1 }
`,
  });
});
after(async () => {
  await world.gate?.stop();
  await world.up?.close();
});

const chunk = (content: string | null, finish: string | null = null): string =>
  `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'up', choices: [{ index: 0, delta: content === null ? {} : { content }, finish_reason: finish }] })}\n\n`;
const WORDS = Array.from({ length: 20 }, (_, i) => `wörd${i} `);
const TEXT = WORDS.join('');
const whole = (pauseMs: number): StreamPart[] => [
  ...WORDS.flatMap((word) => [chunk(word), pauseMs]),
  ...[chunk(null, 'stop'), 'data: [DONE]\n\n'],
];
const SHA = createHash('sha256').update(TEXT).digest('hex');
const ANSWER =
  '{"id":"c1","object":"chat.completion","created":1,"model":"up","choices":[{"index":0,"message":{"role":"assistant","content":"wörd"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":7,"total_tokens":8}}';
const ASK = { model: 'chat', messages: [{ role: 'user', parts: [{ kind: { case: 'text' as const, value: 'hi' } }] }] };

const transports: Record<string, () => Transport> = {
  'connect-node, gRPC': () => createGrpcTransport({ baseUrl: world.gate.url }),
  'connect-node, gRPC-Web over HTTP/1': () => createGrpcWebTransport({ baseUrl: world.gate.url, httpVersion: '1.1' }),
  'connect-node, gRPC-Web over HTTP/2': () => createGrpcWebTransport({ baseUrl: world.gate.url, httpVersion: '2' }),
  'connect-node, Connect over HTTP/1': () => createConnectTransport({ baseUrl: world.gate.url, httpVersion: '1.1' }),
  'connect-node, Connect over HTTP/2, JSON': () =>
    createConnectTransport({ baseUrl: world.gate.url, httpVersion: '2', useBinaryFormat: false }),
  'connect-web, Connect': () => connectWeb({ baseUrl: world.gate.url }),
  'connect-web, gRPC-Web': () => grpcWeb({ baseUrl: world.gate.url }),
};
const bearer = () => ({ headers: { authorization: `Bearer ${world.gate.key}` } });

function readSteps(events: readonly StreamEvent[]) {
  const steps = events.flatMap((event) => event.steps);
  const text = steps.reduce((sum, { kind }) => (kind.case === 'text' ? sum + kind.value.text : sum), '');
  const end = steps.map(({ kind }) => (kind.case === 'end' ? kind.value : null)).find(Boolean);
  return { text, end };
}

describe('clients of Connect speak with the gate', () => {
  for (const [name, transport] of Object.entries(transports))
    test(name, async () => {
      const client = createClient(Headgate, transport());
      world.up.answer(json(ANSWER));
      const answer = await client.generate(ASK, bearer());
      assert.equal(answer.choices[0]!.text, 'wörd');
      world.up.answer(stream(whole(2)));
      const events: StreamEvent[] = [];
      for await (const event of client.generateStream(ASK, bearer())) events.push(event);
      const { text, end } = readSteps(events);
      assert.equal(text, TEXT);
      assert.deepEqual([end?.status, end?.textSha256], ['ok', SHA]);
      const refused = await client.generate(ASK, { headers: { authorization: 'Bearer hg_wrong' } }).catch((e) => e);
      assert.equal(ConnectError.from(refused).code, Code.Unauthenticated);
      world.up.answer(json('{"error":{"message":"no","type":"x"}}', 429));
      const limited = await (async () => {
        for await (const _ of client.generateStream(ASK, bearer()));
      })().catch((e) => e);
      assert.equal(ConnectError.from(limited).code, Code.ResourceExhausted);
      world.up.answer(stream([chunk('one'), 8_000, chunk('two')]));
      const late = await client.generate(ASK, { ...bearer(), timeoutMs: 300 }).catch((e) => e);
      assert.equal(ConnectError.from(late).code, Code.DeadlineExceeded);
    });

  test('one that leaves stops the provider', async (t) => {
    for (const transport of ['connect-node, gRPC', 'connect-node, Connect over HTTP/1'] as const) {
      world.up.answer(stream([chunk('one'), 8_000, chunk('two')]));
      const client = createClient(Headgate, transports[transport]!());
      const leave = new AbortController();
      let at = 0;
      await (async () => {
        for await (const event of client.generateStream(ASK, { ...bearer(), signal: leave.signal }))
          if (event.position !== '') {
            at = performance.now();
            leave.abort();
          }
      })().catch(() => {});
      const seen = world.up.seen.at(-1)!;
      await world.gate.until('the provider is told', () => seen.closedAtMs !== null);
      t.diagnostic(`${transport}: provider told after ${(seen.closedAtMs! - at).toFixed(1)} ms`);
      assert.ok(seen.closedAtMs! - at < 200);
    }
  });
});

describe('grpc-js and raw frames', () => {
  test('grpc-js reads a stream of large messages', async () => {
    const large = 'x'.repeat(300_000);
    world.up.answer(stream([chunk(large), chunk(large), chunk(null, 'stop'), 'data: [DONE]\n\n']));
    const client = new Client(new URL(world.gate.url).host, credentials.createInsecure());
    const meta = new Metadata();
    meta.set('authorization', `Bearer ${world.gate.key}`);
    const call = client.makeServerStreamRequest(
      '/headgate.v1.Headgate/GenerateStream',
      (value: Uint8Array) => Buffer.from(value),
      (bytes: Buffer) => fromBinary(StreamEventSchema, bytes),
      toBinary(GenerateRequestSchema, create(GenerateRequestSchema, ASK)),
      meta,
    );
    const events: StreamEvent[] = [];
    for await (const event of call) events.push(event as StreamEvent);
    assert.equal(readSteps(events).text.length, 600_000);
    client.close();
  });

  const request = Buffer.from(toBinary(GenerateRequestSchema, create(GenerateRequestSchema, ASK)));
  const frame = (flag: number, length: number, body: Buffer): Buffer => {
    const head = Buffer.alloc(5);
    head[0] = flag;
    head.writeUInt32BE(length, 1);
    return Buffer.concat([head, body]);
  };
  const bad: [name: string, body: Buffer, status: string][] = [
    ['no message', Buffer.alloc(0), '3'],
    ['half a prefix', Buffer.from([0, 0]), '3'],
    ['a length that is too long', frame(0, 4_000_000_000, request), '3'],
    ['a length that is too short', frame(0, 3, request), '3'],
    ['an unknown flag', frame(4, request.length, request), '3'],
    ['a compressed message without an encoding', frame(1, request.length, request), '12'],
    ['a message that is none', frame(0, 4, Buffer.from([255, 255, 255, 255])), '3'],
    ['two messages', Buffer.concat([frame(0, request.length, request), frame(0, request.length, request)]), '3'],
  ];
  test('bad frames have a status, and the session lives on', async () => {
    const session = connect(world.gate.url);
    for (const [name, body, status] of bad) {
      const call = session.request({
        ...{ ':method': 'POST', ':path': '/headgate.v1.Headgate/Generate', te: 'trailers' },
        ...{ 'content-type': 'application/grpc', authorization: `Bearer ${world.gate.key}` },
      });
      call.end(body);
      call.resume();
      const [trailers] = (await once(call, 'trailers')) as [Record<string, string>];
      assert.equal(trailers['grpc-status'], status, name);
    }
    session.close();
  });

  test('a reader that opens no window is let go, and its provider with it', async () => {
    const large = 'x'.repeat(20_000);
    const before = world.up.seen.length;
    world.up.answer(stream([...Array.from({ length: 100 }, () => chunk(large)), 8_000]));
    const session = connect(world.gate.url, { settings: { initialWindowSize: 0 } });
    session.on('error', () => {});
    const call = session.request({
      ...{ ':method': 'POST', ':path': '/headgate.v1.Headgate/GenerateStream', te: 'trailers' },
      ...{ 'content-type': 'application/grpc', authorization: `Bearer ${world.gate.key}` },
    });
    call.on('error', () => {});
    call.end(frame(0, request.length, request));
    await world.gate.until('the provider is asked', () => world.up.seen.length > before);
    const seen = world.up.seen.at(-1)!;
    await world.gate.until('the provider is told', () => seen.closedAtMs !== null);
    session.destroy();
  });

  test('a flood of resets ends its session, and nobody else', async () => {
    const session = connect(world.gate.url);
    session.on('error', () => {});
    const closed = new Promise((resolve) => session.once('close', resolve));
    for (let i = 0; i < 5_000 && !session.destroyed; i++) {
      const call = session.request({
        ':method': 'POST',
        ':path': '/headgate.v1.Headgate/Generate',
        'content-type': 'application/grpc',
      });
      call.on('error', () => {});
      call.close(8);
      if (i % 100 === 0) await new Promise((next) => setImmediate(next));
    }
    await closed;
    world.up.answer(json(ANSWER));
    const client = createClient(Headgate, transports['connect-node, gRPC']!());
    assert.equal((await client.generate(ASK, bearer())).choices[0]!.text, 'wörd');
  });
});
