import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { create, toBinary } from '@bufbuild/protobuf';
import { GenerateRequestSchema, ResumeRequestSchema } from '#wire/grpc/headgate-messages.ts';
import { ENDPOINTS } from '../../src/gateway/routes.ts';
import { startGate, type GateProcess } from '../harness/gate-process.ts';
import { EVENTS, startUpstream, type ScriptedUpstream, type StreamPath } from '../clients-rules/scripted-upstream.ts';

/** What a stream says that no hop may hold it back, on every path that streams: each is opened here, and left open. */
const world = {} as { gate: GateProcess; up: ScriptedUpstream; ticket: string; call: string };
const left: (() => void)[] = [];

before(async () => {
  world.up = await startUpstream();
  world.up.answer(begun);
  const lab = (kind: string, base = 'v1'): string => `{ kind: ${kind}, baseUrl: "${world.up.url}/${base}" }`;
  world.gate = await startGate({
    config: `
providers: { up: ${lab('lab')}, chat: ${lab('lab-chat')} }
models: { m: { deployments: [{ provider: up, model: up }] }, crossed: { deployments: [{ provider: chat, model: up }] } }
stream: { responsesWebSocket: true, heartbeat: 300ms, resume: { grace: 500ms } }
drain: { limit: 500ms }
retry: { attempts: 1 }
`,
  });
  world.ticket = (await world.gate.admin('POST', '/streams/echo-tickets', { maxOpen: 16 })).ticket;
  const made = await fetch(`${world.gate.url}/v1/responses`, {
    method: 'POST',
    headers: { authorization: `Bearer ${world.gate.key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'm', input: 'x' }),
  });
  assert.equal(made.status, 200, await made.text());
  // A stream to read again.
  const first = await post('/v1/ui/chat', { ...ui('chat-1') }, { 'x-headgate-resume': 'true' }).open();
  world.call = String(first.headers['x-headgate-call-id']);
});
after(async () => {
  for (const leave of left) leave();
  await world.gate?.stop();
  await world.up?.close();
});

const WORD = `data: {"id":"c","object":"text_completion","created":1,"model":"up","choices":[{"index":0,"text":"Hel","finish_reason":null}]}\n\n`;
/** The first events of each dialect, and then nothing: the stream stays open. */
const begun: Parameters<ScriptedUpstream['answer']>[0] = (response, { path, method, body }) => {
  const { start, text, end } = EVENTS[path as StreamPath] ?? {
    start: WORD,
    text: '',
    end: EVENTS['/v1/responses'].end,
  };
  if (method === 'POST' && !body.includes('"stream":true') && !body.includes('name="stream"')) {
    const whole = /^data: (.*)$/m.exec(EVENTS['/v1/responses'].end)![1]!;
    const { response: answer } = JSON.parse(whole) as { response: object };
    return void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  }
  // A provider that compresses, and lets its answer be kept.
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'public, max-age=60' });
  if (path.startsWith('/v1/audio') || path.startsWith('/v1/images')) return void response.write(': begun\n\n');
  response.write(method === 'GET' ? EVENTS['/v1/responses'].start + end : start + text);
};

/** A stream that is open: its head, and the port of the client. */
interface Opened {
  readonly headers: IncomingMessage['headers'];
  readonly port: number;
}
interface Row {
  /** In words of `ENDPOINTS`, where the path stands there. */
  readonly path: string;
  readonly open: () => Promise<Opened>;
  readonly cache?: RegExp;
}

const ENCODINGS = { 'accept-encoding': 'gzip, deflate, br, zstd' };
const bearer = (): Record<string, string> => ({ authorization: `Bearer ${world.gate.key}`, ...ENCODINGS });

async function opened(method: string, path: string, headers: Record<string, string>, body?: Buffer): Promise<Opened> {
  const request = httpRequest(world.gate.url + path, { method, agent: false, headers: { ...bearer(), ...headers } });
  left.push(() => request.destroy());
  request.on('error', () => undefined);
  request.end(body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  response.on('error', () => undefined).resume();
  assert.equal(response.statusCode, 200, path);
  return { headers: response.headers, port: response.socket.localPort! };
}
const JSON_TYPE = { 'content-type': 'application/json' };
const post = (path: string, body: object, more: Record<string, string> = {}, asked = path): Row => ({
  path: `POST ${path}`,
  open: () => opened('POST', asked, { ...JSON_TYPE, ...more }, Buffer.from(JSON.stringify(body))),
});

const turn = [{ role: 'user', content: 'hi' }];
const chat = { model: 'm', stream: true, messages: turn };
const ui = (id: string): object => ({
  ...{ id, model: 'm', trigger: 'submit-message' },
  messages: [{ id: 'u', role: 'user', parts: [{ type: 'text', text: 'hi' }] }],
});
const contents = [{ role: 'user', parts: [{ text: 'hi' }] }];

const grpcBody = (bare: Uint8Array): Buffer => {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(bare.length, 1);
  return Buffer.concat([head, bare]);
};
const generate = (): Buffer =>
  grpcBody(
    toBinary(
      GenerateRequestSchema,
      create(GenerateRequestSchema, {
        model: 'm',
        messages: [{ role: 'user', parts: [{ kind: { case: 'text', value: 'hi' } }] }],
      }),
    ),
  );
/** Means something to the echo alone. */
const ticketed = (): Record<string, string> => ({ 'x-headgate-echo-ticket': world.ticket });
const SERVICE = '/headgate.v1.Headgate';
const grpcWeb = (method: string, type: string, body: () => Buffer): Row => ({
  path: `${method} (${type})`,
  open: () =>
    opened(
      'POST',
      `${SERVICE}/${method}`,
      { 'content-type': type, 'grpc-accept-encoding': 'gzip', ...ticketed() },
      body(),
    ),
});
const grpc = (method: string, body: () => Buffer): Row => ({
  path: `${method} (application/grpc)`,
  open: async () => {
    const session = connectHttp2(world.gate.url);
    left.push(() => session.destroy());
    const stream = session.request({
      ...{ ':method': 'POST', ':path': `${SERVICE}/${method}`, te: 'trailers', ...bearer() },
      ...{ 'content-type': 'application/grpc', 'grpc-accept-encoding': 'gzip', ...ticketed() },
    });
    stream.on('error', () => undefined).resume();
    stream.end(body());
    const [headers] = (await once(stream, 'response')) as [IncomingMessage['headers']];
    return { headers, port: session.socket.localPort! };
  },
});
const resumed = (): Buffer => grpcBody(toBinary(ResumeRequestSchema, create(ResumeRequestSchema, { id: world.call })));

const ECHO = 'Echo?accel-no&gap=600000';
const empty = (): Buffer => grpcBody(new Uint8Array());

/** Every path that streams over HTTP. */
const ROWS: readonly Row[] = [
  post('/v1/chat/completions', chat),
  post('/v1/completions', { model: 'm', stream: true, prompt: 'hi' }),
  post('/v1/responses', { model: 'm', stream: true, input: 'hi' }),
  post(
    '/v1/messages',
    { model: 'm', stream: true, max_tokens: 9, messages: turn },
    { 'anthropic-version': '2023-06-01' },
  ),
  post('/v1/ui/chat', ui('chat-2')),
  post('/v1/audio/speech', { model: 'm', input: 'hi', voice: 'alloy', stream_format: 'sse', stream: true }),
  post(
    '/openai/deployments/{model}/chat/completions',
    chat,
    {},
    '/openai/deployments/m/chat/completions?api-version=1',
  ),
  post(
    '/openai/deployments/{model}/completions',
    { stream: true, prompt: 'x' },
    {},
    '/openai/deployments/m/completions',
  ),
  post(
    '/v1beta/models/{model}:streamGenerateContent',
    { contents },
    {},
    '/v1beta/models/crossed:streamGenerateContent?alt=sse',
  ),
  post(
    '/model/{model}/converse-stream',
    { messages: [{ role: 'user', content: [{ text: 'hi' }] }] },
    {},
    '/model/crossed/converse-stream',
  ),
  post(
    '/model/{model}/invoke-with-response-stream',
    { anthropic_version: 'bedrock-2023-05-31', max_tokens: 9, messages: turn },
    {},
    '/model/m/invoke-with-response-stream',
  ),
  { path: 'GET /v1/responses/{id}', open: () => opened('GET', '/v1/responses/resp_s1?stream=true', {}) },
  { path: 'GET /v1/streams/{call id}', open: () => opened('GET', `/v1/streams/${world.call}`, {}) },
  {
    path: 'GET /v1/streams/{call id} with its snapshot',
    open: () => opened('GET', `/v1/streams/${world.call}?snapshot=true`, {}),
  },
  { path: 'GET /v1/ui/chat/{chat id}/stream', open: () => opened('GET', '/v1/ui/chat/chat-1/stream', {}) },
  { ...post('/v1/chat/completions', chat, { 'idempotency-key': 'twice' }), path: 'the first of an idempotency key' },
  { ...post('/v1/chat/completions', chat, { 'idempotency-key': 'twice' }), path: 'another of an idempotency key' },
  grpc('GenerateStream', generate),
  grpc('Resume', resumed),
  ...['application/grpc-web+proto', 'application/connect+proto'].flatMap((type) => [
    grpcWeb('GenerateStream', type, generate),
    grpcWeb('Resume', type, resumed),
  ]),
  {
    path: 'the echo of the stream doctor',
    // The doctor asks with and without the header, to tell whether a hop minds it.
    open: () => opened('POST', '/v1/headgate/echo/sse?accel-no&gap=600000', { 'x-headgate-echo-ticket': world.ticket }),
    cache: /^no-store$/,
  },
  ...[grpc(ECHO, empty), grpcWeb(ECHO, 'application/grpc-web+proto', empty)].map((row) => ({
    ...row,
    cache: /^no-store$/,
  })),
];

/** Paths of which no answer is a stream. */
const WHOLE = new RegExp(
  [
    ...['embeddings?$', 'moderations$', 'rerank$', 'embed$', 'contextualizedembeddings$', 'compact$', 'count_tokens$'],
    ...['images/', 'audio/trans', '/converse$', '/invoke$', ':(?!stream)', '/cancel$', '^GET /v1/models', '/me$'],
    ...['files', 'batches', 'input_items$', '^DELETE ', 'GET /v1beta/models', 'deployments/.*(speech|embeddings)$'],
  ].join('|'),
);
/** Places that write the head of a stream, or take the one of ours: a new one belongs here, with a row of its own above. */
const PLACES = [
  'src/capabilities/streams/echo/grpc.ts',
  'src/capabilities/streams/echo/sse.ts',
  'src/gateway/client-stream.ts',
  'src/gateway/grpc/protocol.ts',
  'src/gateway/idempotency/replay.ts',
  'src/gateway/stored/deliver.ts',
  'src/gateway/streams/chats.ts',
  'src/gateway/streams/door.ts',
  'src/gateway/streams/stream-head.ts',
];

describe('no stream may be held back, on any path', () => {
  const ports = new Map<string, number>();
  for (const { path, open, cache = /^no-cache$/ } of ROWS)
    test(path, async () => {
      const { headers, port } = await open();
      ports.set(path, port);
      assert.equal(headers['x-accel-buffering'], 'no');
      assert.match(headers['cache-control'] ?? '', cache);
      assert.equal(headers['content-encoding'], undefined);
      assert.equal(headers['grpc-encoding'], undefined);
      assert.equal(headers['content-length'], undefined);
    });

  for (const [path, key] of [
    ['/v1/stream', true],
    ['/v1/responses', true],
    ['/v1/headgate/echo/ws?gap=600000&ticket=', false],
  ] as const)
    test(`WebSocket ${path}`, async () => {
      const asked = path.endsWith('=') ? path + world.ticket : path;
      const request = httpRequest(world.gate.url + asked, {
        agent: false,
        headers: {
          ...{ connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13' },
          'sec-websocket-key': Buffer.alloc(16).toString('base64'),
          'sec-websocket-extensions': 'permessage-deflate; client_max_window_bits',
          ...(key && bearer()),
        },
      });
      request.on('response', ({ statusCode }) => request.destroy(new Error(`status ${statusCode}`)));
      request.end();
      const [response, socket] = (await once(request, 'upgrade')) as [IncomingMessage, Socket];
      left.push(() => socket.destroy());
      assert.equal(response.headers['sec-websocket-extensions'], undefined);
      ports.set(path, socket.localPort!);
    });

  test('Nagle’s algorithm is off on each of them', async (t) => {
    const judged = (pid: number, port: number): Record<string, boolean> => {
      const { stdout, stderr } = spawnSync('/usr/bin/python3', [
        ...[join(import.meta.dirname, 'nodelay.py'), String(pid), String(port)],
      ]);
      assert.equal(String(stderr), '');
      return JSON.parse(String(stdout)) as Record<string, boolean>;
    };
    if (spawnSync('/usr/bin/python3', ['-c', 'import os; os.pidfd_open']).status !== 0)
      return t.skip('skipped: the judge of sockets is a script of Python 3.9');
    const seen = judged(world.gate.child.pid!, Number(new URL(world.gate.url).port));
    for (const [path, port] of ports) assert.equal(seen[port], true, path);
    assert.equal(ports.size, ROWS.length + 3);
    // A server that leaves it on, by the same judge.
    const plain = createServer().listen(0, '127.0.0.1');
    await once(plain, 'listening');
    const { port } = plain.address() as AddressInfo;
    const client = connect(port, '127.0.0.1');
    await once(plain, 'connection');
    assert.equal(judged(process.pid, port)[client.localPort!], false);
    client.destroy();
    plain.close();
  });

  test('every path that streams has its row', () => {
    const known = new Set(ROWS.map(({ path }) => path));
    assert.deepEqual(
      ENDPOINTS.filter((path) => !known.has(path) && !WHOLE.test(path)),
      [],
    );
    const root = join(import.meta.dirname, '../..');
    const writes = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && !file.includes('doctor/'))
      .filter((file) =>
        /'x-accel-buffering'(,|:) ?'no'|writeHead\([^)]*event-stream|\b(STREAM|UNHELD)_HEAD\b/.test(
          readFileSync(join(root, 'src', file), 'utf8'),
        ),
      )
      .map((file) => `src/${file}`);
    assert.deepEqual(writes.toSorted(), PLACES);
  });
});
