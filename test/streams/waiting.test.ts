import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, fetch as undiciFetch } from 'undici';
import { createClient, ConnectError, Code, type Client } from '@connectrpc/connect';
import { createGrpcTransport, createGrpcWebTransport } from '@connectrpc/connect-node';
import { startProvider, type Provider } from '#lab/provider/provider.ts';
import { Headgate, type StreamEvent } from '#wire/grpc/headgate-messages.ts';
import { startGate, type GateProcess } from '../harness/gate-process.ts';
import { loadPlatform, platformsSkip } from '../harness/platforms.ts';
import { loadResponsesSocket, loadSdks, sdksSkip } from '../harness/sdks.ts';
import { wordsOf, stockClients, TIMER_ENDED, type Asked } from './stock-clients.ts';
import { openSocket, said, textOf } from './socket-client.ts';
import { callIdOf, endOf, eventsOf, openWith, type Reading } from './stream-client.ts';

/** Node's fetch ends an answer that is silent for 300 s; here for one, and a turn is two and a half away. */
const CLIENT_TIMER_MS = 1_000;
const WAIT_MS = 2_500;
const HEARTBEAT_MS = 250;
/** Whose turn does not come in this time is told so; beyond the wait, but in the gate that gives up. */
const PATIENCE_MS = 900;

const config = (url: string, heartbeat: number, wait: number): string => `
providers:
  up: { kind: lab, baseUrl: "${url}/v1" }
  chat: { kind: lab-chat, baseUrl: "${url}/v1" }
models:
  m: { deployments: [{ provider: up, model: lab-echo }] }
  crossed: { deployments: [{ provider: chat, model: lab-echo }] }
prices: [{ provider: "*", model: "*", perMillion: { input: "1", output: "1" } }]
stream: { heartbeat: ${heartbeat}ms, responsesWebSocket: true }
fairness: { wait: ${wait}ms }
retry: { attempts: 1 }
`;

interface World {
  readonly lab: Provider;
  readonly beating: GateProcess;
  readonly mute: GateProcess;
  /** Gives a turn up before it comes. */
  readonly impatient: GateProcess;
  readonly agent: Agent;
}
let world: World;

before(async () => {
  const lab = await startProvider({ seed: 20261127 });
  const start = (heartbeat: number, wait: number) => startGate({ config: config(lab.url, heartbeat, wait) });
  const [beating, mute, impatient] = await Promise.all([
    start(HEARTBEAT_MS, 30_000),
    start(60_000, 30_000),
    start(HEARTBEAT_MS, PATIENCE_MS),
  ]);
  const agent = new Agent({ headersTimeout: CLIENT_TIMER_MS, bodyTimeout: CLIENT_TIMER_MS });
  world = { lab, beating, mute, impatient, agent };
});
after(async () => {
  await Promise.all([world?.beating.stop(), world?.mute.stop(), world?.impatient.stop()]);
  await world?.agent.destroy();
  await world?.lab.close();
});

