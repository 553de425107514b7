import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startGate, type GateProcess } from '../harness/gate-process.ts';
import { loadSdks, sdksSkip } from '../harness/sdks.ts';
import { startUpstream, stream, type ScriptedUpstream, type StreamPart } from '../clients-rules/scripted-upstream.ts';
import { makeKey } from '../hostile/world.ts';

/** The judge is the `ai` package: its transport posts, its parser checks every chunk, its chat keeps the messages. */
interface Ui {
  readonly DefaultChatTransport: new (options: object) => Transport;
  readonly AbstractChat: any;
  readonly readUIMessageStream: (options: object) => AsyncIterable<UiMessage>;
  readonly validateUIMessages: (options: object) => Promise<UiMessage[]>;
  readonly convertToModelMessages: (messages: readonly UiMessage[]) => Promise<unknown[]>;
}
interface Transport {
  sendMessages(options: object): Promise<ReadableStream<Chunk>>;
  reconnectToStream(options: object): Promise<ReadableStream<Chunk> | null>;
}
type Chunk = { readonly type: string } & Record<string, any>;
interface UiMessage {
  readonly id: string;
  readonly role: string;
  readonly metadata?: any;
  readonly parts: readonly ({ readonly type: string } & Record<string, any>)[];
}

const world = {} as { gate: GateProcess; up: ScriptedUpstream; ui: Ui; other: string };

before(async () => {
  if (sdksSkip) return;
  world.ui = (await loadSdks()).ai as Ui;
  world.up = await startUpstream();
  world.gate = await startGate({
    config: `
providers:
  chat: { kind: lab-chat, baseUrl: "${world.up.url}/v1" }
  messages: { kind: lab-messages, baseUrl: "${world.up.url}/v1" }
models:
  chat: { deployments: [{ provider: chat, model: up }] }
  claude: { deployments: [{ provider: messages, model: up }] }
prices: [{ provider: "*", model: "*", perMillion: { input: "1000", output: "2000" } }]
stream: { heartbeat: 300ms, resume: { grace: 5s, keep: 5s } }
retry: { attempts: 1 }
`,
  });
  world.other = await makeKey({ gate: world.gate } as never, 'demo', {});
});
after(async () => {
  await world.gate?.stop();
  await world.up?.close();
});

