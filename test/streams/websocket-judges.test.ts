import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { startGate, type GateProcess } from '../harness/gate-process.ts';
import { startUpstream, stream, type ScriptedUpstream, type StreamPart } from '../clients-rules/scripted-upstream.ts';
import { loadResponsesSocket, sdksSkip } from '../harness/sdks.ts';
import { refusedUpgrade, socketUrl } from './socket-client.ts';

const world = {} as { gate: GateProcess; up: ScriptedUpstream };
before(async () => {
  world.up = await startUpstream();
  world.gate = await startGate({
    config: `
providers:
  chat: { kind: lab-chat, baseUrl: "${world.up.url}/v1" }
  responses: { kind: lab-responses, baseUrl: "${world.up.url}/v1" }
models:
  chat: { deployments: [{ provider: chat, model: up }] }
  gpt: { deployments: [{ provider: responses, model: up }] }
stream: { heartbeat: 300ms, responsesWebSocket: true }
retry: { attempts: 1 }
`,
  });
});
after(async () => {
  await world.gate?.stop();
  await world.up?.close();
});

const WORDS = Array.from({ length: 20 }, (_, i) => `wörd${i} `);
const chunk = (content: string | null, finish: string | null = null): string =>
  `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'up', choices: [{ index: 0, delta: content === null ? {} : { content }, finish_reason: finish }] })}\n\n`;
const CHAT: StreamPart[] = [...WORDS.flatMap((word) => [chunk(word), 50]), chunk(null, 'stop'), 'data: [DONE]\n\n'];
const START = {
  ...{ type: 'start', stream: 'a', path: '/v1/chat/completions' },
  body: { model: 'chat', messages: [{ role: 'user', content: 'hi' }] },
  headers: { 'x-headgate-resume': 'true' },
};

const python = spawnSync('/usr/bin/python3', ['-c', 'import websockets']).status === 0;
const PYTHON = `
import asyncio, json, sys, websockets
async def read(ws, into):
    async for text in ws:
        frame = json.loads(text)
        into.append(frame)
        if frame["type"] in ("end", "error"): return
        if frame["type"] == "delta" and len(into) > 8 and frame["stream"] == "a": return
async def main(url, key, start):
    head = {"Authorization": "Bearer " + key}
    first, second = [], []
    async with websockets.connect(url, extra_headers=head, ping_interval=0.2, ping_timeout=5) as ws:
        await ws.send(start)
        await read(ws, first)
    at = [f for f in first if "seq" in f][-1]["seq"]
    started = [f for f in first if f["type"] == "started"][0]
    async with websockets.connect(url, extra_headers=head, ping_interval=0.2, ping_timeout=5) as ws:
        await ws.send(json.dumps({"type": "resume", "stream": "b", "id": started["id"], "after": "%s.%d" % (started["epoch"], at)}))
        await read(ws, second)
    print(json.dumps(first + second))
asyncio.run(main(*sys.argv[1:4]))
`;

const textOf = (frames: any[]): string =>
  frames
    .flatMap((frame) => (frame.type === 'batch' ? frame.frames : [frame]))
    .filter(({ type }) => type === 'delta')
    .map(({ text }) => text)
    .join('');

describe('peers that we did not write', () => {
  test(
    'websockets of Python: cut in mid-stream and read on',
    { skip: python ? false : 'skipped: python3-websockets is not installed' },
    async () => {
      world.up.answer(stream(CHAT));
      const child = spawn('/usr/bin/python3', [
        '-c',
        PYTHON,
        socketUrl(world.gate.url),
        world.gate.key,
        JSON.stringify(START),
      ]);
      let [out, errors] = ['', ''];
      child.stdout.on('data', (text) => (out += String(text)));
      child.stderr.on('data', (text) => (errors += String(text)));
      const code = await new Promise((resolve) => child.on('close', resolve));
      assert.equal(code, 0, errors);
      const frames = JSON.parse(out);
      assert.equal(textOf(frames), WORDS.join(''));
      assert.equal(frames.at(-1).status, 'ok');
    },
  );

  test('the WebSocket of Node: without a credential in its power, it is refused', async () => {
    const socket = new WebSocket(socketUrl(world.gate.url));
    await new Promise((resolve) => socket.addEventListener('error', resolve));
    assert.equal(socket.readyState, WebSocket.CLOSED);
  });
});

const event = (type: string, more: object): string => `event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`;
function responseOf(id: string, text: string): StreamPart[] {
  const message = {
    id: `msg_${id}`,
    type: 'message',
    role: 'assistant',
    status: 'completed',
    content: [{ type: 'output_text', text, annotations: [] }],
  };
  const response = (status: string, output: object[]): object => ({
    response: {
      id,
      object: 'response',
      created_at: 1,
      model: 'up',
      status,
      output,
      usage: status === 'completed' ? { input_tokens: 3, output_tokens: 2, total_tokens: 5 } : null,
    },
  });
  return [
    event('response.created', { sequence_number: 0, ...response('in_progress', []) }),
    event('response.output_item.added', {
      sequence_number: 1,
      output_index: 0,
      item: { ...message, status: 'in_progress', content: [] },
    }),
    event('response.output_text.delta', {
      sequence_number: 2,
      item_id: message.id,
      output_index: 0,
      content_index: 0,
      delta: text,
    }),
    event('response.output_item.done', { sequence_number: 3, output_index: 0, item: message }),
    event('response.completed', { sequence_number: 4, ...response('completed', [message]) }),
  ];
}