/** The provider refuses one call for so long: from now on nobody's turn on its accounts comes before. */
async function accountsBusy(gate: GateProcess, ms: number): Promise<void> {
  for (const model of ['m', 'crossed']) {
    const response = await fetch(`${gate.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${gate.key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model, messages: [{ role: 'user', content: `[[lab fault=429@${ms / 1_000}]] x` }] }),
    });
    assert.equal(response.status, 429, await response.text());
  }
}
const chatBody = (content = 'hi'): object => ({ model: 'm', stream: true, messages: [{ role: 'user', content }] });
const post = (gate: GateProcess, path: string, body: object, headers: Record<string, string> = {}): Promise<Reading> =>
  openWith(gate, { method: 'POST', path, body, headers });

/** What the SDKs use, with its timer shortened. */
const shortFetch = ((url: string, init: object) =>
  undiciFetch(url, { ...init, dispatcher: world.agent } as never)) as unknown as typeof globalThis.fetch;
const asked = ({ url, key }: GateProcess): Asked => ({ url, key, models: { own: 'm', crossed: 'crossed' } });

describe('official clients while their call waits for its turn at an account', { skip: sdksSkip }, () => {
  let clients: ReturnType<typeof stockClients>;
  before(async () => (clients = stockClients(await loadSdks(), shortFetch)));

  const each = (
    t: { test: typeof test.test },
    judge: (read: (gate: GateProcess) => Promise<string>) => Promise<void>,
  ) =>
    Promise.all(Object.entries(clients).map(([name, read]) => t.test(name, () => judge((gate) => read(asked(gate))))));
  const AT_ONCE = { concurrency: true } as const;

  test('heartbeats keep them, and they have the exact text', AT_ONCE, async (t) => {
    await accountsBusy(world.beating, WAIT_MS);
    const startedAt = performance.now();
    await each(t as never, async (read) => {
      assert.equal(await read(world.beating), 'hi');
      assert.ok(performance.now() - startedAt > 2 * CLIENT_TIMER_MS, 'it did wait');
    });
  });

  test('without heartbeats all die of their own timer', AT_ONCE, async (t) => {
    await accountsBusy(world.mute, WAIT_MS);
    await each(t as never, async (read) => {
      await assert.rejects(read(world.mute), (thrown) => (assert.match(wordsOf(thrown), TIMER_ENDED), true));
    });
  });

  test('whose turn does not come throws the failure that came in band, not a timer', AT_ONCE, async (t) => {
    await accountsBusy(world.impatient, 20_000);
    await each(t as never, async (read) => {
      await assert.rejects(read(world.impatient), (thrown) => {
        assert.match(wordsOf(thrown), /account at the provider has no room/);
        return true;
      });
    });
  });
});

const STREAMS: Readonly<Record<string, { path: string; body: object; error: RegExp; alive: RegExp }>> = {
  'openai, chat': {
    path: '/v1/chat/completions',
    body: chatBody(),
    error: /data: \{"error":\{.*"code":"account_busy"/,
    alive: /^: ping\n\n: ping\n\n/,
  },
  'openai, responses': {
    path: '/v1/responses',
    body: { model: 'm', stream: true, input: 'hi' },
    error: /event: error\ndata: \{"type":"error".*"code":"account_busy"/,
    alive: /^: ping\n\n: ping\n\n/,
  },
  anthropic: {
    path: '/v1/messages',
    body: { model: 'm', stream: true, max_tokens: 9, messages: [{ role: 'user', content: 'hi' }] },
    error: /event: error\ndata: \{"type":"error","error":\{"type":"rate_limit_error"/,
    alive: /^(event: ping\ndata: \{"type": "ping"\}\n\n){2}/,
  },
  google: {
    path: '/v1beta/models/crossed:streamGenerateContent?alt=sse',
    body: { contents: [{ role: 'user', parts: [{ text: 'hi' }] }] },
    error: /data: \{"error":\{"code":429,.*"status":"RESOURCE_EXHAUSTED"/,
    alive: /^: ping\n\n: ping\n\n/,
  },
  'useChat of the AI SDK': {
    path: '/v1/ui/chat',
    body: {
      ...{ id: 'c', model: 'm', trigger: 'submit-message' },
      messages: [{ id: 'u', role: 'user', parts: [{ type: 'text', text: 'hi' }] }],
    },
    error: /data: \{"type":"error","errorText":".*no room/,
    alive: /^: ping\n\n: ping\n\n/,
  },
};

describe('the status line of a call that waits for its turn', () => {
  before(() => accountsBusy(world.impatient, 60_000));

  for (const [name, { path, body, error, alive }] of Object.entries(STREAMS))
    for (const resume of [false, true])
      test(`${name}${resume ? ', resumable' : ''}: after one heartbeat; a later failure is in band, and the end is broken`, async () => {
        const startedAt = performance.now();
        const reading = await post(world.impatient, path, body, { 'x-headgate-resume': String(resume) });
        const headMs = performance.now() - startedAt;
        assert.equal(reading.response.statusCode, 200);
        assert.match(String(reading.response.headers['content-type']), /event-stream/);
        assert.ok(headMs >= HEARTBEAT_MS - 20 && headMs < PATIENCE_MS, `${headMs} ms`);
        assert.equal(await reading.ended, 'broken');
        assert.match(reading.text(), alive);
        assert.match(reading.text(), error);
        const id = callIdOf(reading);
        await world.impatient.until('its entry', async () => {
          const entry = await world.impatient.admin('GET', `/calls/${id}`).catch(() => null);
          return entry?.errorCode === 'account_busy' && entry.httpStatus === 200 && entry.status === 'refused';
        });
        if (resume) assert.equal(endOf(reading.text()).status, 'refused');
      });

  test('of an answer in one piece there is none before its status', async () => {
    const reading = await post(world.impatient, '/v1/chat/completions', { ...chatBody(), stream: false });
    assert.equal(reading.response.statusCode, 429);
    assert.ok(Number(reading.response.headers['retry-after']) >= 1);
    reading.leave();
  });
});

describe('a turn that comes within a heartbeat', () => {
  let slow: GateProcess;
  before(async () => (slow = await startGate({ config: config(world.lab.url, 3_000, 30_000) })));
  after(() => slow?.stop());

  for (const [name, { path, body }] of Object.entries(STREAMS).filter(([name]) => !name.startsWith('use')))
    test(`${name}: leaves the provider’s honest status to the client`, async () => {
      await accountsBusy(slow, 600);
      const text = JSON.stringify(body).replace('"hi"', '"[[lab fault=429@7]] hi"');
      const startedAt = performance.now();
      const reading = await post(slow, path, JSON.parse(text));
      assert.ok(performance.now() - startedAt > 400, 'it waited for its turn');
      assert.equal(reading.response.statusCode, 429);
      assert.equal(reading.response.headers['x-headgate-error-source'], 'provider');
      assert.equal(reading.response.headers['retry-after'], '7');
      // For the next one's sake: the account is free again.
      await slow.stop();
      slow = await startGate({ config: config(world.lab.url, 3_000, 30_000) });
    });
});

describe('a stream that can be read again, while it waits', () => {
  test('its head has the id: who leaves and comes back has all of it', async () => {
    await accountsBusy(world.beating, 1_500);
    const first = await post(world.beating, '/v1/chat/completions', chatBody('one two three'), {
      'x-headgate-resume': 'true',
    });
    const id = callIdOf(first);
    assert.equal(eventsOf(first.text()), '', 'nothing was said yet');
    first.leave();
    const again = await openWith(world.beating, { method: 'GET', path: `/v1/streams/${id}` });
    assert.equal(await again.ended, 'clean');
    assert.match(again.text(), /^: ping\n\n/);
    assert.equal(endOf(again.text()).status, 'ok');
    assert.match(again.text(), /one/);
  });

  test('a cancel from another connection ends the wait: nothing was sent', async () => {
    await accountsBusy(world.beating, 3_000);
    const sent = world.lab.log.length;
    const first = await post(world.beating, '/v1/chat/completions', chatBody(), { 'x-headgate-resume': 'true' });
    const cancel = await openWith(world.beating, { method: 'POST', path: `/v1/streams/${callIdOf(first)}/cancel` });
    await cancel.ended;
    assert.equal(cancel.response.statusCode, 200);
    assert.equal(await first.ended, 'broken');
    assert.equal(endOf(first.text()).status, 'cancelled');
    assert.equal(world.lab.log.length, sent);
  });
});

const START = {
  ...{ type: 'start', stream: 'a', path: '/v1/chat/completions' },
  body: { model: 'm', messages: [{ role: 'user', content: 'hi' }] },
};

describe('WebSockets while a call waits for its turn', () => {
  test('/v1/stream: pings that name the stream, one each heartbeat, and then the answer', async () => {
    await accountsBusy(world.beating, WAIT_MS);
    const client = await openSocket(world.beating);
    client.send(START);
    await client.frame(({ type }) => type === 'end');
    const before = client.frames.slice(
      0,
      client.frames.findIndex(({ type }) => type === 'started'),
    );
    assert.ok(before.length >= 5, `${before.length} pings`);
    for (const frame of before) assert.deepEqual(frame, { type: 'ping', stream: 'a' });
    assert.equal(textOf(said(client.frames, 'a') as any[], 'a'), 'hi');
    client.leave();
  });

  test('/v1/stream: a failure keeps its status and says when to come again', async () => {
    await accountsBusy(world.impatient, 20_000);
    const client = await openSocket(world.impatient);
    client.send(START);
    const error = await client.frame(({ type }) => type === 'error');
    assert.deepEqual([error.status, error.body.error.code], [429, 'account_busy']);
    assert.ok(error.retryAfterMs > 1_000);
    assert.ok(client.frames.filter(({ type }) => type === 'ping').length >= 2);
    client.leave();
  });

  test('the Responses API’s own: pings of the socket, and then the answer', { skip: sdksSkip }, async () => {
    await accountsBusy(world.beating, WAIT_MS);
    const { OpenAI, ResponsesWS } = await loadResponsesSocket();
    const socket = new ResponsesWS(new OpenAI({ baseURL: `${world.beating.url}/v1`, apiKey: world.beating.key }));
    let [pings, text] = [0, ''];
    await new Promise<void>((resolve, reject) => {
      socket.on('error', reject);
      socket.on('event', (event: any) => {
        assert.match(event.type, /^response\./);
        if (event.type === 'response.output_text.delta') text += event.delta;
        if (event.type === 'response.completed') resolve();
      });
      socket.socket.on('ping', () => (pings += text === '' ? 1 : 0));
      socket.send({ type: 'response.create', model: 'm', input: 'hi' });
    });
    socket.close();
    assert.equal(text, 'hi');
    assert.ok(pings >= 5, `${pings} pings`);
  });
});

describe('gRPC while a call waits for its turn', () => {
  const ASK = { model: 'm', messages: [{ role: 'user', parts: [{ kind: { case: 'text' as const, value: 'hi' } }] }] };
  const transports = { gRPC: createGrpcTransport, 'gRPC-Web': createGrpcWebTransport };

  for (const [name, transport] of Object.entries(transports)) {
    const clientOf = ({ url }: GateProcess): Client<typeof Headgate> =>
      createClient(Headgate, transport({ baseUrl: url, httpVersion: '2' }));
    const bearer = ({ key }: GateProcess) => ({ headers: { authorization: `Bearer ${key}` } });

    test(`${name}: heartbeats at once, then the answer`, async () => {
      await accountsBusy(world.beating, WAIT_MS);
      const events: StreamEvent[] = [];
      for await (const event of clientOf(world.beating).generateStream(ASK, bearer(world.beating))) events.push(event);
      const kinds = events.flatMap(({ steps }) => steps.map(({ kind }) => kind.case));
      assert.ok(kinds.indexOf('started') >= 6, kinds.join(' '));
      assert.deepEqual(new Set(kinds.slice(0, kinds.indexOf('started'))), new Set(['heartbeat']));
      assert.equal(kinds.at(-1), 'end');
    });

    test(`${name}: a failure is its status, with when to come again`, async () => {
      await accountsBusy(world.impatient, 20_000);
      let heartbeats = 0;
      const failure = await (async () => {
        for await (const _ of clientOf(world.impatient).generateStream(ASK, bearer(world.impatient))) heartbeats++;
      })().catch((thrown: unknown) => ConnectError.from(thrown));
      assert.equal(failure?.code, Code.ResourceExhausted);
      assert.ok(Number(failure.metadata.get('grpc-retry-pushback-ms')) > 1_000);
      assert.ok(heartbeats >= 2);
    });
  }
});

describe('AWS’s own client while its call waits for its turn', { skip: platformsSkip }, () => {
  let aws: any;
  const clientOf = async (gate: GateProcess): Promise<any> => {
    const { NodeHttpHandler } = await loadPlatform('@smithy/node-http-handler');
    return new aws.BedrockRuntimeClient({
      ...{ region: 'us-east-1', endpoint: gate.url, maxAttempts: 1 },
      ...{ token: { token: gate.key }, authSchemePreference: ['httpBearerAuth'] },
      requestHandler: new NodeHttpHandler({ socketTimeout: CLIENT_TIMER_MS, requestTimeout: CLIENT_TIMER_MS }),
    });
  };
  before(async () => (aws = await loadPlatform('@aws-sdk/client-bedrock-runtime')));
  const ask = { modelId: 'crossed', messages: [{ role: 'user', content: [{ text: 'hi' }] }] };

  test('ConverseStream: frames that it passes over, and the exact text', async () => {
    await accountsBusy(world.beating, WAIT_MS);
    const client = await clientOf(world.beating);
    const { stream } = await client.send(new aws.ConverseStreamCommand(ask));
    const events: any[] = [];
    for await (const event of stream) events.push(event);
    assert.equal(events.map((event) => event.contentBlockDelta?.delta.text ?? '').join(''), 'hi');
    assert.ok(events[0].messageStart, 'a heartbeat is no event of its own');
    client.destroy();
  });

  test('InvokeModelWithResponseStream: Anthropic’s ping in a chunk', async () => {
    await accountsBusy(world.beating, WAIT_MS);
    const client = await clientOf(world.beating);
    const body = JSON.stringify({
      ...{ anthropic_version: 'bedrock-2023-05-31', max_tokens: 9 },
      messages: [{ role: 'user', content: 'hi' }],
    });
    const sent = await client.send(new aws.InvokeModelWithResponseStreamCommand({ modelId: 'm', body }));
    const types: string[] = [];
    for await (const { chunk } of sent.body) types.push(JSON.parse(Buffer.from(chunk.bytes).toString()).type);
    assert.ok(types.indexOf('message_start') >= 5, types.join(' '));
    assert.deepEqual(new Set(types.slice(0, types.indexOf('message_start'))), new Set(['ping']));
    assert.equal(types.at(-1), 'message_stop');
    client.destroy();
  });

  test('whose turn does not come is throttled', async () => {
    await accountsBusy(world.impatient, 20_000);
    const client = await clientOf(world.impatient);
    await assert.rejects(
      async () => {
        const { stream } = await client.send(new aws.ConverseStreamCommand(ask));
        for await (const _ of stream);
      },
      { name: 'ThrottlingException' },
    );
    client.destroy();
  });
});

test('nothing that waits is left behind', async () => {
  await sleep(300);
  for (const gate of [world.beating, world.impatient]) {
    const { streams } = await gate.admin('GET', '/streams');
    assert.deepEqual(streams, []);
  }
});
