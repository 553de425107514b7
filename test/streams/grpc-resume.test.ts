import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectH2 } from 'node:http2';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, describe, test } from 'node:test';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { createConnectTransport, createGrpcWebTransport } from '@connectrpc/connect-web';
import { create, toBinary } from '@bufbuild/protobuf';
import { Headgate, ResumeRequestSchema, type StreamEvent } from '#wire/grpc/headgate-messages.ts';
import { ticketOf } from '../client/page.ts';
import { startGate, type GateProcess } from '../harness/gate-process.ts';
import { startUpstream, stream, type ScriptedUpstream, type StreamPart } from '../clients-rules/scripted-upstream.ts';
import { makeKey } from '../hostile/world.ts';
import { callIdOf, openWith, type Reading } from './stream-client.ts';

const ORIGIN = 'https://app.example.com';
const world = {} as { gate: GateProcess; up: ScriptedUpstream; otherTenant: string };

before(async () => {
  world.up = await startUpstream();
  world.gate = await startGate({
    config: `
providers: { chat: { kind: lab-chat, baseUrl: "${world.up.url}/v1" } }
models: { chat: { deployments: [{ provider: chat, model: up }] } }
stream: { heartbeat: 200ms, resume: { grace: 5s, keep: 1s } }
cors: { origins: ["${ORIGIN}"] }
`,
  });
  await world.gate.admin('POST', '/tenants', { id: 'other', name: 'Other' });
  world.otherTenant = await makeKey({ gate: world.gate } as never, 'other', {});
});
after(async () => {
  await world.gate?.stop();
  await world.up?.close();
});

const chunk = (content: string | null): string =>
  `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'up', choices: [{ index: 0, delta: content === null ? {} : { content }, finish_reason: content === null ? 'stop' : null }] })}\n\n`;
const END = [chunk(null), 'data: [DONE]\n\n'];

/** A stream that was started over SSE, and can be read again. */
async function started(parts: readonly StreamPart[]): Promise<Reading> {
  world.up.answer(stream(parts));
  const reading = await openWith(world.gate, {
    ...{ method: 'POST', path: '/v1/chat/completions', headers: { 'x-headgate-resume': 'true' } },
    body: { model: 'chat', stream: true, messages: [{ role: 'user', content: 'hi' }] },
  });
  await world.gate.until('its first event', () => reading.text().includes('data: '));
  return reading;
}

const transports = {
  gRPC: () => createGrpcTransport({ baseUrl: world.gate.url }),
  'gRPC-Web': () => createGrpcWebTransport({ baseUrl: world.gate.url }),
  Connect: () => createConnectTransport({ baseUrl: world.gate.url }),
};
type Name = keyof typeof transports;
const NAMES = Object.keys(transports) as Name[];
const bearer = (key = world.gate.key) => ({ authorization: `Bearer ${key}` });

async function resumed(name: Name, said: { id: string; position?: string }, headers: object): Promise<string> {
  let text = '';
  for await (const { steps } of createClient(Headgate, transports[name]()).resume(said, {
    headers,
  } as never) as AsyncIterable<StreamEvent>)
    for (const { kind } of steps) if (kind.case === 'text') text += kind.value.text;
  return text;
}
const codeOf = (run: Promise<unknown>): Promise<string> =>
  run.then(
    () => 'none',
    (thrown: unknown) => Code[ConnectError.from(thrown).code],
  );

const wordsOf = (run: Promise<unknown>): Promise<string> =>
  run.then(
    () => 'none',
    (thrown: unknown) => ConnectError.from(thrown).rawMessage,
  );

describe('a timeout of Resume is the time for reading', () => {
  test('gRPC: DEADLINE_EXCEEDED by the gate’s own clock; the stream goes on and is read again', async (t) => {
    const first = await started([chunk('one '), 1_500, chunk('two'), ...END]);
    const session = connectH2(world.gate.url);
    const call = session.request({
      ...{ ':method': 'POST', ':path': '/headgate.v1.Headgate/Resume', te: 'trailers', ...bearer() },
      ...{ 'content-type': 'application/grpc', 'grpc-timeout': '400m' },
    });
    const body = Buffer.from(toBinary(ResumeRequestSchema, create(ResumeRequestSchema, { id: callIdOf(first) })));
    const head = Buffer.alloc(5);
    head.writeUInt32BE(body.length, 1);
    const at = performance.now();
    call.end(Buffer.concat([head, body]));
    let bytes = 0;
    call.on('data', (data: Buffer) => (bytes += data.length));
    const [trailers] = (await once(call, 'trailers')) as [Record<string, string>];
    const took = performance.now() - at;
    t.diagnostic(`ended after ${took.toFixed(0)} ms of 400`);
    assert.equal(trailers['grpc-status'], '4');
    assert.ok(took >= 395 && took < 900, `${took} ms`);
    assert.ok(bytes > 0, 'what was there came before');
    assert.equal(await resumed('gRPC', { id: callIdOf(first) }, bearer()), 'one two');
    assert.equal(await first.ended, 'clean');
    session.close();
  });

  for (const [name, header] of [
    ['gRPC', { 'grpc-timeout': '99999999H' }],
    ['gRPC-Web', { 'grpc-timeout': '600H' }],
    ['Connect', { 'connect-timeout-ms': '9999999999' }],
  ] as const)
    test(`${name}: one of more than 24 days is none, and does not end the reading at once`, async () => {
      const first = await started([chunk('one '), 300, chunk('two'), ...END]);
      assert.equal(await resumed(name, { id: callIdOf(first) }, { ...bearer(), ...header }), 'one two');
      assert.equal(await first.ended, 'clean');
    });

  for (const [name, header] of [
    ['gRPC-Web', { 'grpc-timeout': '300m' }],
    ['Connect', { 'connect-timeout-ms': '300' }],
  ] as const)
    test(`${name}: the same, and what is no timeout is refused`, async () => {
      const first = await started([chunk('one '), 1_200, chunk('two'), ...END]);
      const said = { id: callIdOf(first) };
      assert.equal(await codeOf(resumed(name, said, { ...bearer(), ...header })), 'DeadlineExceeded');
      const wrong = Object.fromEntries(Object.keys(header).map((key) => [key, 'soon']));
      assert.equal(await codeOf(resumed(name, said, { ...bearer(), ...wrong })), 'InvalidArgument');
      assert.equal(await resumed(name, said, bearer()), 'one two');
      await first.ended;
    });
});