interface ResponsesSocket {
  on(event: string, listener: (value: any) => void): void;
  send(event: object): void;
  close(): void;
}

describe('the WebSocket mode of the Responses API, by the official SDK', { skip: sdksSkip }, () => {
  async function connect(): Promise<{
    events: any[];
    errors: any[];
    socket: ResponsesSocket;
    until: (what: string, check: () => boolean) => Promise<void>;
  }> {
    const { OpenAI, ResponsesWS } = await loadResponsesSocket();
    const client = new OpenAI({ apiKey: world.gate.key, baseURL: `${world.gate.url}/v1` });
    const socket = new ResponsesWS(client) as ResponsesSocket;
    const [events, errors]: any[][] = [[], []];
    socket.on('event', (value) => events!.push(value));
    socket.on('error', (value) => errors!.push(value));
    return {
      events: events!,
      errors: errors!,
      socket,
      until: (what, check) => world.gate.until(`${what}: ${JSON.stringify(events)} ${String(errors)}`, check),
    };
  }
  const completed = (events: any[]): any[] => events.filter(({ type }) => type === 'response.completed');

  test('a response is the API’s events, and the entry says ws', async () => {
    world.up.answer(stream(responseOf('resp_1', 'hello')));
    const { events, socket, until } = await connect();
    socket.send({ type: 'response.create', model: 'gpt', input: 'hi' });
    await until('completed', () => completed(events).length === 1);
    assert.deepEqual(
      events.map(({ type }) => type),
      [
        'response.created',
        'response.output_item.added',
        'response.output_text.delta',
        'response.output_item.done',
        'response.completed',
      ],
    );
    const sent = JSON.parse(world.up.seen.at(-1)!.body.toString());
    assert.deepEqual([sent.type, sent.stream, sent.input], [undefined, true, 'hi']);
    socket.close();
  });

  test('previous_response_id: the provider’s where it keeps it, the socket’s where nobody does', async () => {
    const { events, errors, socket, until } = await connect();
    world.up.answer(stream(responseOf('resp_2', 'first')));
    socket.send({ type: 'response.create', model: 'gpt', input: 'one', store: false });
    world.up.answer(stream(responseOf('resp_2', 'first')));
    socket.send({
      type: 'response.create',
      model: 'gpt',
      input: [{ type: 'message', role: 'user', content: 'two' }],
      store: false,
      previous_response_id: 'resp_2',
    });
    await until('both', () => completed(events).length === 2);
    const sent = JSON.parse(world.up.seen.at(-1)!.body.toString());
    assert.equal(sent.previous_response_id, undefined);
    assert.deepEqual(
      sent.input.map((item: any) => item.role),
      ['user', 'assistant', 'user'],
    );
    socket.send({
      type: 'response.create',
      model: 'gpt',
      input: 'x',
      store: false,
      previous_response_id: 'resp_nobody',
    });
    await until('the error', () => errors.length === 1);
    assert.equal(errors[0].error.error.code, 'previous_response_not_found');
    socket.close();
  });

  test('a warm-up asks no provider, and what it said is there', async () => {
    const { events, socket, until } = await connect();
    const calls = world.up.seen.length;
    socket.send({ type: 'response.create', model: 'gpt', input: 'context', store: false, generate: false });
    await until('the warm-up', () => completed(events).length === 1);
    assert.equal(world.up.seen.length, calls);
    world.up.answer(stream(responseOf('resp_3', 'warm')));
    socket.send({
      type: 'response.create',
      model: 'gpt',
      input: 'go',
      store: false,
      previous_response_id: completed(events)[0].response.id,
    });
    await until('the answer', () => completed(events).length === 2);
    const sent = JSON.parse(world.up.seen.at(-1)!.body.toString());
    assert.deepEqual(
      sent.input.map(({ content }: any) => content),
      ['context', 'go'],
    );
    socket.close();
  });

  test('errors are the API’s, and the socket goes on', async () => {
    const { events, errors, socket, until } = await connect();
    socket.send({ type: 'response.create', model: 'none', input: 'hi' });
    await until('the error', () => errors.length === 1);
    assert.equal(errors[0].error.status, 404);
    assert.equal(errors[0].error.error.code, 'model_not_found');
    socket.send({ type: 'response.cancel' });
    await until('the second', () => errors.length === 2);
    assert.equal(errors[1].error.error.param, 'type');
    world.up.answer(stream(responseOf('resp_4', 'on')));
    socket.send({ type: 'response.create', model: 'gpt', input: 'hi', stream_id: 's1' });
    await until('the answer', () => completed(events).length === 1);
    assert.equal(completed(events)[0].stream_id, 's1');
    socket.close();
  });

  test('no key, no socket', async () => {
    assert.equal((await refusedUpgrade({ url: world.gate.url, path: '/v1/responses', key: 'nobody' })).status, 401);
  });
});