const chunk = (delta: object, finish: string | null = null): string =>
  `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'up', choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
const USAGE = `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'up', choices: [], usage: { prompt_tokens: 10, completion_tokens: 20, total_tokens: 30 } })}\n\n`;
const DONE = 'data: [DONE]\n\n';
const WORDS = Array.from({ length: 20 }, (_, i) => `wörd${i} `);
const slowly = (pauseMs: number): StreamPart[] => [
  ...WORDS.flatMap((content) => [chunk({ content }), pauseMs]),
  ...[chunk({}, 'stop'), USAGE, DONE],
];
const event = (value: { type: string } & object): string => `event: ${value.type}\ndata: ${JSON.stringify(value)}\n\n`;
const user = (text: string): UiMessage => ({ id: 'u1', role: 'user', parts: [{ type: 'text', text }] });

const transport = (options: { body?: object; headers?: object; key?: string } = {}): Transport =>
  new world.ui.DefaultChatTransport({
    api: `${world.gate.url}/v1/ui/chat`,
    headers: { authorization: `Bearer ${options.key ?? world.gate.key}`, ...options.headers },
    body: { model: 'chat', ...options.body },
  });
const send = (by: Transport, messages: readonly UiMessage[], chatId = 'chat-1', signal?: AbortSignal) =>
  by.sendMessages({ chatId, messages, trigger: 'submit-message', messageId: undefined, abortSignal: signal });

async function chunksOf(source: ReadableStream<Chunk>): Promise<Chunk[]> {
  const all: Chunk[] = [];
  for await (const one of source as unknown as AsyncIterable<Chunk>) all.push(one);
  return all;
}
async function messageOf(source: ReadableStream<Chunk>): Promise<UiMessage> {
  let last: UiMessage | undefined;
  for await (const message of world.ui.readUIMessageStream({ stream: source, terminateOnError: true })) last = message;
  return last!;
}
const sentBody = (): any => JSON.parse(world.up.seen.at(-1)!.body.toString());
const textOf = (message: UiMessage): string =>
  message.parts.map((part) => (part.type === 'text' ? (part['text'] as string) : '')).join('');

/** A chat as `useChat` has one, without React: its state is a plain list. */
function chatWith(by: Transport, id: string, more: object = {}) {
  const state = {
    status: 'ready',
    error: undefined as Error | undefined,
    messages: [] as UiMessage[],
    pushMessage: (message: UiMessage) => void (state.messages = [...state.messages, message]),
    popMessage: () => void (state.messages = state.messages.slice(0, -1)),
    replaceMessage: (at: number, message: UiMessage) =>
      void (state.messages = state.messages.with(at, structuredClone(message))),
    snapshot: <T>(value: T): T => structuredClone(value),
  };
  class Chat extends world.ui.AbstractChat {}
  const chat = new (Chat as any)({ id, transport: by, state, ...more });
  return { chat, state };
}

describe('useChat of the AI SDK speaks to the gate itself', { skip: sdksSkip }, () => {
  test('text with usage: every chunk passes the schema of the SDK, and the message has the exact text', async () => {
    world.up.answer(stream(slowly(0)));
    const [forChunks, forMessage] = (await send(transport(), [user('hi')])).tee();
    const [chunks, message] = await Promise.all([chunksOf(forChunks), messageOf(forMessage)]);
    assert.deepEqual(
      chunks.map(({ type }) => type).filter((type) => type !== 'text-delta'),
      ['start', 'start-step', 'text-start', 'text-end', 'finish-step', 'finish'],
    );
    assert.equal(textOf(message), WORDS.join(''));
    assert.deepEqual(message.metadata.usage, { inputTokens: 10, outputTokens: 20, totalTokens: 30 });
    assert.match(message.metadata.callId, /^call_/);
    assert.equal(chunks.at(-1)!['finishReason'], 'stop');
    await world.ui.validateUIMessages({ messages: [user('hi'), message] });
  });

  test('the head says which protocol it is, and the answer is never compressed or buffered', async () => {
    world.up.answer(stream(slowly(0)));
    const response = await fetch(`${world.gate.url}/v1/ui/chat`, {
      method: 'POST',
      headers: { authorization: `Bearer ${world.gate.key}`, 'accept-encoding': 'gzip, br' },
      body: JSON.stringify({ id: 'head', model: 'chat', messages: [user('hi')] }),
    });
    const { headers } = response;
    assert.equal(headers.get('x-vercel-ai-ui-message-stream'), 'v1');
    assert.match(headers.get('content-type')!, /^text\/event-stream/);
    assert.equal(headers.get('x-accel-buffering'), 'no');
    assert.equal(headers.get('content-encoding'), null);
    assert.match(await response.text(), /data: \[DONE\]\n\n$/);
  });

  test('thinking comes as reasoning, and goes back signed as it came', async () => {
    world.up.answer(
      stream([
        event({
          ...{ type: 'message_start' },
          message: {
            ...{ id: 'msg_1', type: 'message', role: 'assistant', model: 'up', content: [], stop_reason: null },
            ...{ stop_sequence: null, usage: { input_tokens: 11, output_tokens: 1 } },
          },
        } as never),
        event({ type: 'content_block_start', index: 0, content_block: { type: 'thinking', thinking: '' } } as never),
        event({ type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: 'Hm.' } } as never),
        event({
          type: 'content_block_delta',
          index: 0,
          delta: { type: 'signature_delta', signature: 'c2ln' },
        } as never),
        event({ type: 'content_block_stop', index: 0 } as never),
        event({ type: 'content_block_start', index: 1, content_block: { type: 'text', text: '' } } as never),
        event({ type: 'content_block_delta', index: 1, delta: { type: 'text_delta', text: 'Yes.' } } as never),
        event({ type: 'content_block_stop', index: 1 } as never),
        event({
          type: 'message_delta',
          delta: { stop_reason: 'end_turn', stop_sequence: null },
          usage: { output_tokens: 7 },
        } as never),
        event({ type: 'message_stop' }),
      ]),
    );
    const by = transport({ body: { model: 'claude' } });
    const first = await messageOf(await send(by, [user('hi')]));
    assert.deepEqual(
      first.parts.map(({ type, text }) => [type, text]),
      [
        ['step-start', undefined],
        ['reasoning', 'Hm.'],
        ['text', 'Yes.'],
      ],
    );
    await chunksOf(await send(by, [user('hi'), first, { ...user('and?'), id: 'u2' }]));
    const assistant = sentBody().messages[1];
    assert.deepEqual(assistant.content, [
      { type: 'thinking', thinking: 'Hm.', signature: 'c2ln' },
      { type: 'text', text: 'Yes.' },
    ]);
  });

  test('a tool of the client: the call arrives whole, its output goes back, and the chat goes on by itself', async () => {
    const calls = [
      chunk({ tool_calls: [{ index: 0, id: 't1', type: 'function', function: { name: 'weather', arguments: '' } }] }),
      ...['{"city":', '"Bern"}'].map((piece) => chunk({ tool_calls: [{ index: 0, function: { arguments: piece } }] })),
      ...[chunk({}, 'tool_calls'), USAGE, DONE],
    ];
    world.up.answer(stream(calls));
    const inputSchema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
    const by = transport({
      body: { system: 'Be brief.', tools: { weather: { description: 'of a city', inputSchema } } },
    });
    const seen: unknown[] = [];
    const { chat, state } = chatWith(by, 'tools', {
      sendAutomaticallyWhen: (world.ui as any).lastAssistantMessageIsCompleteWithToolCalls,
      onToolCall: ({ toolCall }: any) => {
        seen.push(toolCall.input);
        world.up.answer(stream(slowly(0)));
        void chat.addToolOutput({ tool: 'weather', toolCallId: toolCall.toolCallId, output: { degrees: 7 } });
      },
    });
    await chat.sendMessage({ text: 'weather?' });
    for (let i = 0; i < 200 && textOf(state.messages.at(-1)!) !== WORDS.join(''); i++) await sleep(25);
    assert.deepEqual(seen, [{ city: 'Bern' }]);
    assert.deepEqual(sentBody().tools, [
      { type: 'function', function: { name: 'weather', description: 'of a city', parameters: inputSchema } },
    ]);
    assert.deepEqual(
      sentBody().messages.map(({ role, content }: any) => [role, content ?? null]),
      [
        ['system', 'Be brief.'],
        ['user', 'weather?'],
        ['assistant', null],
        ['tool', '{"degrees":7}'],
      ],
    );
    assert.deepEqual(
      state.messages.map(({ role, parts }) => [role, parts.map(({ type, state: at }) => [type, at])]),
      [
        ['user', [['text', undefined]]],
        [
          'assistant',
          [
            ...[
              ['step-start', undefined],
              ['tool-weather', 'output-available'],
            ],
            ...[
              ['step-start', undefined],
              ['text', 'done'],
            ],
          ],
        ],
      ],
    );
    assert.equal(textOf(state.messages.at(-1)!), WORDS.join(''));
  });

  test('files go on as the provider takes them; what only the page shows stays with it', async () => {
    world.up.answer(stream(slowly(0)));
    const png = 'data:image/png;base64,iVBORw0KGgo=';
    const message: UiMessage = {
      id: 'u1',
      role: 'user',
      parts: [
        { type: 'text', text: 'what is it?' },
        { type: 'file', mediaType: 'image/png', filename: 'a.png', url: png },
        { type: 'data-note', data: { mine: true } },
      ],
    };
    await chunksOf(await send(transport({ body: { sessionId: 'of-the-app' } }), [message]));
    assert.deepEqual(sentBody().messages[0].content, [
      { type: 'text', text: 'what is it?' },
      { type: 'image_url', image_url: { url: png } },
    ]);
    assert.equal(sentBody().sessionId, undefined);
  });

  test('a refusal is thrown by the transport with status and code; a wrong message names its field', async () => {
    const refused = async (by: Transport, messages: readonly UiMessage[]): Promise<any> => {
      const thrown: any = await send(by, messages).then(
        () => assert.fail('must refuse'),
        (error: unknown) => error,
      );
      return { status: thrown.statusCode, ...JSON.parse(thrown.responseBody).error };
    };
    assert.equal((await refused(transport({ key: 'wrong' }), [user('hi')])).status, 401);
    const unnamed = await refused(transport({ body: { model: undefined } }), [user('hi')]);
    assert.deepEqual([unnamed.status, unnamed.param], [400, 'model']);
    const old = await refused(transport(), [{ id: 'x', role: 'user', content: 'hi' } as never]);
    assert.deepEqual([old.status, old.param], [400, 'messages[0].parts']);
    const ran = { type: 'tool-search', toolCallId: 't', state: 'output-available', providerExecuted: true };
    const theirs = await refused(transport(), [user('hi'), { id: 'a', role: 'assistant', parts: [ran] }]);
    assert.equal(theirs.param, 'messages[1].parts[0].providerExecuted');
  });

  test('an error in mid-stream reaches onError in the provider’s words, and the text so far stays', async () => {
    const broken = `data: {"error":{"message":"The server is overloaded","type":"server_error"}}\n\n`;
    world.up.answer(stream([chunk({ content: 'so far' }), 50, broken]));
    const errors: Error[] = [];
    const { chat, state } = chatWith(transport(), 'broken', { onError: (error: Error) => errors.push(error) });
    await chat.sendMessage({ text: 'hi' });
    assert.equal(state.status, 'error');
    assert.match(errors[0]!.message, /overloaded/);
    assert.equal(textOf(state.messages.at(-1)!), 'so far');
  });

  test('a stream that the provider cuts is no finished one', async () => {
    world.up.answer(stream([chunk({ content: 'so far' }), 50, 'cut']));
    const { chat, state } = chatWith(transport(), 'cut');
    await chat.sendMessage({ text: 'hi' });
    assert.equal(state.status, 'error');
  });

  test('stop() without resume ends the provider’s generation', async () => {
    world.up.answer(stream(slowly(100)));
    const { chat, state } = chatWith(transport(), 'stopped');
    const sending = chat.sendMessage({ text: 'hi' });
    while (textOf(state.messages.at(-1) ?? user('')) === '' || state.messages.at(-1)!.role === 'user') await sleep(10);
    await chat.stop();
    await sending;
    await until(() => world.up.seen.at(-1)!.closedAtMs !== null);
  });
});

async function until(right: () => boolean): Promise<void> {
  for (let i = 0; i < 400 && !right(); i++) await sleep(25);
  assert.ok(right());
}

describe('a stream of useChat is taken up again', { skip: sdksSkip }, () => {
  const headers = { 'x-headgate-resume': 'true' };
  /** Reads a few chunks and loses the connection, as a reload of the page does. */
  async function lost(chatId: string): Promise<void> {
    const leave = new AbortController();
    const reader = (await send(transport({ headers }), [user('hi')], chatId, leave.signal)).getReader();
    for (let i = 0; i < 5; i++) await reader.read();
    leave.abort();
    await reader.closed.catch(() => undefined);
  }

  test('a page that was reloaded in mid-stream gets the whole message, and the provider was asked once', async () => {
    world.up.answer(stream(slowly(60)));
    const before = world.up.seen.length;
    await lost('resumed');
    const { chat, state } = chatWith(transport(), 'resumed');
    state.messages = [user('hi')];
    await chat.resumeStream();
    assert.equal(textOf(state.messages.at(-1)!), WORDS.join(''));
    assert.equal(state.messages.length, 2);
    assert.equal(world.up.seen.length, before + 1);
  });

  test('a stream that ended while nobody was there is read once; then, and for an unknown chat, there is none', async () => {
    world.up.answer(stream(slowly(10)));
    await lost('ended/ünd weg');
    await sleep(1_000);
    const again = await transport().reconnectToStream({ chatId: 'ended/ünd weg' });
    assert.equal(textOf(await messageOf(again!)), WORDS.join(''));
    assert.equal(await transport().reconnectToStream({ chatId: 'ended/ünd weg' }), null);
    assert.equal(await transport().reconnectToStream({ chatId: 'never' }), null);
  });

  test('another key of the tenant finds no stream under the same chat', async () => {
    world.up.answer(stream(slowly(60)));
    await lost('mine');
    assert.equal(await transport({ key: world.other }).reconnectToStream({ chatId: 'mine' }), null);
    const own = await transport().reconnectToStream({ chatId: 'mine' });
    assert.equal(textOf(await messageOf(own!)), WORDS.join(''));
  });

  test('the newest call of a chat is the one that is taken up', async () => {
    world.up.answer(stream(slowly(60)));
    await lost('twice');
    const later = [chunk({ content: 'the later one' }), 500, chunk({}, 'stop'), USAGE, DONE];
    world.up.answer(stream(later));
    const leave = new AbortController();
    const reader = (await send(transport({ headers }), [user('again')], 'twice', leave.signal)).getReader();
    await reader.read();
    leave.abort();
    const own = await transport().reconnectToStream({ chatId: 'twice' });
    assert.equal(textOf(await messageOf(own!)), 'the later one');
  });

  test('leaving does not cancel such a stream; the explicit cancel does, by chat and by call', async () => {
    const ask = (path: string, key = world.gate.key) =>
      fetch(world.gate.url + path, { method: 'POST', headers: { authorization: `Bearer ${key}` } });
    world.up.answer(stream(slowly(150)));
    await lost('cancelled');
    await sleep(300);
    const seen = world.up.seen.at(-1)!;
    assert.equal(seen.closedAtMs, null);
    assert.equal((await ask('/v1/ui/chat/cancelled/cancel', world.other)).status, 404);
    const asked = performance.now();
    assert.equal((await ask('/v1/ui/chat/cancelled/cancel')).status, 200);
    await until(() => seen.closedAtMs !== null);
    assert.ok(seen.closedAtMs! - asked < 1_000);
    assert.equal((await ask('/v1/ui/chat/never/cancel')).status, 404);

    const reader = (await send(transport({ headers }), [user('hi')], 'by-call')).getReader();
    const { value } = await reader.read();
    const id = value!['messageMetadata'].callId as string;
    assert.equal((await ask(`/v1/streams/${id}/cancel`)).status, 200);
    await until(() => world.up.seen.at(-1)!.closedAtMs !== null);
    await reader.cancel().catch(() => undefined);
  });
});