describe('a ticket as metadata', () => {
  for (const name of NAMES)
    test(`${name}: resumes its one stream, once, and does nothing else`, async () => {
      const [first, other] = [await started([chunk('one'), ...END]), await started([chunk('two'), ...END])];
      const ticket = async () => ({ 'x-headgate-ticket': await ticketOf(world.gate, callIdOf(first)) });
      const once = await ticket();
      assert.equal(await resumed(name, { id: callIdOf(first) }, once), 'one');
      assert.equal(await codeOf(resumed(name, { id: callIdOf(first) }, once)), 'Unauthenticated');
      assert.equal(await codeOf(resumed(name, { id: callIdOf(other) }, await ticket())), 'Unauthenticated');
      const never = { 'x-headgate-ticket': 'hgt_never', ...bearer() };
      assert.equal(await codeOf(resumed(name, { id: callIdOf(first) }, never)), 'Unauthenticated');
      const client = createClient(Headgate, transports[name]());
      const headers = (await ticket()) as never;
      assert.equal(await codeOf(client.cancel({ id: callIdOf(first) }, { headers })), 'Unauthenticated');
      assert.equal(await codeOf(client.generate({ model: 'chat' }, { headers })), 'Unauthenticated');
    });

  test('a page of a listed origin may send it, and any other may not', async () => {
    const preflight = (origin: string): Promise<Response> =>
      fetch(`${world.gate.url}/headgate.v1.Headgate/Resume`, {
        method: 'OPTIONS',
        headers: {
          ...{ origin, 'access-control-request-method': 'POST' },
          'access-control-request-headers': 'content-type,x-grpc-web,x-headgate-ticket',
        },
      });
    const allowed = await preflight(ORIGIN);
    assert.equal(allowed.headers.get('access-control-allow-origin'), ORIGIN);
    assert.match(allowed.headers.get('access-control-allow-headers')!, /x-headgate-ticket/);
    assert.equal((await preflight('https://evil.example')).headers.get('access-control-allow-origin'), null);
  });
});

describe('a resume that cannot be, over each protocol of the service', () => {
  for (const name of NAMES)
    test(`${name}: no stream, another tenant’s, past the end, another log; a cancel of one that has ended; an expired log`, async () => {
      const first = await started([chunk('one'), ...END]);
      assert.equal(await first.ended, 'clean');
      const id = callIdOf(first);
      const none = 'call_00000000000000000000000000';
      assert.equal(await codeOf(resumed(name, { id: none }, bearer())), 'NotFound');
      assert.equal(await codeOf(resumed(name, { id }, bearer(world.otherTenant))), 'NotFound');
      const client = createClient(Headgate, transports[name]());
      const cancel = (key?: string) => client.cancel({ id }, { headers: bearer(key) });
      assert.equal(await codeOf(cancel(world.otherTenant)), 'NotFound');
      for (let i = 0; i < 2; i++) assert.equal((await cancel()).status, 'ok');
      const [epoch] = /^id: (\w+)\./m.exec(first.text())!.slice(1);
      assert.equal(await codeOf(resumed(name, { id, position: `${epoch}.99` }, bearer())), 'InvalidArgument');
      const anotherLog = { id, position: '0000000000.1' };
      assert.match(await wordsOf(resumed(name, anotherLog, bearer())), /position is one of another log/);
      await world.gate.until(
        'the entry',
        async () => (await world.gate.admin('GET', `/calls/${id}`).catch(() => null)) !== null,
      );
      // Kept for a second, and looked at each five.
      for (let i = 0; i < 14 && (await codeOf(resumed(name, { id }, bearer()))) === 'none'; i++) await sleep(500);
      const gone = new RegExp(`The log of this stream is gone.*ended as \`ok\`; the entry ${id}`);
      assert.match(await wordsOf(resumed(name, { id }, bearer())), gone);
    });
});
